package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// counting is what a count is asked of.
type counting struct {
	everyone, watch bool
	since, step     time.Duration
	of              string
}

func (c *cli) deviceCountVerb() *cobra.Command {
	var o counting
	cmd := &cobra.Command{
		Use: "count", Short: "How many of your devices are connected, and were", Args: takes(0, 0, ""),
		Long: `Counts your devices that are connected, as cyan list calls them online, and tells
how many there were an hour, a day and a week ago. With --watch it prints a line
each time that the number changes, until it is interrupted. With --since it prints
how many there were over time, for at most eight days: the last count of each step,
and the least and the most where they differ. "not known" is a time in which the
cloud was down and nobody counted.`,
		Example: `  cyan device count
  cyan device count --watch
  cyan device count --since 24h
  cyan device count --since 2h --step 1m --of product=13 --json | jq '.points[].min'`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.watch && o.since > 0 {
				return misuse("--watch and --since are two questions", "cyan device count --watch")
			}
			if o.since <= 0 && (o.of != "" || o.step != 0) {
				return misuse("--of and --step are about a time: say --since", "cyan device count --since 24h --of product=13")
			}
			remote, err := c.remote()
			switch {
			case err != nil:
				return err
			case o.watch:
				return c.watchCount(cmd.Context(), remote, o.everyone)
			case o.since > 0:
				return c.countHistory(cmd.Context(), remote, &o)
			}
			v, err := remote.Headcounts(cmd.Context(), o.everyone)
			switch {
			case err != nil:
				return err
			case c.json:
				return c.emit(v)
			}
			c.printCounts(&v)
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.everyone, "everyone", false, "count other people's devices, too; for administrators")
	f.BoolVarP(&o.watch, "watch", "w", false, "print a line each time that the number changes")
	f.DurationVar(&o.since, "since", 0, "how many there were in the time before now, such as 24h")
	f.DurationVar(&o.step, "step", 0, "whole minutes between two points (default as it suits --since)")
	f.StringVar(&o.of, "of", "", "only devices of one `KIND=WORD`: product=13, transport=udp, firmware=13/7, device_os=6.2.0")
	c.targetFlags(cmd)
	return cmd
}

func (c *cli) printCounts(v *rest.Headcounts) {
	line := counted(v.Now.Connected, "device") + " connected"
	if v.Now.Limbo > 0 {
		line += fmt.Sprintf(", %d of them not answering", v.Now.Limbo)
	}
	if v.Now.Unheard > 0 {
		line += fmt.Sprintf("; %d more not heard since the cloud crashed", v.Now.Unheard)
	}
	c.print("%s", line)
	for _, before := range []struct {
		when string
		was  *rest.Headcount
	}{{"an hour ago", v.HourAgo}, {"a day ago", v.DayAgo}, {"a week ago", v.WeekAgo}} {
		was := "not known"
		if before.was != nil {
			was = fmt.Sprint(before.was.Connected)
		}
		c.print("  %-12s %s", before.when, was)
	}
	for _, kind := range []struct {
		name string
		by   map[string]int
	}{{"product", v.Now.Products}, {"transport", v.Now.Transports}, {"firmware", v.Now.Firmwares}, {"Device OS", v.Now.DeviceOS}} {
		if len(kind.by) > 0 {
			c.print("%s", c.wrapped(fmt.Sprintf("  %-12s %s", kind.name, shares(kind.by)), "               "))
		}
	}
}

// shares lists words with how many there are of each, the largest first.
func shares(by map[string]int) string {
	words := slices.SortedFunc(maps.Keys(by), func(a, b string) int { return cmp.Or(cmp.Compare(by[b], by[a]), cmp.Compare(a, b)) })
	for i, word := range words {
		words[i] = fmt.Sprintf("%s: %d", word, by[word])
	}
	return strings.Join(words, ", ")
}

// watchCount prints counts until ctx ends.
func (c *cli) watchCount(ctx context.Context, remote *client.Client, everyone bool) error {
	ctx, cancel := c.whileRead(ctx)
	defer cancel()
	counts, err := remote.WatchHeadcount(ctx, everyone, func(err error, _ time.Duration) {
		c.say("warning: %s; trying again", diagnose(err).text)
	})
	if err != nil {
		return err
	}
	defer counts.Close()
	for {
		v, err := counts.Next() //nolint:contextcheck // the stream has it
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if err := c.show(v, "%s  %d", c.stamp(v.At.Time), v.Connected); err != nil {
			return err
		}
	}
}

// countHistory prints how many there were.
func (c *cli) countHistory(ctx context.Context, remote *client.Client, o *counting) error {
	var only map[string]string
	if o.of != "" {
		kind, word, ok := strings.Cut(o.of, "=")
		if !ok || word == "" || !slices.Contains([]string{"product", "transport", "firmware", "device_os"}, kind) {
			return misuse("--of "+o.of+" is no KIND=WORD", "cyan device count --since 24h --of product=13")
		}
		only = map[string]string{kind: word}
	}
	v, err := remote.HeadcountHistory(ctx, o.everyone, time.Now().Add(-o.since), o.step, only)
	switch {
	case err != nil:
		return err
	case c.json:
		return c.emit(v)
	}
	for _, p := range v.Points {
		line := c.stamp(p.At.Time) + "  "
		switch {
		case p.Connected == nil:
			line += "not known"
		case *p.Min != *p.Max:
			line += fmt.Sprintf("%d  (%d to %d)", *p.Connected, *p.Min, *p.Max)
		default:
			line += fmt.Sprint(*p.Connected)
		}
		c.print("%s", line)
	}
	return nil
}
