package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/watch/status"
)

func (c *cli) drillVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "drill", Short: "Break something on purpose, and see whether it is noticed",
		Long: `Whether an outage would be noticed, and people be paged, is known only by having
one. A drill breaks an ingress that only the watchtower's canaries use; no device
is disturbed, and everything that is said of it says that it is a drill.`,
	}
	cmd.AddCommand(c.drillConnectionsVerb())
	return family(cmd)
}

const drillHelp = `Has those who come anew get no answer, on the ingress that only canaries use, until
the watchtower has noticed, paged and published it, and prints how many seconds
after the fault each of these was, and when it was resolved by measurement. The
pages go to every outlet and say that they are a drill.

The cloud ends the fault by itself after --for, whatever becomes of this program.
It needs an administrator's login, or a token with the scope drill of his, and a
cloud with --listen-drill-udp or --listen-drill-tcp whose watchtower looks there
(--watch-drill-udp, --watch-drill-tcp); cyan up has all that.

Ends with 10 when it was not noticed or nobody was paged.`

// drillResult is what came of a drill, in seconds from the fault; null: it has
// not come.
type drillResult struct {
	Drill     string   `json:"drill"`
	Detected  *float64 `json:"detected_s"`
	Paged     *float64 `json:"paged_s"`
	Published *float64 `json:"published_s"`
	Resolved  *float64 `json:"resolved_s"`
}

func resultOf(d *status.Drill) drillResult {
	came := func(s float64) *float64 {
		if s == 0 {
			return nil
		}
		return &s
	}
	return drillResult{d.ID, came(d.Detected), came(d.Paged), came(d.Published), came(d.Resolved)}
}

func (c *cli) drillConnectionsVerb() *cobra.Command {
	var site string
	var most time.Duration
	cmd := &cobra.Command{
		Use: "new-connections", Short: "Those who come anew get no answer", Args: takes(0, 0, ""), Long: drillHelp,
		Example: `  cyan drill new-connections
  cyan drill new-connections --for 2m --json | jq .paged_s`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			if _, err := evidence(cmd.Context(), site); err != nil {
				return advise(err, "without a watchtower nobody would notice; --status-url is its page")
			}
			return c.runDrill(cmd.Context(), remote, site, "new-connections", most)
		},
	}
	cmd.Flags().StringVar(&site, "status-url", defaultStatus, "`URL` of the status page")
	cmd.Flags().DurationVar(&most, "for", 3*time.Minute, "`time` after which the cloud ends it by itself, 10s to 15m")
	c.targetFlags(cmd)
	return cmd
}

const (
	drillLook = 500 * time.Millisecond // how often the page is looked at
	// drillPager is how long after it was published nobody may be paged.
	drillPager = 20 * time.Second
	// drillRest is how long the end may take: calm, and proof, after the fault.
	drillRest = 5 * time.Minute
)

// runDrill has a drill and prints what came of it. However it ends, the fault
// does.
func (c *cli) runDrill(ctx context.Context, remote *client.Client, site, kind string, most time.Duration) error {
	d, err := remote.BeginDrill(ctx, kind, most)
	if err != nil {
		return err
	}
	c.say("drill %s: %s on the ingress that only canaries use fail now, until %s at the latest", d.ID, kind, c.stamp(d.Until.Time))
	ended := false
	end := func() error {
		if ended {
			return nil
		}
		ended = true
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statusPatience)
		defer cancel()
		_, err := remote.EndDrill(ctx, d.ID)
		return err
	}
	defer func() {
		if end() != nil {
			c.say("warning: the drill could not be ended; it ends by itself at %s", c.stamp(d.Until.Time))
		}
	}()
	w := &drillWatch{cli: c, site: site, id: d.ID, said: map[string]bool{}}
	left := time.Until(d.Until.Time)
	if left <= 0 { // the clocks differ
		left = most
	}
	noticed, err := w.until(ctx, left, func(v *status.Drill) bool { return v.Paged > 0 && v.Published > 0 || w.silent(v) })
	if err == nil {
		err = end()
	}
	if err != nil {
		return err
	}
	if noticed.Detected > 0 {
		c.say("the fault has ended; it is over when everything has been calm and every canary answers")
		if noticed, err = w.until(ctx, drillRest, func(v *status.Drill) bool { return !v.Going }); err != nil {
			return err
		}
	}
	noticed.ID = d.ID
	return c.printDrill(noticed)
}

func (c *cli) printDrill(d *status.Drill) error {
	r := resultOf(d)
	if c.json {
		if err := c.emit(r); err != nil {
			return err
		}
	} else {
		for _, line := range []struct {
			what string
			s    *float64
		}{{"detected", r.Detected}, {"paged", r.Paged}, {"published", r.Published}, {"resolved", r.Resolved}} {
			text := "not at all"
			if line.s != nil {
				text = fmt.Sprintf("after %5.1f s", *line.s)
			}
			c.print("%s%s", padded(line.what, 12), text)
		}
	}
	switch {
	case r.Detected == nil:
		return fail(exitCloud, "nobody noticed: an outage of new connections would go unseen", "does the watchtower look there? --watch-drill-udp, --watch-drill-tcp, and cyan canary init")
	case r.Paged == nil:
		return fail(exitCloud, "it was noticed, and nobody was paged", "cyan oncall status")
	case r.Resolved == nil:
		return fail(exitCloud, "it was noticed, and is not over yet", "cyan status")
	}
	return nil
}

// drillWatch follows a drill on the page.
type drillWatch struct {
	cli      *cli
	site, id string
	said     map[string]bool
	since    time.Time // that it is published
}

// until looks until it is so, or the time is over, and gives what the page said
// last of the drill.
func (w *drillWatch) until(ctx context.Context, most time.Duration, so func(*status.Drill) bool) (*status.Drill, error) {
	over := time.NewTimer(most)
	defer over.Stop()
	tick := time.NewTicker(drillLook)
	defer tick.Stop()
	last := new(status.Drill)
	for {
		e, err := evidence(ctx, w.site)
		if err == nil && e.Drill != nil && e.Drill.ID == w.id {
			last = e.Drill
			w.tell(last)
			if so(last) {
				return last, nil
			}
		}
		select {
		case <-tick.C:
		case <-over.C:
			return last, nil
		case <-ctx.Done():
			return last, ctx.Err()
		}
	}
}

// silent tells that it is published, and that it takes too long until somebody
// is paged.
func (w *drillWatch) silent(d *status.Drill) bool {
	if d.Published == 0 {
		return false
	}
	if w.since.IsZero() {
		w.since = time.Now()
	}
	return time.Since(w.since) > drillPager
}

// tell says what has come since the last look.
func (w *drillWatch) tell(d *status.Drill) {
	for _, t := range []struct {
		what string
		s    float64
	}{{"detected", d.Detected}, {"published", d.Published}, {"paged", d.Paged}, {"resolved", d.Resolved}} {
		if t.s > 0 && !w.said[t.what] {
			w.said[t.what] = true
			w.cli.say("%s after %.1f s", t.what, t.s)
		}
	}
}
