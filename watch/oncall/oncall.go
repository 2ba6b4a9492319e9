package oncall

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/watch/desk"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/journal"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/rota"
)

// Config says who is paged of what.
type Config struct {
	// Settings say who is paged. Without stages nobody is, and Note says so.
	Settings pager.Settings
	// Data is the watchtower's folder: the journal is in "oncall", the secret in
	// "oncall.key".
	Data string
	// Page is the URL of the status page, for links.
	Page string
	// Deploys is what was done to the cloud itself, asked every DeploysEvery.
	// nil: nobody tells. Zero: 15 s.
	Deploys      Deploys
	DeploysEvery time.Duration
	// Rota reads the rota anew, every RotaEvery, so that a swap counts without a
	// restart. nil: that of Settings stays. Zero: a minute.
	Rota      func() (*rota.Rota, error)
	RotaEvery time.Duration
	// LastDrill is when an exercise was held last. nil: nobody is reminded of one.
	LastDrill func() LastDrill
	// Orders are what else the owner of the secret may ask for, by name; "rota" is
	// there in any case.
	Orders map[string]func() (any, error)
	// Exercise hears which outlets took the pages of drills. nil: nobody does.
	Exercise Exercise
	// Peers are URLs of other watchtowers, which are looked at every PeersEvery
	// (zero: 15 s) by PeersTransport (nil: the network): that one is dead is paged.
	Peers          []string
	PeersEvery     time.Duration
	PeersTransport http.RoundTripper
	// Transport carries requests to outlets. nil: the network.
	Transport http.RoundTripper

	Logger *slog.Logger // nil: nothing is logged
}

// Oncall stands between the desk and the pipeline. Neither ever waits for the
// other: what one has to say to the other is an errand.
type Oncall struct {
	// Set at Open; desk by At, before Run.
	cfg      Config
	pipeline *pager.Pipeline
	journal  *journal.Journal[pager.Record]
	desk     *desk.Desk
	wake     chan struct{}

	mu         sync.Mutex
	errands    []func()   // guarded by mu, oldest first
	rota       *rota.Rota // guarded by mu; nil: there is none
	rotaBroken error      // guarded by mu: why it could not be read anew
	drillNote  string     // guarded by mu: that a drill is overdue
}

// keepFor and keepBytes bound the journal. An alert that is open for longer
// than that is opened again by its incident.
const (
	keepFor   = 400 * 24 * time.Hour
	keepBytes = 256 << 20
)

// Open opens the pipeline. Nothing is sent before Run.
func Open(cfg Config) (*Oncall, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.DeploysEvery == 0 {
		cfg.DeploysEvery = deploysEvery
	}
	if cfg.RotaEvery == 0 {
		cfg.RotaEvery = rotaEvery
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, err
	}
	secret, err := pager.LoadSecret(filepath.Join(cfg.Data, pager.SecretFile))
	if err != nil {
		return nil, err
	}
	c := &Oncall{cfg: cfg, wake: make(chan struct{}, 1)}
	if c.journal, err = journal.Open[pager.Record](filepath.Join(cfg.Data, "oncall"), journal.Config{MaxAge: keepFor, MaxBytes: keepBytes}); err != nil {
		return nil, err
	}
	c.rota, _ = cfg.Settings.Rota.Rota() // Settings are checked
	orders := map[string]func() (any, error){"rota": c.plan}
	maps.Copy(orders, cfg.Orders)
	c.pipeline, err = pager.Open(pager.Config{
		Orders:   orders,
		Settings: cfg.Settings, Secret: secret, Log: cfg.Logger, Transport: cfg.Transport, OnAccepted: c.accepted, OnAcknowledged: c.acknowledged, OnEscalated: c.escalated,
	}, c.journal)
	if err != nil {
		return nil, errors.Join(err, c.journal.Close())
	}
	return c, nil
}

// At gives it the desk whose incidents it is about.
func (c *Oncall) At(d *desk.Desk) { c.desk = d }

// Close is for one that is not run.
func (c *Oncall) Close() error { return c.journal.Close() }

// Pipeline is how people are reached.
func (c *Oncall) Pipeline() *pager.Pipeline { return c.pipeline }

// Told hears of each change of an incident, from the desk.
func (c *Oncall) Told(change incident.Change) {
	c.errand(func() {
		if change.Kind == incident.Acknowledged {
			c.check(c.pipeline.Acknowledge(alertOf(change.Incident.ID), whoOf(&change)))
			return
		}
		if n, ok := noticeOf(&change, c.cfg.Page); ok {
			c.check(c.pipeline.Notify(n))
		}
	})
}

// Planned hears of each change of a window of maintenance, from the desk.
func (c *Oncall) Planned(change maintenance.Change) {
	c.errand(func() {
		if w := &change.Window; len(w.Timeline) > 0 {
			c.check(c.pipeline.Notify(windowNotice(w, &w.Timeline[len(w.Timeline)-1], c.cfg.Page)))
		}
	})
}

// check logs what the pipeline does not take. That it has no such alert is no
// mistake: what is less than an outage has never been paged.
func (c *Oncall) check(err error) {
	if err != nil && !errors.Is(err, pager.ErrNoAlert) {
		c.cfg.Logger.Error("a change of an incident is not paged", "err", err)
	}
}

// Tell pages people of something that is no incident, such as that another
// watchtower is dead.
func (c *Oncall) Tell(n pager.Notice) error { return c.pipeline.Notify(n) }

