package desk

import (
	"path/filepath"
	"time"

	"github.com/cyan-cloud/cyan/watch/chart"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/journal"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
)

const (
	// around is how much of the time before and after is drawn, and near how far
	// away something else may be that is drawn, too: who says that it was the
	// maintenance has to be able to see that it was not.
	around = 30 * time.Minute
	near   = 12 * time.Hour
	// charted is how long after its end a chart is still drawn anew. Then it is
	// written down, and kept as long as what it is of.
	charted = 24 * time.Hour
)

// Drawn is a chart that is finished, of an incident or a window.
type Drawn struct {
	ID    string      `json:"id"`
	Chart chart.Chart `json:"chart"`
}

// charts are what was tried, and the pictures of it.
type charts struct {
	memory  chart.Memory
	minutes *journal.Journal[chart.Minute]
	done    map[string]chart.Chart // by id
}

func openCharts(data string) (c charts, err error) {
	c.done = map[string]chart.Chart{}
	if c.minutes, err = journal.Open[chart.Minute](filepath.Join(data, "minutes"), journal.Config{MaxAge: chart.Kept, MaxBytes: 16 << 20}); err != nil {
		return c, err
	}
	return c, c.minutes.Replay(func(x chart.Minute) error {
		c.memory.Replay(x)
		return nil
	})
}

// keep writes down the minutes to which nothing is added any more.
func (c *charts) keep(now time.Time) (err error) {
	for _, x := range c.memory.Settled(now) {
		if err = c.minutes.Append(x); err != nil {
			return err
		}
	}
	return nil
}

// span is what a chart is of.
type span struct {
	id          string
	from, until time.Time
	over        bool
	of          func(signal.Capability) bool
}

func spansOf(incidents []incident.Incident, windows []maintenance.Window, now time.Time) (list []span) {
	for at := range incidents {
		i := &incidents[at]
		s := span{i.ID, i.Began, now, !i.Open(), func(c signal.Capability) bool { return i.Part(c) != nil }}
		if end := i.Ended(); !end.IsZero() {
			s.until = end
		}
		list = append(list, s)
	}
	for at := range windows {
		w := &windows[at]
		if w.Status == maintenance.Scheduled || w.Status == maintenance.Cancelled {
			continue
		}
		s := span{w.ID, w.Starts, now, w.Over(), w.Touches}
		if w.Over() {
			s.until = w.Closed
		}
		list = append(list, s)
	}
	return list
}

// draw gives the charts of everything that has one. What is finished is given
// once, to be written down.
func (c *charts) draw(incidents []incident.Incident, windows []maintenance.Window, now time.Time) (all map[string]chart.Chart, finished []Drawn) {
	all = map[string]chart.Chart{}
	spans := spansOf(incidents, windows, now)
	for _, s := range spans {
		if kept, ok := c.done[s.id]; ok {
			all[s.id] = kept
			continue
		}
		if now.Sub(s.until) > chart.Kept {
			continue // nobody remembers
		}
		from, until := s.from.Add(-around), s.until.Add(around)
		for _, o := range spans {
			if o.from.Before(s.until.Add(near)) && o.until.After(s.from.Add(-near)) {
				from, until = earlier(from, o.from.Add(-around)), later(until, o.until.Add(around))
			}
		}
		d := c.memory.Draw(from, earlier(until, now), s.of)
		if len(d.Lines) == 0 {
			continue
		}
		all[s.id] = d
		if s.over && now.Sub(s.until) > charted {
			c.done[s.id] = d
			finished = append(finished, Drawn{s.id, d})
		}
	}
	return all, finished
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
