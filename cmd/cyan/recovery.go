package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) recoveryVerb() *cobra.Command {
	var everyone bool
	var all bool
	cmd := &cobra.Command{
		Use: "recovery", Short: "How devices came back after a disconnect, and which are missing", Args: takes(0, 0, ""),
		Long: `Draws how devices come back after a disconnect that hit many: a crash, a restart,
a drain, a network that was away. The line is what their back-off predicts. Below
stand those of your devices that are not back, with the reason and with the time
by which their own clock should bring them back. Who is late by that is kept
away by something else: cyan doctor looks at it.`,
		Example: "  cyan recovery\n  cyan recovery --everyone\n  cyan recovery --json | jq '.stragglers[].device'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			v, err := remote.Recoveries(cmd.Context(), everyone)
			switch {
			case err != nil:
				return err
			case c.json:
				return c.emit(v)
			}
			c.printRecoveries(&v, all)
			return nil
		},
	}
	cmd.Flags().BoolVar(&everyone, "everyone", false, "list other people's devices, too; for administrators")
	cmd.Flags().BoolVar(&all, "all", false, "draw every disconnect that is known, not the newest and those that go on")
	c.targetFlags(cmd)
	return cmd
}

func (c *cli) printRecoveries(v *rest.Recoveries, all bool) {
	if len(v.Recoveries) == 0 {
		c.print("No disconnect that hit many devices is known.")
		return
	}
	for i := range v.Recoveries {
		if r := &v.Recoveries[i]; i == 0 || all || r.Over.IsZero() {
			c.printRecovery(r)
		}
	}
	if len(v.Stragglers) == 0 {
		c.print("None of your devices is missing.")
		return
	}
	c.print("%s missing:", counted(len(v.Stragglers)+v.Unlisted, "device"))
	for i := range v.Stragglers {
		c.printStraggler(&v.Stragglers[i])
	}
	if v.Unlisted > 0 {
		c.print("and %d more", v.Unlisted)
	}
}

// disconnects is what ended the connections.
var disconnects = map[string]string{
	rest.DisconnectStart: "The cloud was restarted", rest.DisconnectCrash: "The cloud crashed", rest.DisconnectDrain: "Devices were sent away",
	rest.DisconnectTogether: "Many devices lost their connection",
}

func (c *cli) printRecovery(r *rest.Recovery) {
	line := disconnects[r.Kind] + " at " + c.stamp(r.At.Time)
	if down := r.Up.Sub(r.At.Time); down > 0 {
		line += fmt.Sprintf(", and served again after %.1f s", down.Seconds())
	}
	c.print("%s", line)
	line = fmt.Sprintf("%s of %s disconnected: %d answer", counted(r.Affected, "device"), counted(r.Owners, "owner"), r.Answering)
	if silent := r.Connected - r.Answering; silent > 0 {
		line += fmt.Sprintf(", %d are connected and do not answer", silent)
	}
	line += fmt.Sprintf(", %d are missing", r.Missing)
	if r.GivenUp > 0 {
		line += fmt.Sprintf(", %d were not back within a day", r.GivenUp)
	}
	c.print("%s", line)
	if r.P50S != nil {
		line = fmt.Sprintf("half of them were back after %.1f s", *r.P50S)
		for _, q := range []struct {
			share string
			s     *float64
		}{{"95 %", r.P95S}, {"99 %", r.P99S}} {
			if q.s != nil {
				line += fmt.Sprintf(", %s after %.1f s", q.share, *q.s)
			}
		}
		c.print("%s", line)
	}
	if !r.Until.IsZero() {
		c.print("recovering until about %s", c.stamp(r.Until.Time))
	}
	for _, p := range r.Curve {
		c.print("%8s  %s  %d", shortly(p.AfterS), bar(p.Back, p.Expected, r.Affected), p.Back)
	}
}

// shortly gives a time in few letters.
func shortly(seconds float64) string {
	switch d := time.Duration(seconds * float64(time.Second)); {
	case d >= time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	case d >= 3*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	default:
		return fmt.Sprintf("%.0f s", seconds)
	}
}

// barWidth is how wide a bar is that stands for all.
const barWidth = 40

// bar draws a part of all, with a line where it was expected to end.
func bar(part, expected, all int) string {
	at := func(n int) int { return int(math.Round(float64(n) / float64(max(1, all)) * barWidth)) }
	cells := []rune(strings.Repeat("█", at(part)) + strings.Repeat("·", barWidth-at(part)))
	if i := at(expected); i > 0 {
		cells[i-1] = '│'
	}
	return string(cells)
}

func (c *cli) printStraggler(s *rest.Straggler) {
	name := s.Device
	if s.Name != "" {
		name += " " + string(s.Name)
	}
	line := name + "  since " + c.stamp(s.Since.Time) + "  " + s.Transport + " " + s.State
	if s.Reason != "" {
		line += " (" + string(s.Reason) + ")"
	}
	if s.Late {
		line += ", was expected by "
	} else {
		line += ", expected by "
	}
	line += c.stamp(s.Expected.Time)
	if s.LastTry.IsZero() {
		line += ", has not tried since"
	} else {
		line += ", last tried " + c.stamp(s.LastTry.Time)
	}
	c.print("%s", line)
}
