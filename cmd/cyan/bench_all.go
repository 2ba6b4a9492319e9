package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/sim/bench"
)

// planned is a benchmark of cyan bench all.
type planned struct {
	name string
	args []string // of its cloud
	run  benchmark
}

// plan is what cyan bench all runs, in this order. Quick is for a look.
func (c *cli) plan(quick bool) []planned {
	count := func(full, little int) int {
		if quick {
			return little
		}
		return full
	}
	watch, hold := 10*time.Second, time.Duration(0) // as long as cyan bench idle does
	if quick {
		watch, hold = 2*time.Second, 12*time.Second
	}
	return []planned{
		{"handshake, DTLS", nil, func(ctx context.Context, s *bench.Server) (bench.Result, error) {
			return result(bench.Handshake{Count: count(4000, 200), Say: c.say}.Run(ctx, s))
		}},
		{"handshake, TCP", nil, func(ctx context.Context, s *bench.Server) (bench.Result, error) {
			return result(bench.Handshake{TCP: true, Count: count(400, 32), Say: c.say}.Run(ctx, s))
		}},
		{"call", nil, func(ctx context.Context, s *bench.Server) (bench.Result, error) {
			return result(bench.Calls{Count: count(5000, 100), Many: count(50000, 500), Say: c.say}.Run(ctx, s))
		}},
		{"events", nil, func(ctx context.Context, s *bench.Server) (bench.Result, error) {
			return result(bench.Events{Devices: count(1000, 50), For: watch, Say: c.say}.Run(ctx, s))
		}},
		{"streams", nil, func(ctx context.Context, s *bench.Server) (bench.Result, error) {
			return result(bench.Streams{Subscribers: count(10000, 100), For: watch, Say: c.say}.Run(ctx, s))
		}},
		{"idle", []string{"--trust-on-first-use"}, func(ctx context.Context, s *bench.Server) (bench.Result, error) {
			return result(bench.Idle{Devices: count(100000, 100), Hold: hold, Say: c.say}.Run(ctx, s))
		}},
	}
}

func (c *cli) benchAllVerb() *cobra.Command {
	var dir string
	var quick bool
	cmd := &cobra.Command{
		Use: "all", Short: "Run all benchmarks, and compare with the last time", Args: takes(0, 0, ""),
		Long: `Runs all benchmarks, one after the other, for some fifteen minutes. With --record
the results are written into a folder, and compared with the latest that is there
from the same kind of machine: what has become worse by a fifth is said. Ratios
and memory are compared as they are; processor time and rates in units of the
same cryptography, so that a machine that is busier than the last time is not
taken for a slower cloud.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var results []bench.Result
			for _, p := range c.plan(quick) {
				c.say("%s", p.name)
				r, err := c.measured(cmd.Context(), p.run, cloudArgs(p.args...))
				if err != nil {
					return err
				}
				if err := c.showResult(r); err != nil {
					return err
				}
				results = append(results, r)
			}
			return c.record(dir, results)
		},
	}
	cmd.Flags().StringVar(&dir, "record", "", "`folder` to write the results to")
	cmd.Flags().BoolVar(&quick, "quick", false, "only see that all of them run: the figures mean little")
	return cmd
}

// record writes the results down and says what has become worse.
func (c *cli) record(dir string, results []bench.Result) error {
	if dir == "" {
		return nil
	}
	file, worse, err := bench.Record(dir, results)
	if err != nil {
		return err
	}
	c.say("written to %s", file)
	for _, w := range worse {
		c.say("worse than the last time: %s", w)
	}
	return nil
}
