package notify

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/watch/rota"
)

// Config is what a pipeline needs besides a journal.
type Config struct {
	Settings Settings // the section notify of the settings file

	// Secret signs links to the page that acknowledges, and whoever knows it may
	// command the pipeline over HTTP; see LoadSecret. Empty: neither exists.
	Secret []byte
	// Log gets the life of alerts; nil: nothing is logged.
	Log *slog.Logger
	// Transport carries requests of outlets and switches; nil: the network, and
	// for webhooks only its public part unless they allow the private one.
	Transport http.RoundTripper
	// Outlets stand in for those that Settings describes under the same names.
	Outlets map[string]Outlet

	// OnAccepted and OnAcknowledged are told, once each notice, that an outlet
	// took it and that a person has the alert: the incident's timeline wants to
	// know. They must return soon and not call the pipeline.
	OnAccepted     func(Notice, Proof)
	OnAcknowledged func(Ack)
	// OnEscalated is told when a stage is called because nobody has said that
	// they have the alert. The same holds of it.
	OnEscalated func(Escalation)
	// Orders are what else the owner of the secret may ask for, by name.
	Orders map[string]func() (any, error)
}

// Pipeline gets notices to people.
type Pipeline struct {
	// Set at Open.
	config   Config
	log      *slog.Logger
	journal  Journal
	outlets  map[string]Outlet
	hooks    []string // secrets of what PagerDuty sends back
	switches []*Switch
	wake     chan struct{} // holds one: what is due has changed

	mu      sync.Mutex
	ledger  *ledger       // guarded by mu
	broken  error         // guarded by mu: what the journal said last
	changed chan struct{} // guarded by mu: closed and made anew when something came of a try
}

// Open makes a pipeline and gives it its memory back. Nothing is sent before
// Run. A nil journal remembers nothing over a restart, and the status says so.
func Open(config Config, journal Journal) (*Pipeline, error) {
	outlets, err := config.Settings.build(config)
	if err != nil {
		return nil, err
	}
	p := &Pipeline{
		config: config, log: config.Log, journal: journal, outlets: outlets,
		wake: make(chan struct{}, 1), changed: make(chan struct{}), ledger: config.Settings.ledger(outlets),
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	for _, o := range config.Settings.Outlets {
		list, _ := o.hookSecrets() // build has looked
		p.hooks = append(p.hooks, list...)
	}
	for _, s := range config.Settings.DeadMan {
		p.switches = append(p.switches, newSwitch(s, config.Transport))
	}
	if journal == nil {
		p.broken = errors.New("there is none: a restart forgets every alert")
		return p, nil
	}
	if err := journal.Replay(func(r Record) error { p.ledger.apply(r); return nil }); err != nil {
		return nil, fmt.Errorf("notify: read the journal: %w", err)
	}
	return p, nil
}

// Notify takes a notice: when it returns, the notice is written down, and will
// be sent. A notice whose id is known changes nothing, so who is in doubt
// sends it again. What does not fit an alert's state is an error.
func (p *Pipeline) Notify(n Notice) error {
	n = n.plain()
	if n.At.IsZero() {
		n.At = time.Now()
	}
	if n.Kind == Change {
		n.Key = cut("change:"+n.ID, maxKey)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.ledger.admit(&n); errors.Is(err, ErrKnown) {
		return nil
	} else if err != nil {
		return err
	}
	p.record(Record{At: time.Now(), Did: Noted, Notice: &n})
	p.log.Info("alert", "kind", n.Kind, "alert", n.Key, "severity", n.Severity)
	if n.Kind == Acknowledge && p.config.OnAcknowledged != nil {
		p.config.OnAcknowledged(Ack{Key: n.Key, By: n.By, At: n.At})
	}
	p.rouse()
	return nil
}

// tell notifies of something of the pipeline's own.
func (p *Pipeline) tell(n Notice) {
	if err := p.Notify(n); err != nil {
		p.log.Error("a notice is not taken", "alert", n.Key, "kind", n.Kind, "error", err)
	}
}

// Acknowledge is that a person has an alert. Once somebody has it, saying so
// again changes nothing.
func (p *Pipeline) Acknowledge(key, by string) error {
	p.mu.Lock()
	a := p.ledger.byKey[key]
	known := a != nil && a.acked != nil && a.resolved.IsZero()
	p.mu.Unlock()
	if known {
		return nil
	}
	if by == "" {
		by = "somebody"
	}
	return p.Notify(Notice{ID: newID(), Key: key, Kind: Acknowledge, By: by, Summary: "acknowledged by " + by})
}

// Turn makes another rota the one that counts. What is under way goes on with
// those who were called.
func (p *Pipeline) Turn(r *rota.Rota) {
	p.mu.Lock()
	p.ledger.rota = r
	p.mu.Unlock()
}

// Status is how well people can be reached.
func (p *Pipeline) Status() Status {
	now := time.Now()
	p.mu.Lock()
	s := p.ledger.status(now)
	if p.broken != nil {
		s.blame("the journal fails: %v", p.broken)
	}
	p.mu.Unlock()
	for _, w := range p.switches {
		st := w.Status()
		if !st.Unreachable.IsZero() {
			s.blame("the dead man's switch %s cannot be reached since %s: %s", st.Name, st.Unreachable.UTC().Format(time.RFC3339), st.Words)
		}
		s.Switches = append(s.Switches, st)
	}
	return s
}

// record writes a deed down and does it. The caller holds mu. A journal that
// fails holds nothing back: a page sent twice is better than none.
func (p *Pipeline) record(r Record) {
	p.ledger.apply(r)
	if p.journal == nil {
		return
	}
	err := p.journal.Append(r)
	if err == nil {
		err = p.journal.Sync()
	}
	if err != nil && p.broken == nil {
		p.log.Error("the journal of pages fails", "error", err)
	}
	p.broken = err
}

// rouse lets Run look at once.
func (p *Pipeline) rouse() {
	select {
	case p.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Run sends what is due until ctx ends, and returns when nothing of it runs
// any more. What was under way is tried again after the next Open.
func (p *Pipeline) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for _, s := range p.switches {
		running.Go(func() { s.run(ctx, p) }) // ends with ctx
	}
	p.mu.Lock()
	p.ledger.revive(time.Now())
	p.mu.Unlock()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		jobs, next := p.take(time.Now())
		for _, j := range jobs {
			running.Go(func() { p.send(ctx, j) }) // ends with ctx, or the outlet's time
		}
		if next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(next))
		}
		select {
		case <-timer.C:
		case <-p.wake:
		case <-ctx.Done():
		}
	}
}

