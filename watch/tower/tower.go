package tower

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/watch/alert"
	"github.com/cyan-cloud/cyan/watch/canary"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// Tower is a watchtower.
type Tower struct {
	cfg    Config
	runner *canary.Runner
	ledger *Ledger
	door   net.Listener
	inbox  chan signal.Result // runs of here and of other vantages; never closed
	slow   chan slow          // never closed
	ended  chan struct{}      // closed when nobody takes from inbox any more
	post   *post              // to another watchtower; nil: this one judges
	seen   *seen

	mu    sync.Mutex // guards what follows
	judge *alert.Judge
	drill *alert.Judge // of what is broken on purpose, by the same rules
	state State
}

// slow is a run that takes longer than runs do.
type slow struct {
	about   signal.Capability
	ingress string
}

// inboxSize bounds the results that wait for the loop; when it is full,
// canaries and reporters wait.
const inboxSize = 256

// New opens the folder and the door. Nothing runs before Run.
func New(cfg Config) (*Tower, error) {
	cfg = cfg.withDefaults()
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, err
	}
	vantages := 1 + len(cfg.Reporters)
	t := &Tower{
		cfg: cfg, inbox: make(chan signal.Result, inboxSize), slow: make(chan slow, inboxSize), ended: make(chan struct{}), seen: newSeen(),
		judge: alert.New(alert.Config{Vantages: vantages}), drill: alert.New(alert.Config{Vantages: vantages}), state: newState(cfg.Vantage),
	}
	c := cfg.Canaries
	c.Canary.Vantage, c.Logger = cfg.Vantage, cfg.Logger
	c.Vantages = max(c.Vantages, vantages)
	if c.Nursery == "" {
		c.Nursery = filepath.Join(cfg.Data, "canaries")
	}
	c.Note, c.Suspect, c.Slow = t.note, t.suspect, t.isSlow
	var err error
	if t.runner, err = canary.NewRunner(c); err != nil {
		return nil, err
	}
	if cfg.ReportTo != "" {
		t.post = newPost(cfg)
	}
	if t.ledger, err = openLedger(filepath.Join(cfg.Data, "runs"), cfg); err != nil {
		return nil, err
	}
	if cfg.Listen != "" {
		if t.door, err = net.Listen("tcp", cfg.Listen); err != nil { //nolint:noctx // it does not wait
			return nil, errors.Join(err, t.ledger.Close())
		}
	}
	return t, nil
}

// Addr is where the watchtower is reached; empty: nowhere.
func (t *Tower) Addr() string {
	if t.door == nil {
		return ""
	}
	return t.door.Addr().String()
}

// Stories lists what the canaries do here.
func (t *Tower) Stories() []string { return t.runner.Stories() }

// Ledger is what is written down.
func (t *Tower) Ledger() *Ledger { return t.ledger }

// Run watches until ctx is done, and puts everything on the disk.
func (t *Tower) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	all.Go(func() { t.loop(ctx) })
	all.Go(func() { _ = t.runner.Run(ctx) })
	if t.post != nil {
		all.Go(func() { t.post.run(ctx) })
	}
	if t.cfg.Heartbeat != "" {
		all.Go(func() { t.beat(ctx) })
	}
	if t.cfg.Traffic != nil {
		all.Go(func() { t.count(ctx) })
	}
	if t.door != nil {
		server := &http.Server{Handler: t.handler(), ReadHeaderTimeout: asking, ReadTimeout: 2 * asking, IdleTimeout: time.Minute}
		all.Go(func() {
			if err := server.Serve(t.door); !errors.Is(err, http.ErrServerClosed) {
				cancel(err)
			}
		})
		context.AfterFunc(ctx, func() {
			leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), asking)
			defer cancel()
			_ = server.Shutdown(leaving)
		})
	}
	all.Wait()
	err := t.ledger.Close()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// loop takes runs as they end and asks the judge every second.
func (t *Tower) loop(ctx context.Context) {
	defer close(t.ended)
	tick := time.NewTicker(judgeEvery)
	defer tick.Stop()
	for {
		select {
		case r := <-t.inbox:
			t.take(&r)
		case s := <-t.slow:
			t.mu.Lock()
			t.judgeOf(s.ingress).Slow(s.about, s.ingress, time.Now())
			t.mu.Unlock()
		case now := <-tick.C:
			t.decide(now)
		case <-ctx.Done():
			return
		}
	}
}

