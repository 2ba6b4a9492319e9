package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/sim/bench"
	"github.com/cyan-cloud/cyan/sim/bench/apart"
)

const benchHelp = `Measures a cloud of its own: each benchmark starts this program once more as a
cloud, with an empty temporary data folder and free ports on loopback, plays
devices and clients against it, and deletes all of it at the end. Nothing that
runs on this machine already is touched, but it is slowed down, and slows down
what is measured: on a machine that is not idle, look at ratios only.

What the cloud costs is the processor time and the memory of its own process.
Linux only.`

// benchVerb has a verb for each benchmark.
func (c *cli) benchVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure what this cloud can do on this machine", Long: benchHelp,
		Example: `  cyan bench handshake
  cyan bench idle --devices 100000
  cyan bench call --json | jq .p50_us
  cyan bench all --record docs/perf`,
	}
	cmd.AddCommand(
		c.benchHandshakeVerb(), c.benchIdleVerb(), c.benchCallVerb(), c.benchEventsVerb(), c.benchStreamsVerb(),
		c.benchRestartVerb(), c.benchCrashVerb(), c.benchStormVerb(), c.benchAllVerb(), c.benchServeVerb(), c.benchAttackVerb(), c.benchPageVerb(),
	)
	cmd.AddCommand(c.attackPartVerbs()...)
	return family(cmd)
}

// benchmark is one of them: it runs against a cloud that was started for it.
type benchmark func(ctx context.Context, s *bench.Server) (bench.Result, error)

// cloudArgs make a child of this program the cloud of a benchmark.
func cloudArgs(more ...string) []string { return append([]string{"bench", "serve"}, more...) }

// measured runs a benchmark against a cloud of its own.
func (c *cli) measured(ctx context.Context, run benchmark, args []string) (bench.Result, error) {
	return c.measuredOn(ctx, nil, run, args)
}

// measuredOn is measured, with the cloud on these cores.
func (c *cli) measuredOn(ctx context.Context, on apart.Cores, run benchmark, args []string) (bench.Result, error) {
	s, err := bench.StartOn(ctx, on, args...)
	if err != nil {
		return nil, err
	}
	r, err := run(ctx, s)
	stopped := s.Stop()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // the cloud was killed: its words don't matter
	}
	return r, errors.Join(err, stopped)
}

// bench runs one benchmark and prints what it gave.
func (c *cli) bench(cmd *cobra.Command, run benchmark, args ...string) error {
	r, err := c.measured(cmd.Context(), run, cloudArgs(args...))
	if err != nil {
		return err
	}
	return c.showResult(r)
}

// showResult prints a result: an object for programs, a table for people.
func (c *cli) showResult(r bench.Result) error {
	if c.json {
		return c.emit(r)
	}
	about := r.About()
	c.print("%s on %s, %d cores, load %.1f", about.Bench, about.Machine, about.Cores, about.Load)
	for _, row := range r.Rows() {
		c.print("  %s%s%s", padded(row.Name, 16), padded(row.Value, 34), row.Meaning)
	}
	c.print("  what was run: %s", about.Ran)
	return nil
}

// profileFlag adds the flag for a profile of the cloud.
func profileFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "cpu-profile", "", "write a profile of the cloud's processor time to this `file`")
}

func heapFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "heap-profile", "", "write a profile of the cloud's memory to this `file`")
}

