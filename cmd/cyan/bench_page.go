package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/sim/bench/readers"
)

func (c *cli) benchPageVerb() *cobra.Command {
	var b readers.Bench
	cmd := &cobra.Command{
		Use: "page", Short: "How fast the status page answers while the cloud is dead", Args: takes(0, 0, ""),
		Long: `Starts a cloud and a watchtower as processes of their own, kills the cloud, waits
until the status page says so, and reads it then as fast as it can: the page for
people, the summary that tools poll, and the evidence.`,
		Example: "  cyan bench page --for 30s --readers 64\n  cyan bench page --json | jq '.paths[] | {path, per_s, p99_ms}'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.Readers < 1 || b.Readers > 4096 || b.For < time.Second {
				return misuse("that is no way to read a page", "--readers from 1 to 4096, --for at least 1s")
			}
			b.Say, b.Serve, b.Watch = c.say, cloudArgs(), []string{"watch"}
			r, err := b.Run(cmd.Context())
			if err != nil {
				return err
			}
			return c.showResult(r)
		},
	}
	cmd.Flags().IntVar(&b.Readers, "readers", 16, "`connections` that stay open")
	cmd.Flags().DurationVar(&b.For, "for", 10*time.Second, "`time` for which each path is read")
	return cmd
}