// take writes a run down and lets the judge know.
func (t *Tower) take(r *signal.Result) {
	now := time.Now()
	if err := t.ledger.note(r); err != nil {
		t.cfg.Logger.Error("a run could not be written down", "err", err)
	}
	t.mu.Lock()
	t.state.note(r)
	switch {
	case now.Sub(r.Ended) >= stale:
	case r.Drill:
		exercise := *r
		exercise.Drill = false // to a judge who hears of nothing else it is the real thing
		t.drill.Note(&exercise)
	default:
		t.judge.Note(r)
	}
	t.mu.Unlock()
	if t.post != nil && r.Vantage == t.cfg.Vantage {
		t.post.add(r)
	}
	if r.Drill {
		if t.cfg.Drill != nil {
			t.cfg.Drill.Noted(r)
		}
		return
	}
	for _, o := range t.cfg.Outlets {
		o.Noted(r)
	}
}

// stale is how old a report may be to say something of now.
const stale = time.Minute

// decide asks the judge, and tells what he says.
func (t *Tower) decide(now time.Time) {
	var changed, exercised []signal.Judgement
	t.mu.Lock()
	troubles := t.judge.Troubles()
	_ = t.drill.Troubles() // an exercise is no trouble
	if t.post == nil {
		changed, exercised = t.judge.Judge(now), t.drill.Judge(now)
	}
	t.state.judged(now, changed)
	t.mu.Unlock()
	for i := range changed {
		v := &changed[i]
		t.cfg.Logger.Info("judged", "capability", v.Capability, "severity", v.Severity.String(), "suspect", v.Suspect,
			"blind", v.Blind, "failed", v.Failed, "tried", v.Tried, "since", v.Since, "reason", v.Reason, "evidence", v.Evidence)
		if err := t.ledger.judged(v); err != nil {
			t.cfg.Logger.Error("a judgement could not be written down", "err", err)
		}
	}
	for i := range troubles {
		if x := &troubles[i]; !x.Over {
			t.cfg.Logger.Warn("a canary is not well", "what", x.What, "since", x.Since, "evidence", x.Evidence, "remedy", x.Remedy)
		}
		if t.cfg.Trouble != nil {
			t.cfg.Trouble(troubles[i])
		}
	}
	if err := t.ledger.tick(now); err != nil {
		t.cfg.Logger.Error("runs could not be written down", "err", err)
	}
	for _, o := range t.cfg.Outlets {
		o.Judged(now, changed)
	}
	if t.cfg.Drill != nil {
		t.cfg.Drill.Judged(now, exercised)
	}
}

// judgeOf gives who judges what is seen at an ingress. The caller holds mu.
func (t *Tower) judgeOf(ingress string) *alert.Judge {
	for i := range t.cfg.Canaries.Ways {
		if w := &t.cfg.Canaries.Ways[i]; w.Drill && w.Name == ingress {
			return t.drill
		}
	}
	return t.judge
}

// note takes a run of a canary of here.
func (t *Tower) note(r signal.Result) {
	select {
	case t.inbox <- r:
	case <-t.ended:
	}
}

func (t *Tower) isSlow(c signal.Capability, ingress string) {
	select {
	case t.slow <- slow{c, ingress}:
	default: // there are so many that the judge knows by now
	}
}

func (t *Tower) suspect(c signal.Capability, ingress string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.judgeOf(ingress).Suspect(time.Now(), c, ingress)
}

// count asks the cloud what it counted.
func (t *Tower) count(ctx context.Context) {
	tick := time.NewTicker(t.cfg.TrafficEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		bounded, cancel := context.WithTimeout(ctx, asking)
		traffic, err := t.cfg.Traffic.Traffic(bounded)
		cancel()
		if err != nil {
			// That the API does not answer is the canaries' matter.
			t.cfg.Logger.Debug("the cloud's own counts", "err", err)
			continue
		}
		t.mu.Lock()
		t.judge.NoteTraffic(&traffic)
		t.mu.Unlock()
	}
}
