package canary

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// RunnerConfig says what a vantage does.
type RunnerConfig struct {
	// Canary has what all runs share; Way, Device, Board and OnStep are filled in.
	Canary Config
	Ways   []Way // into the cloud for devices
	// Boards gives the real ones; it is asked again and again, so that one can be
	// added while the others go on. Nil: there are none.
	Boards func() ([]Board, error)
	// Nursery is the folder of the canaries' secret.
	Nursery string
	// Pool is how many devices take turns at a story of one way. Zero: 12.
	Pool int
	// Interval is how often each story is run. Zero: 10 s.
	Interval time.Duration
	// Quick is how often while something is suspect. Zero: 3 s where this is the
	// only vantage, and half the interval where there are more.
	Quick    time.Duration
	Vantages int // how many there are; zero: one
	Controls Controls
	Logger   *slog.Logger // nil: nothing is logged

	// Note takes the results; it is called by many goroutines.
	Note func(signal.Result)
	// Suspect tells whether something is to be looked at more often, Slow takes
	// note of a run that has not ended after 2 s. Nil: nobody knows, or cares.
	Suspect func(c signal.Capability, ingress string) bool
	Slow    func(c signal.Capability, ingress string)
}

const (
	interval   = 10 * time.Second
	quickAlone = 3 * time.Second
	slowAfter  = 2 * time.Second
	lookEvery  = 250 * time.Millisecond // whether something has become suspect
	poolSize   = 12
	boardEvery = time.Minute
)

func (c RunnerConfig) withDefaults() RunnerConfig {
	if c.Interval == 0 {
		c.Interval = interval
	}
	if c.Quick == 0 {
		c.Quick = c.Interval / 2
		if c.Vantages <= 1 {
			c.Quick = min(quickAlone, c.Interval)
		}
	}
	if c.Pool == 0 {
		c.Pool = poolSize
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Suspect == nil {
		c.Suspect = func(signal.Capability, string) bool { return false }
	}
	if c.Slow == nil {
		c.Slow = func(signal.Capability, string) {}
	}
	return c
}

// Runner runs stories on schedule.
type Runner struct {
	cfg     RunnerConfig
	nursery *Nursery
	api     *client.Client
	sight   *sight
	opinion *opinion
	tasks   []*task
}

// ErrNothing says that there is nothing to look at.
var ErrNothing = errors.New("canary: no way into the cloud and no URL of an API to look at")

// NewRunner prepares canaries. It refuses if this program cannot open what
// real devices said.
func NewRunner(cfg RunnerConfig) (*Runner, error) {
	if err := Prove(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	cfg.Canary = cfg.Canary.withDefaults()
	if cfg.Canary.API == "" {
		return nil, ErrNothing
	}
	r := &Runner{cfg: cfg, api: cfg.Canary.client(cfg.Canary.Token), sight: &sight{controls: cfg.Controls}, opinion: &opinion{cfg: cfg.Canary}}
	var err error
	if r.nursery, err = OpenNursery(cfg.Nursery); err != nil {
		return nil, err
	}
	return r, r.plan()
}

// Stories lists what is run, a line each, for people.
func (r *Runner) Stories() (list []string) {
	for _, t := range r.tasks {
		list = append(list, fmt.Sprintf("%s %s", t.story, t.base.Way.Name))
	}
	return list
}

// plan makes a task of every story and way.
func (r *Runner) plan() error {
	c := r.cfg.Canary
	add := func(s signal.Story, way Way, pool int) error {
		t := &task{runner: r, story: s, base: c, every: r.cfg.Interval}
		t.base.Way = way
		for i := range pool {
			use := string(s)
			if way.Drill {
				use += " drill"
			}
			who, err := r.nursery.Device(use, way.Transport, i)
			if err != nil {
				return err
			}
			t.pool = append(t.pool, candidate{Identity: who})
		}
		t.about = capabilities(s, way.Transport)
		r.tasks = append(r.tasks, t)
		return nil
	}
	errs := []error{add(signal.Address, Way{Name: "public"}, 0)}
	if c.Token != "" {
		errs = append(errs, add(signal.Publish, Way{Name: "api"}, 0))
		for _, way := range r.cfg.Ways {
			if way.Drill {
				errs = append(errs, add(signal.ColdStart, way, (r.cfg.Pool+1)/2))
				continue
			}
			errs = append(errs, add(signal.ColdStart, way, r.cfg.Pool), add(signal.Held, way, 1))
			if way.Transport == sim.UDP {
				errs = append(errs, add(signal.Resume, way, (r.cfg.Pool+1)/2))
			}
		}
	}
	if c.Username != "" {
		errs = append(errs, add(signal.Login, Way{Name: "api"}, 0))
	}
	return errors.Join(errs...)
}

// capabilities are what a story is about: what makes it run more often.
func capabilities(s signal.Story, t sim.Transport) []signal.Capability {
	connect := map[sim.Transport]signal.Capability{sim.UDP: signal.ConnectUDP, sim.TCP: signal.ConnectTCP}[t]
	switch s {
	case signal.ColdStart:
		return []signal.Capability{connect, signal.Calls, signal.Variables, signal.Events}
	case signal.Held:
		return []signal.Capability{signal.Connected, signal.Calls}
	case signal.Resume:
		return []signal.Capability{signal.Connected, connect}
	case signal.Publish:
		return []signal.Capability{signal.Events}
	case signal.Physical:
		return []signal.Capability{signal.Connected}
	default:
		return []signal.Capability{signal.API}
	}
}

// Run runs until ctx is done.
func (r *Runner) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for i, t := range r.tasks {
		// Spread over the interval, so that the stories do not all begin at once.
		head := t.every * time.Duration(i) / time.Duration(len(r.tasks))
		all.Go(func() { t.run(ctx, head) })
	}
	if r.cfg.Boards != nil && r.cfg.Canary.Token != "" {
		all.Go(func() { r.followBoards(ctx) })
	}
	all.Wait()
	return nil
}