func (c *cli) benchHandshakeVerb() *cobra.Command {
	var b bench.Handshake
	var transport string
	cmd := &cobra.Command{
		Use: "handshake", Short: "What a handshake costs, against the cryptography in it", Args: takes(0, 0, ""),
		Long: `Counts the processor time that the cloud's process spends on full handshakes with
devices that it knows, sessions made durable included, and divides it by that of
the cryptographic operations that one handshake needs. Both are measured in
turns, in the same run.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch transport {
			case "dtls", "udp":
			case "tcp":
				b.TCP = true
			default:
				return misuse("there is no transport "+transport, "--transport dtls or tcp")
			}
			b.Say = c.say
			return c.bench(cmd, func(ctx context.Context, s *bench.Server) (bench.Result, error) { return result(b.Run(ctx, s)) })
		},
	}
	cmd.Flags().StringVar(&transport, "transport", "dtls", "`dtls or tcp`")
	cmd.Flags().IntVar(&b.Count, "count", 0, "`handshakes` in all (default 4000 on dtls, 200 on tcp)")
	cmd.Flags().IntVar(&b.Together, "together", 0, "`handshakes` at once (default 256 on dtls, 8 on tcp)")
	profileFlag(cmd, &b.Profile)
	return cmd
}

func (c *cli) benchIdleVerb() *cobra.Command {
	var b bench.Idle
	cmd := &cobra.Command{
		Use: "idle", Short: "What a device costs that is connected and idle", Args: takes(0, 0, ""),
		Long: `Connects devices from as many addresses of 127.0.0.0/8, watches them ping, and
divides the growth of the cloud's resident memory by their number. The cloud
trusts them on first use: to register them one by one would take longer.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.Say = c.say
			return c.bench(cmd, func(ctx context.Context, s *bench.Server) (bench.Result, error) { return result(b.Run(ctx, s)) }, "--trust-on-first-use")
		},
	}
	cmd.Flags().IntVar(&b.Devices, "devices", 10000, "`devices`")
	cmd.Flags().DurationVar(&b.KeepAlive, "keep-alive", 25*time.Second, "`time` between two pings of a device")
	cmd.Flags().DurationVar(&b.Hold, "hold", 150*time.Second, "`time` for which they are watched; what is kept of a start-up is forgotten within 2 minutes")
	cmd.Flags().IntVar(&b.Calls, "calls", 1000, "`devices` that are called at the end")
	heapFlag(cmd, &b.Heap)
	profileFlag(cmd, &b.Profile)
	return cmd
}

func (c *cli) benchCallVerb() *cobra.Command {
	var b bench.Calls
	cmd := &cobra.Command{
		Use: "call", Short: "How long a function call takes, from HTTP to the device and back", Args: takes(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.Say = c.say
			return c.bench(cmd, func(ctx context.Context, s *bench.Server) (bench.Result, error) { return result(b.Run(ctx, s)) })
		},
	}
	cmd.Flags().IntVar(&b.Count, "count", 2000, "`calls`, one after the other")
	cmd.Flags().IntVar(&b.Many, "many", 20000, "`calls`, many at once")
	cmd.Flags().IntVar(&b.Together, "together", 64, "`calls` in flight then, each to a device of its own")
	profileFlag(cmd, &b.Profile)
	return cmd
}

func (c *cli) benchEventsVerb() *cobra.Command {
	var b bench.Events
	cmd := &cobra.Command{
		Use: "events", Short: "How many events a second reach event streams", Args: takes(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.Say = c.say
			return c.bench(cmd, func(ctx context.Context, s *bench.Server) (bench.Result, error) { return result(b.Run(ctx, s)) })
		},
	}
	cmd.Flags().IntVar(&b.Devices, "devices", 1000, "`devices` that publish")
	cmd.Flags().IntVar(&b.Streams, "streams", 10, "`streams` that read")
	cmd.Flags().BoolVar(&b.All, "all", false, "every stream gets every event, not one of them")
	cmd.Flags().DurationVar(&b.For, "for", 10*time.Second, "`time` for which events are published")
	cmd.Flags().IntVar(&b.Window, "window", 500, "`events` that may be under way")
	profileFlag(cmd, &b.Profile)
	return cmd
}

func (c *cli) benchStreamsVerb() *cobra.Command {
	var b bench.Streams
	cmd := &cobra.Command{
		Use: "streams", Short: "What an open event stream costs", Args: takes(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.Say = c.say
			return c.bench(cmd, func(ctx context.Context, s *bench.Server) (bench.Result, error) { return result(b.Run(ctx, s)) })
		},
	}
	cmd.Flags().IntVar(&b.Subscribers, "subscribers", 1000, "`streams`; the limit of open files of a process bounds them")
	cmd.Flags().DurationVar(&b.For, "for", 10*time.Second, "`time` for which events are published")
	cmd.Flags().IntVar(&b.Window, "window", 8, "`events` that may be under way")
	heapFlag(cmd, &b.Heap)
	profileFlag(cmd, &b.Profile)
	return cmd
}

// result gives what a benchmark gave as what all of them give: a nil of one of
// them is none.
func result[R bench.Result](r R, err error) (bench.Result, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}
