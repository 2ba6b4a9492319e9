package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/watch/incident"
)

// rotaMost is how far ahead the rota is told, in weeks.
const rotaMost = 26

func (c *cli) oncallRotaVerb(at *onCall) *cobra.Command {
	var weeks int
	var draft string
	cmd := &cobra.Command{
		Use: "rota", Short: "Who is on call now, and in the coming weeks", Args: takes(0, 0, ""),
		Long: `Shows who is on call by the rota in the settings file, line by line: swaps, covers
and holidays are in it. A time in which nobody is on call is a gap; in a gap
everybody is called, and it is said a week before it comes. The watchtower reads
the rota anew every minute. With --draft a file is read instead of the watchtower's,
which shows what a change would do before it counts.

Ends with 10 when there is a gap in the weeks that are shown, or when the rota in
the settings file cannot be read and the one before goes on.`,
		Example: "  cyan oncall rota\n  cyan oncall rota --weeks 12 --json | jq '.gaps[]'\n  cyan oncall rota --draft new.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if weeks < 1 || weeks > rotaMost {
				return misuse("--weeks: 1 to 26")
			}
			p, err := at.rota(cmd.Context(), draft)
			if err != nil {
				return err
			}
			return c.printRota(&p, p.At.Add(time.Duration(weeks)*7*24*time.Hour))
		},
	}
	cmd.Flags().IntVar(&weeks, "weeks", 4, "how many `weeks` to show, 1 to 26")
	cmd.Flags().StringVar(&draft, "draft", "", "settings `file` to show the rota of, of no watchtower")
	return cmd
}

// rota is that of a watchtower, or of a file.
func (a *onCall) rota(ctx context.Context, draft string) (app.RotaPlan, error) {
	if draft != "" {
		p, err := app.ReadRota(draft)
		if err != nil {
			err = fail(exitInvalid, err.Error())
		}
		return p, err
	}
	o, err := a.open()
	if err != nil {
		return app.RotaPlan{}, err
	}
	return o.Rota(ctx)
}

func (c *cli) printRota(p *app.RotaPlan, until time.Time) error {
	kept := *p
	kept.Shifts, kept.Gaps = kept.Shifts[:0:0], kept.Gaps[:0:0]
	for _, s := range p.Shifts {
		if s.From.Before(until) {
			kept.Shifts = append(kept.Shifts, s)
		}
	}
	for _, s := range p.Gaps {
		if s.From.Before(until) {
			kept.Gaps = append(kept.Gaps, s)
		}
	}
	switch {
	case p.Zone == "" && p.Broken == "":
		return fail(exitNotFound, "there is no rota", "docs/guide/rota.md shows how to write one")
	case c.json:
		if err := c.emit(kept); err != nil {
			return err
		}
	default:
		for _, s := range kept.Shifts {
			who := s.Who
			if s.Gap() {
				who = "NOBODY"
			}
			if s.Why != "" {
				who += " (" + s.Why + ")"
			}
			c.print("%s%s – %s  %s", padded(s.Line, 12), c.stamp(s.From), c.stamp(s.Until), who)
		}
	}
	switch {
	case p.Broken != "":
		return fail(exitCloud, "the rota in the settings file cannot be read, and the one before goes on: "+p.Broken)
	case len(kept.Gaps) > 0:
		g := &kept.Gaps[0]
		return fail(exitCloud, "nobody is on call for "+incident.Span(g.Until.Sub(g.From))+" from "+c.stamp(g.From)+": "+g.Line, "swaps, cover and turns of the section notify.rota fill it")
	}
	return nil
}
