package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) attemptsVerb() *cobra.Command {
	var since time.Duration
	cmd := &cobra.Command{
		Use: "attempts DEVICE", Short: "A device's tries to connect, and what failed",
		Args: takes(1, 1, "DEVICE"),
		Long: `Says how many of a device's last tries to reach the cloud succeeded and how long
those took, and lists them, newest first: from where, how far it came and when,
and if it failed why and whose fault it is. What the reasons mean and what to do
about them is in docs/runbook/reasons.md.`,
		Example: "  cyan attempts oven\n  cyan attempts oven --since 2h --json",

		ValidArgsFunction: c.deviceWords(nil),
		RunE: func(cmd *cobra.Command, args []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			answer, err := remote.Attempts(cmd.Context(), args[0], time.Now().Add(-since))
			if err != nil {
				return err
			}
			if first := share(answer.Attempts); first != "" && !c.json {
				c.print("%s", first)
			}
			for _, a := range answer.Attempts {
				if !c.json {
					c.printAttempt(a)
				} else if err := c.emit(a); err != nil {
					return err
				}
			}
			if len(answer.Attempts) > 0 {
				return nil
			}
			if d, err := remote.Device(cmd.Context(), args[0]); err == nil && d.Online {
				c.say("it is connected; the try that led there is on record within seconds, or was before the last %s", short(since))
				return nil
			}
			c.say("nothing of this device has reached the cloud in the last %s; a try that goes on is listed when it ends", short(since))
			c.say("hint: its light may tell more: cyan led WORDS --device %s", args[0])
			return nil
		},
	}
	cmd.Flags().DurationVar(&since, "since", 24*time.Hour, "how far back")
	c.targetFlags(cmd)
	return cmd
}

// strip is of how many tries the share is told.
const strip = 20

// share says, of the last tries that have ended, how many succeeded, how long
// those took, and which they were: the newest first, as the list below it. It
// is empty where none has ended.
func share(tries []rest.Attempt) string {
	var marks strings.Builder
	var took []time.Duration
	all := 0
	for i := range tries {
		switch a := &tries[i]; {
		case all == strip:
		case a.Outcome == "succeeded":
			all++
			took = append(took, a.Ended.Sub(a.Started.Time))
			marks.WriteByte('+')
		case a.Outcome == "failed":
			all++
			marks.WriteByte('-')
		}
	}
	if all == 0 {
		return ""
	}
	line := fmt.Sprintf("%d %% succeeded: %d of the last %d tries", 100*len(took)/all, len(took), all)
	if all == 1 {
		line = fmt.Sprintf("%d %% succeeded: %d of 1 try", 100*len(took), len(took))
	}
	switch {
	case len(took) == 1:
		line += fmt.Sprintf(", within %.2f s", took[0].Seconds())
	case len(took) > 1:
		slices.Sort(took)
		line += fmt.Sprintf(", half of them within %.2f s, all within %.2f s", took[(len(took)-1)/2].Seconds(), took[len(took)-1].Seconds())
	}
	return line + "  " + marks.String()
}

func (c *cli) printAttempt(a rest.Attempt) {
	line := fmt.Sprintf("%s  %s from %s  %s", c.stamp(a.Started.Time), a.Transport, a.Source, a.Outcome)
	if a.Reason != "" {
		line += ": " + string(a.Reason)
	}
	if a.Fault != "" {
		line += ", fault of the " + string(a.Fault)
	}
	if a.Claimed {
		line += " (the id is what it claims)"
	}
	c.print("%s", c.wrapped(line, "  "))
	var stages []string
	for _, s := range a.Stages {
		stages = append(stages, fmt.Sprintf("%s +%d ms", s.Stage, s.At.Sub(a.Started.Time).Milliseconds()))
	}
	if len(stages) > 0 {
		c.print("%s", c.wrapped("  "+strings.Join(stages, ", "), "  "))
	}
	if a.Detail != "" {
		c.print("%s", c.wrapped("  "+string(a.Detail), "  "))
	}
}

// short writes a duration without trailing zeros: 24h, 1h30m.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