// accepted puts into an incident's timeline that an outlet took its page.
func (c *Oncall) accepted(n pager.Notice, p pager.Proof) {
	c.rehearsed(&n, &p)
	id, ok := strings.CutPrefix(n.Key, alertPrefix)
	if !ok || n.Kind != pager.Trigger && n.Kind != pager.Remind {
		return
	}
	c.errand(func() {
		if err := c.desk.Accepted(id, p.Outlet); err != nil {
			c.cfg.Logger.Error("that a page was taken is not written down", "err", err)
		}
	})
}

// escalated puts into it that a stage was called because nobody had said that
// they have it.
func (c *Oncall) escalated(e pager.Escalation) {
	id, ok := strings.CutPrefix(e.Key, alertPrefix)
	if !ok {
		return
	}
	c.errand(func() {
		text := "nobody has acknowledged: stage " + strconv.Itoa(e.Stage) + " is called (" + strings.Join(e.Outlets, ", ") + ")"
		if err := c.desk.Escalated(id, text); err != nil {
			c.cfg.Logger.Error("that nobody acknowledges is not written down", "err", err)
		}
	})
}

// acknowledged puts into it that a person has it, unless it says so.
func (c *Oncall) acknowledged(a pager.Ack) {
	id, ok := strings.CutPrefix(a.Key, alertPrefix)
	if !ok {
		return
	}
	c.errand(func() {
		list, _ := c.desk.List()
		for i := range list {
			if list[i].ID != id || !list[i].Accepted.IsZero() {
				continue
			}
			if err := c.desk.Acknowledge(id, a.By); err != nil {
				c.cfg.Logger.Error("that somebody has an incident is not written down", "err", err)
			}
		}
	})
}

// errand has something done soon, in order.
func (c *Oncall) errand(do func()) {
	c.mu.Lock()
	c.errands = append(c.errands, do)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default: // it is awake
	}
}

// work does the errands that there are.
func (c *Oncall) work() {
	for {
		c.mu.Lock()
		list := c.errands
		c.errands = nil
		c.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for _, do := range list {
			do()
		}
	}
}

// Run pages until ctx is done, and then closes the journal.
func (c *Oncall) Run(ctx context.Context) error {
	c.catchUp()
	var paging sync.WaitGroup
	paging.Go(func() { c.pipeline.Run(ctx) }) // ends with ctx
	if c.cfg.Deploys != nil {
		paging.Go(func() { c.watchDeploys(ctx) }) // likewise
	}
	c.watchPeers(ctx, paging.Go)           // likewise
	paging.Go(func() { c.watchRota(ctx) }) // likewise
	for ctx.Err() == nil {
		c.work()
		select {
		case <-c.wake:
		case <-ctx.Done():
		}
	}
	paging.Wait()
	c.work()
	return c.journal.Close()
}

// catchUp makes good what the end of the process kept one of the two from
// hearing: an incident that nobody was paged for, an alert whose incident is
// over.
func (c *Oncall) catchUp() {
	s := c.pipeline.Status()
	alerts := map[string]bool{}
	for i := range s.Alerts {
		alerts[s.Alerts[i].Key] = s.Alerts[i].Resolved.IsZero()
	}
	list, windows := c.desk.List()
	c.catchUpWindows(windows, s.At)
	for at := range list {
		i := &list[at]
		if i.Failing() && !alerts[alertOf(i.ID)] {
			if n, ok := noticeOf(&incident.Change{At: i.Turned, Kind: incident.Reopened, Incident: *i}, c.cfg.Page); ok {
				c.check(c.pipeline.Notify(n))
			}
		}
		if !i.Open() && alerts[alertOf(i.ID)] {
			if n, ok := noticeOf(&incident.Change{At: i.Resolved, Kind: incident.Closed, Incident: *i}, c.cfg.Page); ok {
				c.check(c.pipeline.Notify(n))
			}
		}
	}
	if alerts[alertBlind] { // who is still blind says so again
		if n, ok := noticeOf(&incident.Change{At: s.At, Kind: incident.Sighted}, c.cfg.Page); ok {
			c.check(c.pipeline.Notify(n))
		}
	}
}

// Handler serves what stands below /oncall/.
func (c *Oncall) Handler() http.Handler { return c.pipeline.Handler() }

// Note says on the page how well people can be reached; empty: well. What
// providers answered is not for strangers.
func (c *Oncall) Note() string {
	if len(c.cfg.Settings.Stages) == 0 {
		return NoPager
	}
	s := c.pipeline.Status()
	if dead := c.deadPeers(&s); dead != "" {
		return dead
	}
	if !s.Red {
		return ""
	}
	var bad []string
	able := false
	for _, o := range s.Outlets {
		switch {
		case o.Stage == 0:
		case o.State == "failing":
			bad = append(bad, "outlet "+o.Name+" fails")
		case o.State == "gone":
			bad = append(bad, "outlet "+o.Name+" takes nothing any more")
		default:
			able = true
		}
	}
	if !able {
		return "nobody can be paged: " + strings.Join(bad, ", ")
	}
	return "paging is in trouble; cyan oncall status says how: " + strings.Join(append(bad, "people can still be reached"), ", ")
}

// NoPager is what Note says where there is nobody.
const NoPager = "no pager is configured: nobody is told of an outage; the section notify of the settings file sets one"
