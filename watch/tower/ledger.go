package tower

import (
	"time"

	"github.com/cyan-cloud/cyan/watch/journal"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// Record is a line of the ledger; one of its fields is there.
type Record struct {
	// Result is a run that failed, or that says nothing because the vantage was
	// blind: whole, with the evidence.
	Result *signal.Result `json:"result,omitempty"`
	// Good is the runs of a minute that went well.
	Good *Good `json:"good,omitempty"`
	// Judged is what was held to be true from a moment on.
	Judged *signal.Judgement `json:"judged,omitempty"`
}

// Good is the runs of one story by one way in that went well in a minute. What
// is kept is that each took place, when, and how long it took: ninety days of
// whole results would be gigabytes.
type Good struct {
	Vantage   string       `json:"vantage"`
	Ingress   string       `json:"ingress"`
	Transport string       `json:"transport,omitempty"`
	Story     signal.Story `json:"story"`
	From      time.Time    `json:"from"`
	// Runs are pairs of milliseconds: from From to a run's begin, and what it
	// took.
	Runs [][2]int64 `json:"runs_ms"`
	// Steps are those of the run that took longest.
	Steps []signal.Step `json:"slowest"`
}

// Ledger is what is written down of runs and judgements. Its writing methods
// belong to the tower's loop; Since may be called by anybody.
type Ledger struct {
	journal *journal.Journal[Record]
	good    map[goodKey]*Good
	order   []goodKey
	flushed time.Time
}

type goodKey struct {
	vantage, ingress string
	story            signal.Story
}

const flushEvery = time.Minute

func openLedger(dir string, cfg Config) (*Ledger, error) {
	j, err := journal.Open[Record](dir, journal.Config{MaxAge: cfg.KeepFor, MaxBytes: cfg.KeepBytes})
	if err != nil {
		return nil, err
	}
	if n := j.Dropped(); n > 0 {
		cfg.Logger.Warn("lines of the ledger could not be read", "dropped", n)
	}
	return &Ledger{journal: j, good: map[goodKey]*Good{}, flushed: time.Now()}, nil
}

// Since gives what was written down at or after a time, oldest first. The good
// runs of the last minute are not among it yet.
func (l *Ledger) Since(from time.Time, do func(Record) error) error { return l.journal.Since(from, do) }

func (l *Ledger) note(r *signal.Result) error {
	if !r.OK || r.Reason != "" {
		return l.journal.Append(Record{Result: r})
	}
	key := goodKey{r.Vantage, r.Ingress, r.Story}
	g := l.good[key]
	if g == nil {
		g = &Good{Vantage: r.Vantage, Ingress: r.Ingress, Transport: r.Transport, Story: r.Story, From: r.Started}
		l.good[key] = g
		l.order = append(l.order, key)
	}
	took := r.Took()
	longest := true
	for _, run := range g.Runs {
		longest = longest && run[1] <= took.Milliseconds()
	}
	if longest {
		g.Steps = r.Steps
	}
	g.Runs = append(g.Runs, [2]int64{r.Started.Sub(g.From).Milliseconds(), took.Milliseconds()})
	return nil
}

// judged is on the disk before anybody acts on it.
func (l *Ledger) judged(v *signal.Judgement) error {
	if err := l.journal.Append(Record{Judged: v}); err != nil {
		return err
	}
	return l.journal.Sync()
}

// tick writes the good runs down once a minute.
func (l *Ledger) tick(now time.Time) error {
	if now.Sub(l.flushed) < flushEvery {
		return nil
	}
	l.flushed = now
	return l.flush()
}

func (l *Ledger) flush() error {
	for _, key := range l.order {
		if err := l.journal.Append(Record{Good: l.good[key]}); err != nil {
			return err
		}
		delete(l.good, key)
	}
	l.order = l.order[:0]
	return nil
}

// Close writes down what is left.
func (l *Ledger) Close() error {
	err := l.flush()
	if closed := l.journal.Close(); err == nil {
		err = closed
	}
	return err
}
