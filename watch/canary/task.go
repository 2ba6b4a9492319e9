package canary

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// atOnce bounds the runs of one story that are under way: as many as there can
// be at the quickest pace, each until its deadline.
const atOnce = 4

// task is one story by one way, again and again.
type task struct {
	// Set when planned.
	runner *Runner
	story  signal.Story
	base   Config
	every  time.Duration
	about  []signal.Capability

	restarted time.Time // of the board; owned by run

	mu      sync.Mutex  // guards what follows
	pool    []candidate // those that are free, whose turn it is first
	running int
	holder  *Holder
}

// candidate is a device that waits for its turn.
type candidate struct {
	Identity
	port   int // that it has to come from; zero: any
	failed int // runs in a row in which it did not come in
}

// again is how often a device that did not come in is sent once more at once,
// from where it came: whoever fails each time meets the same lane or machine of
// many each time, or has lost its key. Chance does not repeat itself.
const again = 2

// run begins a run at every tick. A run that hangs does not keep the next one
// from beginning.
func (t *task) run(ctx context.Context, head time.Duration) {
	var all sync.WaitGroup
	defer t.release(ctx)
	defer all.Wait()
	if !pause.For(ctx, head) {
		return
	}
	for {
		began := time.Now()
		if cfg, who, ok := t.begin(); ok {
			all.Go(func() { t.end(who, t.once(ctx, cfg)) })
		}
		for time.Since(began) < t.pace() {
			if !pause.For(ctx, min(lookEvery, max(t.pace()-time.Since(began), time.Millisecond))) {
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// pace is how long after the last run the next one begins.
func (t *task) pace() time.Duration {
	for _, c := range t.about {
		if t.runner.cfg.Suspect(c, t.base.Way.Name) {
			return min(t.every, t.runner.cfg.Quick)
		}
	}
	return t.every
}

// begin takes what a run needs; false: all of it is in use.
func (t *task) begin() (cfg *Config, who candidate, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running >= atOnce {
		return nil, who, false
	}
	cfg = new(Config)
	*cfg = t.base
	switch t.story {
	case signal.ColdStart, signal.Resume:
		if len(t.pool) == 0 {
			return nil, who, false
		}
		who, t.pool = t.pool[0], t.pool[1:]
		cfg.Device, cfg.Port = who.Identity, who.port
	case signal.Held:
		cfg.Device = t.pool[0].Identity
	case signal.Physical:
		b := &cfg.Board
		if t.running > 0 {
			return nil, who, false
		}
		if b.RestartEvery > 0 && time.Since(t.restarted) >= b.RestartEvery {
			b.Restart, t.restarted = true, time.Now()
		}
		cfg.Deadline = b.patience()
	}
	t.running++
	return cfg, who, true
}

// end gives back what a run had. A device that did not come in is sent again
// after one other.
func (t *task) end(who candidate, r *signal.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	if t.story != signal.ColdStart && t.story != signal.Resume {
		return
	}
	if cameIn(r) {
		who.failed = 0
	} else {
		who.failed++
	}
	who.port = 0
	if who.failed > 0 && who.failed <= again && len(t.pool) > 0 {
		who.port = r.Port
		t.pool = slices.Insert(t.pool, 1, who)
		return
	}
	t.pool = append(t.pool, who)
}

// cameIn tells that a run did not fail on its way in, as far as anybody can
// tell.
func cameIn(r *signal.Result) bool {
	return r.OK || r.Blind || !slices.ContainsFunc(r.Readings(), func(x signal.Reading) bool {
		return !x.OK && (x.Capability == signal.ConnectTCP || x.Capability == signal.ConnectUDP)
	})
}

// once makes one run and tells of it.
func (t *task) once(ctx context.Context, cfg *Config) *signal.Result {
	r := t.runner
	var at current
	cfg.OnStep = at.set
	slow := time.AfterFunc(slowAfter, func() {
		for _, reading := range at.reading(t.story, cfg) {
			r.cfg.Slow(reading.Capability, cfg.Way.Name)
		}
	})
	result, ok := t.prepare(ctx, cfg)
	if ok {
		result = Run(ctx, *cfg, t.story)
	}
	slow.Stop()
	if ctx.Err() != nil {
		return &result // it was interrupted, and says nothing
	}
	if !result.OK {
		result.Blind = r.sight.blind(ctx)
		result.Own = !result.Blind && r.opinion.own(ctx, &result)
		r.cfg.Logger.Info("a canary failed", "story", t.story, "ingress", cfg.Way.Name, "step", result.Failed,
			"reason", result.Reason, "evidence", result.Evidence, "blind", result.Blind, "own", result.Own)
	}
	r.cfg.Note(result)
	return &result
}

// prepare registers the device and, for Held, switches it on. If that fails,
// so has the run: what it needs of the API a customer needs, too.
func (t *task) prepare(ctx context.Context, cfg *Config) (failed signal.Result, ok bool) {
	switch t.story {
	case signal.ColdStart, signal.Held, signal.Resume:
	default:
		return failed, true
	}
	bounded, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	now := time.Now().UTC()
	name := fmt.Sprintf("canary-%s-%s-%s", t.story, cfg.Way.Transport, cfg.Device.ID.String()[:4])
	err := t.runner.nursery.Register(bounded, t.runner.api, &cfg.Device, name)
	step := signal.StepAsk
	if err == nil && t.story == signal.Held {
		if err = t.hold(bounded, ctx, cfg); err == nil {
			return failed, true
		}
		step = signal.StepOnline
	}
	if err == nil {
		return failed, true
	}
	failed = signal.Result{
		ID: now.Format("20060102T150405.000000Z") + "-" + nonce()[:8], Vantage: cfg.Vantage, Ingress: cfg.Way.Name, Story: t.story,
		Transport: cfg.Way.Transport.String(), Started: now, Ended: time.Now().UTC(), Failed: step,
		Steps: []signal.Step{{Name: step, Took: time.Since(now)}}, Drill: cfg.Way.Drill,
	}
	failed.Reason, failed.Evidence = explain(step, err, deadline)
	return failed, false
}

// hold switches the device of Held on, if it is not, and gives it the time that
// a first connection takes.
func (t *task) hold(bounded, ctx context.Context, cfg *Config) error {
	t.mu.Lock()
	h := t.holder
	t.mu.Unlock()
	if h != nil {
		return nil
	}
	h, err := Hold(ctx, *cfg)
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.holder = h
	t.mu.Unlock()
	return until(bounded, func() (bool, error) {
		d, err := t.runner.api.Device(bounded, cfg.Device.ID.String())
		return err == nil && d.Online && len(d.Functions) > 0, err
	})
}

func (t *task) release(ctx context.Context) {
	if t.holder != nil {
		t.holder.Release(ctx)
	}
}

// current is the step that a run is at.
type current struct {
	mu   sync.Mutex
	step signal.StepName
}

func (c *current) set(s signal.StepName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step = s
}

// reading tells which capability the step is about.
func (c *current) reading(story signal.Story, cfg *Config) []signal.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := signal.Result{Story: story, Steps: []signal.Step{{Name: c.step}}}
	if len(cfg.Way.ServerKey) > 0 {
		r.Transport = cfg.Way.Transport.String()
	}
	return r.Readings()
}
