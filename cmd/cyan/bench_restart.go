package main

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/sim/bench"
)

func (c *cli) benchRestartVerb() *cobra.Command {
	var b bench.Restart
	cmd := &cobra.Command{
		Use: "restart", Short: "What devices and callers notice of an upgrade", Args: takes(0, 0, ""),
		Long: `Connects devices to a cloud on DTLS and on TCP, calls some of them all the time,
and upgrades the cloud under them: to a new process of this program.`,
		Example: "  cyan bench restart --devices 10000 --upgrades 100\n  cyan bench restart --json | jq .freeze_ms",
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.Say = c.say
			r, err := b.Run(cmd.Context())
			if err != nil {
				return err
			}
			return c.showResult(r)
		},
	}
	cmd.Flags().IntVar(&b.Devices, "devices", 10000, "`devices` on DTLS")
	cmd.Flags().IntVar(&b.TCP, "tcp-devices", 0, "`devices` on TCP: a fifth of those on DTLS unless told otherwise; -1: none")
	cmd.Flags().IntVar(&b.Upgrades, "upgrades", 1, "`upgrades` in a row")
	return cmd
}

func (c *cli) benchCrashVerb() *cobra.Command {
	var b bench.Crash
	cmd := &cobra.Command{
		Use: "crash", Short: "How soon devices are callable after kill -9", Args: takes(0, 0, ""),
		Long: `Connects devices to a cloud, kills it, starts it again, and measures how long it
takes until every device has answered it. Then 1,000 of them are called.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.Say = c.say
			r, err := b.Run(cmd.Context())
			if err != nil {
				return err
			}
			return c.showResult(r)
		},
	}
	cmd.Flags().IntVar(&b.Devices, "devices", 10000, "`devices`")
	return cmd
}
