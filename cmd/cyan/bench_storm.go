package main

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/sim/bench/storm"
)

func (c *cli) benchStormVerb() *cobra.Command {
	var b storm.Bench
	cmd := &cobra.Command{
		Use: "storm", Short: "How soon a fleet is back that knocks all at once", Args: takes(0, 0, ""),
		Long: `Has a fleet of devices come back all at once: after an outage of two hours, when
each tries every 128 s and all in step, and after a restart that does not hand
over. The cloud's handshakes are made slow, so that some hundreds of devices are
a storm. Beside it are devices that are connected, and have to stay so.

Each storm is made twice at the same time: refusals held for a time of chance, as
the cloud does, and refusals at once. It takes up to twice --for.`,
		Example: "  cyan bench storm --devices 1000\n  cyan bench storm --json | jq .full_recovery_s",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.Devices < 4 || b.Devices > 20000 {
				return misuse("there is no storm of so many devices", "--devices from 4 to 20000")
			}
			b.Say, b.Serve = c.say, cloudArgs()
			r, err := b.Run(cmd.Context())
			if err != nil {
				return err
			}
			return c.showResult(r)
		},
	}
	cmd.Flags().IntVar(&b.Devices, "devices", 500, "`devices`, half of them on TCP")
	cmd.Flags().IntVar(&b.Handshakes, "handshakes", 0, "`handshakes` on TCP that the cloud can begin in a second (default a fortieth of the devices)")
	cmd.Flags().DurationVar(&b.For, "for", 0, "`time` that a storm takes at most (default 5m)")
	return cmd
}
