package app

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/outage"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// hearsay has the store forget the tokens and devices that it has read when
// any node says that they have changed, or when this one may not have heard.
type hearsay struct{ store *store.Store }

// Deaf implements bus.Watcher.
func (h hearsay) Deaf() { h.store.Forget() }

// Missed implements bus.Watcher: events change nothing that is stored.
func (hearsay) Missed() {}

// Revoked implements bus.Watcher.
func (h hearsay) Revoked(bus.Revocation) { h.store.Forget() }

// OwnerChanged implements bus.Watcher.
func (h hearsay) OwnerChanged(device.ID, account.ID) { h.store.Forget() }

// counted is the store, with attempts counted on their way to it.
type counted struct {
	*store.Store
	counts *outage.Counts
}

// AddAttempt counts an attempt and has it kept.
func (c counted) AddAttempt(a device.Attempt) bool {
	c.counts.Attempt(&a, time.Now())
	return c.Store.AddAttempt(a)
}

// gauges counts devices in the two places that know of them.
type gauges struct {
	app *App
	bus *bus.Bus
}

// Count implements outage.Gauges.
func (g gauges) Count() (connected, limbo int) { return g.app.Count() }

// Routed implements outage.Gauges.
func (g gauges) Routed() int { return g.bus.Routed() }

// askPage begins to ask the watchtower's page for incidents, if there is one.
func (a *App) askPage() (*outage.Known, error) {
	page := a.opts.StatusURL
	if page == "" {
		return nil, nil //nolint:nilnil // that is what knows nothing
	}
	if u, err := url.Parse(page); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("status-url %q: want a URL such as http://127.0.0.1:8090", page)
	}
	k := outage.NewKnown(page, a.opts.Logger.With("node", a.opts.Node, "component", "outage"))
	ctx, cancel := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	asking.Go(func() { k.Run(ctx) })
	a.push("question for incidents", func(context.Context) error {
		cancel()
		asking.Wait()
		return nil
	})
	return k, nil
}
