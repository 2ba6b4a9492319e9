package notify

import (
	"context"
	"time"
)

// TestResult is what an outlet said to a test page.
type TestResult struct {
	Outlet string        `json:"outlet"`
	OK     bool          `json:"ok"`
	Took   time.Duration `json:"took_ns"`
	Words  string        `json:"words"` // of the provider, or what went wrong
}

// Test sends a page to every outlet at once, one that says that it is a test,
// and gives what each answered to its first try; those that have not answered
// when ctx ends did not. An outlet that was given up is given another chance.
// The test is over by itself after five minutes, or when somebody acknowledges
// it and it is resolved at the provider.
func (p *Pipeline) Test(ctx context.Context, by string) ([]TestResult, error) {
	begun := time.Now()
	p.mu.Lock()
	for _, o := range p.ledger.outlets {
		o.gone = false
	}
	p.mu.Unlock()
	n := Notice{
		ID: newID(), Kind: Trigger, Severity: Critical, Test: true, At: begun,
		Summary: "Test page from cyan: nothing is wrong, acknowledge it if you like",
		Details: []Detail{{"asked for by", by}},
	}
	n.Key = "test:" + n.ID
	if err := p.Notify(n); err != nil {
		return nil, err
	}
	for {
		p.mu.Lock()
		results, waiting := p.ledger.results(n.Key, n.ID, begun)
		changed := p.changed
		p.mu.Unlock()
		if !waiting {
			return results, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return results, nil
		}
	}
}

// results lists what outlets that page, or are informed, said to a notice, and
// whether some have yet to say something.
func (l *ledger) results(key, id string, begun time.Time) (list []TestResult, waiting bool) {
	a := l.byKey[key]
	if a == nil {
		return nil, false
	}
	for _, name := range l.everybody() {
		r := TestResult{Outlet: name, Words: "no answer yet"}
		silent := true
		for _, p := range a.proof {
			if p.Outlet == name && p.ID == id {
				r.OK, r.Took, r.Words, silent = true, p.At.Sub(begun), p.Words, false
			}
		}
		for _, x := range a.lost {
			if x.Outlet == name && x.ID == id {
				r.Took, r.Words, silent = x.At.Sub(begun), x.Words, false
			}
		}
		if g := a.leg(name); silent && g != nil && len(g.queue) > 0 && g.queue[0].words != "" {
			r.Took, r.Words, silent = l.outlets[name].failed.Sub(begun), g.queue[0].words, false
		}
		waiting = waiting || silent
		list = append(list, r)
	}
	return list, waiting
}