// take lists what to try now, each written down as tried, and when to look
// again.
func (p *Pipeline) take(now time.Time) ([]job, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range p.ledger.tests(now) {
		n := Notice{ID: newID(), Key: key, Kind: Resolve, Summary: "the test is over", At: now}
		p.record(Record{At: now, Did: Noted, Notice: &n})
	}
	for _, r := range p.ledger.late(now) {
		p.record(r)
		e := p.ledger.escalation(r)
		p.log.Warn("nobody has acknowledged an alert", "alert", e.Key, "calls", e.Calls, "stage", e.Stage, "outlets", e.Outlets)
		if p.config.OnEscalated != nil {
			p.config.OnEscalated(e)
		}
	}
	jobs := p.ledger.due(now)
	for _, j := range jobs {
		p.record(Record{At: now, Did: Tried, ID: j.notice.ID, Key: j.notice.Key, Outlet: j.outlet})
	}
	return jobs, p.ledger.next(now)
}

// send tries one delivery, and writes down what came of it.
func (p *Pipeline) send(ctx context.Context, j job) {
	n := j.notice
	if j.pages && (n.Kind.pages() || n.Kind == Update) {
		n.AckURL = p.ackURL(n.Key, j.outlet, time.Now())
	}
	timed, cancel := context.WithTimeout(ctx, p.config.Settings.timeout(j.outlet))
	receipt, err := safely(timed, p.outlets[j.outlet], n)
	cancel()
	if err != nil && ctx.Err() != nil {
		return // the process ends: whether it arrived is not known, so it is tried again
	}
	r := Record{At: time.Now(), ID: n.ID, Key: n.Key, Outlet: j.outlet}
	if err != nil {
		no := refusalOf(err)
		r.Did, r.Words, r.Final, r.Gone, r.Wait = Refused, cut(oneLine(no.Words), maxSummary), no.Permanent, no.Gone, no.RetryAfter
		p.log.Error("an outlet does not take a notice", "outlet", j.outlet, "alert", n.Key, "kind", n.Kind, "words", r.Words)
	} else {
		r.Did, r.Receipt = Accepted, &receipt
		p.log.Info("an outlet took a notice", "outlet", j.outlet, "alert", n.Key, "kind", n.Kind, "words", receipt.Words)
	}
	p.mu.Lock()
	p.record(r)
	close(p.changed)
	p.changed = make(chan struct{})
	if err == nil && p.config.OnAccepted != nil {
		p.config.OnAccepted(j.notice, Proof{Outlet: j.outlet, Kind: n.Kind, ID: n.ID, Receipt: receipt})
	}
	p.mu.Unlock()
	p.rouse()
}

// safely sends, and makes of a panic a refusal like any other: one outlet's
// mistake must not cost the others.
func safely(ctx context.Context, o Outlet, n Notice) (r Receipt, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the outlet panicked: %v", v)
		}
	}()
	return o.Send(ctx, n)
}

// newID is an id that nobody else makes.
func newID() string { return rand.Text() }
