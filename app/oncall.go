package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/watch/desk"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/journal"
	pager "github.com/cyan-cloud/cyan/watch/notify"
)

// oncall stands between the desk and the pipeline. Neither ever waits for the
// other: what one has to say to the other is an errand.
type oncall struct {
	// Set at openOncall; desk before run.
	pipeline *pager.Pipeline
	journal  *journal.Journal[pager.Record]
	desk     *desk.Desk
	page     string // URL of the status page
	staged   bool   // somebody stands in a stage
	log      *slog.Logger
	wake     chan struct{}

	mu      sync.Mutex
	errands []func() // guarded by mu, oldest first
}

// openOncall opens the pipeline that the settings file describes. Without a
// file, or without its section notify, nobody is paged, and the page says so.
func openOncall(o *WatchOptions, page string) (*oncall, error) {
	var settings pager.Settings
	if o.Settings != "" {
		text, err := os.ReadFile(o.Settings)
		if err != nil {
			return nil, err
		}
		if settings, err = pager.ParseSettings(text); err != nil {
			return nil, fmt.Errorf("%s: %w", o.Settings, err)
		}
	}
	if settings.URL == "" && o.StatusPublic != "" {
		settings.URL = page
	}
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return nil, err
	}
	secret, err := pager.LoadSecret(filepath.Join(o.Data, pager.SecretFile))
	if err != nil {
		return nil, err
	}
	c := &oncall{page: page, log: o.Logger, staged: len(settings.Stages) > 0, wake: make(chan struct{}, 1)}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.journal, err = journal.Open[pager.Record](filepath.Join(o.Data, "oncall"), journal.Config{}); err != nil {
		return nil, err
	}
	c.pipeline, err = pager.Open(pager.Config{
		Settings: settings, Secret: secret, Log: c.log, OnAccepted: c.accepted, OnAcknowledged: c.acknowledged,
	}, c.journal)
	if err != nil {
		return nil, errors.Join(err, c.journal.Close())
	}
	return c, nil
}

// told hears of each change of an incident, from the desk.
func (c *oncall) told(change incident.Change) {
	c.errand(func() {
		if change.Kind == incident.Acknowledged {
			c.check(c.pipeline.Acknowledge(alertOf(change.Incident.ID), whoOf(&change)))
			return
		}
		if n, ok := noticeOf(&change, c.page); ok {
			c.check(c.pipeline.Notify(n))
		}
	})
}

// check logs what the pipeline does not take. That it has no such alert is no
// mistake: what is less than an outage has never been paged.
func (c *oncall) check(err error) {
	if err != nil && !errors.Is(err, pager.ErrNoAlert) {
		c.log.Error("a change of an incident is not paged", "err", err)
	}
}

// accepted puts into an incident's timeline that an outlet took its page.
func (c *oncall) accepted(n pager.Notice, p pager.Proof) {
	id, ok := strings.CutPrefix(n.Key, alertPrefix)
	if !ok || n.Kind != pager.Trigger {
		return
	}
	c.errand(func() {
		if err := c.desk.Accepted(id, p.Outlet); err != nil {
			c.log.Error("that a page was taken is not written down", "err", err)
		}
	})
}

// acknowledged puts into it that a person has it, unless it says so.
func (c *oncall) acknowledged(a pager.Ack) {
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
				c.log.Error("that somebody has an incident is not written down", "err", err)
			}
		}
	})
}

// errand has something done soon, in order.
func (c *oncall) errand(do func()) {
	c.mu.Lock()
	c.errands = append(c.errands, do)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default: // it is awake
	}
}

// work does the errands that there are.
func (c *oncall) work() {
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

// run pages until ctx is done, and then closes the journal.
func (c *oncall) run(ctx context.Context) error {
	c.catchUp()
	var paging sync.WaitGroup
	paging.Go(func() { c.pipeline.Run(ctx) }) // ends with ctx
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
func (c *oncall) catchUp() {
	s := c.pipeline.Status()
	alerts := map[string]bool{}
	for i := range s.Alerts {
		alerts[s.Alerts[i].Key] = s.Alerts[i].Resolved.IsZero()
	}
	list, _ := c.desk.List()
	for at := range list {
		i := &list[at]
		if i.Failing() && !alerts[alertOf(i.ID)] {
			if n, ok := noticeOf(&incident.Change{At: i.Turned, Kind: incident.Reopened, Incident: *i}, c.page); ok {
				c.check(c.pipeline.Notify(n))
			}
		}
		if !i.Open() && alerts[alertOf(i.ID)] {
			if n, ok := noticeOf(&incident.Change{At: i.Resolved, Kind: incident.Closed, Incident: *i}, c.page); ok {
				c.check(c.pipeline.Notify(n))
			}
		}
	}
	if alerts[alertBlind] { // who is still blind says so again
		if n, ok := noticeOf(&incident.Change{At: s.At, Kind: incident.Sighted}, c.page); ok {
			c.check(c.pipeline.Notify(n))
		}
	}
}

// handler serves /oncall/, and leaves the rest to the desk.
func (c *oncall) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/oncall/", c.pipeline.Handler())
	mux.Handle("/", c.desk)
	return mux
}

// note says on the page how well people can be reached; empty: well. What
// providers answered is not for strangers.
func (c *oncall) note() string {
	if !c.staged {
		return noPager
	}
	s := c.pipeline.Status()
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

const noPager = "no pager is configured: nobody is told of an outage; the section notify of the settings file sets one"

// Oncall commands the pager of a running watchtower, by the right of being
// able to read its data folder: no login of the cloud is needed, which may be
// what is broken.
type Oncall struct{ remote *pager.Remote }

// OpenOncall finds the watchtower at url, whose data folder is data.
func OpenOncall(url, data string) (*Oncall, error) {
	remote, err := pager.OpenRemote(url, data)
	if err != nil {
		return nil, fault.E(fault.Denied, "read the watchtower's secret", err)
	}
	return &Oncall{remote}, nil
}

// Status is how well people can be reached.
func (o *Oncall) Status(ctx context.Context) (pager.Status, error) {
	s, err := o.remote.Status(ctx)
	return s, oncallFault(err)
}

// Test sends a test page to every outlet, and gives what each said.
func (o *Oncall) Test(ctx context.Context, by string) ([]pager.TestResult, error) {
	list, err := o.remote.Test(ctx, by)
	return list, oncallFault(err)
}

// Acknowledge says that a person has an alert.
func (o *Oncall) Acknowledge(ctx context.Context, key, by string) error {
	return oncallFault(o.remote.Acknowledge(ctx, key, by))
}

// oncallFault gives an answer of the watchtower its kind.
func oncallFault(err error) error {
	no, ok := errors.AsType[*pager.RemoteError](err)
	if !ok {
		return err
	}
	kind := fault.Unavailable
	switch no.Status {
	case http.StatusUnauthorized:
		kind = fault.Denied
	case http.StatusNotFound:
		kind = fault.NotFound
	case http.StatusBadRequest:
		kind = fault.Invalid
	}
	return fault.E(kind, "ask the watchtower", no)
}
