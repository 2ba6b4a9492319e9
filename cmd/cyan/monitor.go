package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// leastInterval keeps a device from being asked faster than it answers.
const leastInterval = 500 * time.Millisecond

func (c *cli) monitorVerb() *cobra.Command {
	var interval time.Duration
	var most int
	cmd := &cobra.Command{
		Use: "monitor DEVICE VARIABLE", Short: "Read a variable again and again",
		Args: takes(2, 2, "DEVICE VARIABLE"),
		Long: `Reads a variable every --interval and prints a line for each value, with the time,
until it is interrupted. What may pass is said on standard error and tried again:
a device that is offline or does not answer, a cloud that is down. A variable or
device that does not exist ends it.`,
		Example: `  cyan monitor oven temps
  cyan monitor oven pit --interval 5s --max 100 > pit.jsonl`,
		ValidArgsFunction: c.deviceWords(variablesOf),
		RunE: func(cmd *cobra.Command, args []string) error {
			if interval < leastInterval {
				return misuse("--interval is at least "+leastInterval.String()+": devices do not answer faster", "cyan monitor oven temps --interval 1s")
			}
			remote, err := c.remote()
			if err != nil {
				return err
			}
			if c.json || !terminal(c.out) {
				c.say("reading %s of %s every %s", args[1], args[0], interval)
			} else {
				c.say("reading %s of %s every %s; Ctrl-C ends it", args[1], args[0], interval)
			}
			ctx, cancel := c.whileRead(cmd.Context())
			defer cancel()
			return c.watch(ctx, remote, args[0], args[1], interval, most)
		},
	}
	cmd.Flags().DurationVar(&interval, "interval", time.Second, "time between two readings")
	cmd.Flags().IntVar(&most, "max", 0, "end after this many (default never)")
	c.targetFlags(cmd)
	return cmd
}

// sample is a value of a variable at a time.
type sample struct {
	At       rest.Time `json:"at"`
	Device   string    `json:"device"`
	Variable string    `json:"name"`
	Result   any       `json:"result"`
}

// watch reads a variable until ctx ends or there were enough values.
func (c *cli) watch(ctx context.Context, remote *client.Client, device, variable string, interval time.Duration, most int) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for n := 0; ; {
		v, err := remote.Variable(ctx, device, variable)
		switch e := answerOf(err); {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			now := time.Now()
			s := sample{rest.At(now), v.CoreInfo.DeviceID, v.Name, v.Result}
			if err := c.show(s, "%s  %s", c.stamp(now), plain(v.Result)); err != nil {
				return err
			}
			n++
		case e != nil && !e.Temporary():
			return err
		default:
			c.say("warning: %s; trying again", diagnose(err).text)
		}
		if most > 0 && n >= most {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
