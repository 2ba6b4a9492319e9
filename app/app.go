package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/api/fleet"
	"github.com/cyan-cloud/cyan/cloud/api/outage"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/drill"
	"github.com/cyan-cloud/cyan/cloud/gateway"
	"github.com/cyan-cloud/cyan/cloud/headcount"
	"github.com/cyan-cloud/cyan/cloud/muster"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/cloud/store/eventlog"
	"github.com/cyan-cloud/cyan/internal/turnstile"
)

// App is a cloud that runs.
type App struct {
	Keys    *Keys
	Welcome *Welcome // not nil at the first start: show it to a person, once

	opts    Options
	gateway *gateway.Gateway
	drills  *drill.Ingress // nil: there is none
	store   *store.Store
	history *eventlog.Log // nil: none is kept
	muster  *muster.Muster
	heads   *headcount.Counter
	up      time.Time      // since when devices are let in
	doors   []net.Listener // of the HTTP API
	bus     *bus.Bus
	watcher *watcher // nil: nobody watches the watchtower
	succession
	onStop []closer
	stop   sync.Once
	failed chan error
}

type closer struct {
	name string
	fn   func(context.Context) error
}

// New starts a cloud: from the store up to the doors, in one straight line.
// When it fails, what was started is stopped again.
func New(ctx context.Context, o Options) (a *App, err error) {
	o = o.WithDefaults()
	a = &App{opts: o, failed: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
		}
	}()
	if isHeir() {
		if err := takeOver(ctx, a); err != nil {
			return a, err
		}
	} else {
		file, unlock, err := lock(o.Data)
		if err != nil {
			return a, err
		}
		a.lock = file
		a.push("data folder's lock", func(context.Context) error { return unlock() })
		if err := a.build(ctx); err != nil {
			return a, err
		}
		a.serving()
	}
	kind, err := a.began(ctx)
	if err == nil {
		err = a.callRoll(kind) //nolint:contextcheck // it goes on as long as the cloud runs
	}
	if err != nil {
		return a, err
	}
	a.heads.Start()
	a.keepWatch() //nolint:contextcheck // as long as the cloud runs
	a.push("record", func(ctx context.Context) error {
		if a.Passed() {
			return nil
		}
		return a.ends(ctx)
	})
	err = a.watch() //nolint:contextcheck // orders come as long as the cloud runs
	notifyReady()
	return a, err
}

// build opens every room, and begins to serve nobody.
func (a *App) build(ctx context.Context) (err error) {
	o := a.opts
	registry := prometheus.NewRegistry()
	log := o.Logger.With("node", o.Node)
	if a.Keys, err = LoadKeys(filepath.Join(o.Data, "keys"), o.Database); err != nil {
		return err
	}
	a.store, err = store.Open(ctx, store.Config{
		Path: o.Database, Logger: log.With("component", "store"), Registerer: registry,
		Audit: store.AuditBounds{Age: time.Duration(o.AuditDays) * 24 * time.Hour},
	})
	if err != nil {
		return err
	}
	a.push("store", func(context.Context) error { return a.store.Close() })
	if a.Welcome, err = admit(ctx, a.store, o.Admin); err != nil {
		return err
	}

	if err := a.openHistory(ctx, registry); err != nil {
		return err
	}
	b, err := bus.Open(ctx, bus.Config{
		URL: o.NATS, Node: o.Node, Heir: a.inherit != nil, Elder: a.elder, Logger: log.With("component", "bus"), Registerer: registry,
	})
	if err != nil {
		return err
	}
	a.bus = b
	a.push("bus", func(context.Context) error { return b.Close() })
	b.Watch(hearsay{a.store}) // as long as the bus is open

	if err := a.openRoll(); err != nil {
		return err
	}
	if err := a.openWatch(registry); err != nil {
		return err
	}
	counts := outage.NewCounts(time.Now())
	known, err := a.askPage() //nolint:contextcheck // it asks as long as the cloud runs
	if err != nil {
		return err
	}
	udp, err := addresses("listen-udp", o.ListenUDP)
	if err != nil {
		return err
	}
	tcp, err := addresses("listen-tcp", o.ListenTCP)
	if err != nil {
		return err
	}
	devices := gateway.Config{
		Node: o.Node, UDP: udp, TCP: tcp, ServerEC: a.Keys.EC, ServerRSA: a.Keys.RSA,
		Keys: a.store, Records: counted{a.store, counts}, Bus: b, Lanes: lanes(), Routed: b.Hearing, TrustOnFirstUse: o.TrustOnFirstUse, Limits: o.Limits.Limits, Rehearsal: o.Rehearsal,
		Inherit: a.inherit, Logger: log.With("component", "gateway"), Registerer: registry,
	}
	if a.history != nil {
		devices.History = a.history
	}
	a.up = time.Now()
	if a.gateway, err = gateway.Start(ctx, devices); err != nil {
		return err
	}
	a.push("gateway", func(context.Context) error { a.gateway.Stop(); return nil })

	if err := a.openHeadcount(ctx); err != nil {
		return err
	}
	trusted, err := proxies(o.TrustedProxies)
	if err != nil {
		return err
	}
	people := api.Config{
		Proxies: trusted, Rates: web.Rates{Requests: o.Limits.APIRate, Accounts: o.Limits.AccountRate},
		Accounts: a.store, Tokens: a.store, Devices: a.store, Owners: a.store, Codes: a.store, Keys: a.store,
		Profiles: a.store, Factors: a.store, Tickets: a.store, Services: a.store, Audit: a.store, Transfers: a.store, Vitals: a.store, Chronicle: a.store, Bus: b, Feed: b, CallTimeout: o.CallTimeout, SignUp: o.OpenSignUp,
		MaxStreams: o.Limits.APIStreams, SourceStreams: o.Limits.APISourceStreams, MaxBody: int64(o.Limits.APIBody), MaxLogins: o.Limits.FailedLogins,
		Logger: log.With("component", "api"), Registerer: registry, Gatherer: registry,
		Outage: outage.New(outage.Config{
			Counts: counts, Gauges: gauges{a, b}, Facts: a.store, Record: a.store, States: b, Known: known, Unwatched: a.watcher.deadSince, Node: o.Node, Absent: a.gateway.Absent,
			Muster: a.muster, People: a.store,
		}),
		Fleet:    fleet.New(fleet.Config{Counter: a.heads, People: a.store}),
		DoorShut: func() bool { return !a.gateway.ClosedSince().IsZero() },
		Ready: []api.Check{
			{Name: "store", Run: a.store.Ping},
			{Name: "bus", Run: func(context.Context) error { return b.Hearing() }},
			{Name: "port for devices on tcp", Run: a.gateway.Ready},
		},
	}
	if people.Drills, err = a.openDrills(ctx, udp, tcp); err != nil {
		return err
	}
	if a.history != nil {
		people.History = a.history
		people.Ready = append(people.Ready, api.Check{Name: "history of events", Run: a.history.Check})
	}
	door, err := api.New(people)
	if err != nil {
		return err
	}
	return a.open(ctx, door)
}

// openHistory opens the history of events, if there is to be one. Without one
// what an earlier process kept goes: events from now on would be missing in it,
// and whoever resumes there would not know.
func (a *App) openHistory(ctx context.Context, registry *prometheus.Registry) (err error) {
	path := filepath.Join(a.opts.Data, "events.db")
	if a.opts.EventHistory <= 0 {
		return eventlog.Remove(path)
	}
	a.history, err = eventlog.Open(ctx, eventlog.Config{
		Path: path, Age: a.opts.EventHistory, Bytes: int64(a.opts.EventHistoryMiB) << 20,
		Logger: a.opts.Logger.With("node", a.opts.Node, "component", "eventlog"), Registerer: registry,
	})
	if err == nil {
		a.push("history of events", func(context.Context) error { return a.history.Close() })
	}
	return err
}

// open opens the HTTP door; serving lets people in.
func (a *App) open(ctx context.Context, door *api.API) error {
	list, err := addresses("listen-api", a.opts.ListenAPI)
	if err != nil {
		return err
	}
	for _, address := range list {
		l, err := a.inherit.Listen(ctx, "api "+address, address)
		if err != nil {
			return fmt.Errorf("listening for people on %s: %w", address, err)
		}
		a.doors, a.doorLabels = append(a.doors, l), append(a.doorLabels, address)
	}
	a.door, a.server = door, door.Server()
	a.server.Handler = a.watcher.beside(a.server.Handler)
	known := a.server.ConnState
	a.server.ConnState = func(c net.Conn, state http.ConnState) {
		a.movables.hook(c, state)
		if known != nil {
			known(c, state)
		}
	}
	a.moved = newArrivals(a.doors[0].Addr())
	limits := a.opts.Limits
	a.gate = turnstile.New(turnstile.Config{Most: limits.APIConnections, Source: limits.APISourceConnections, Refused: door.Refused})
	a.push("api", func(ctx context.Context) error {
		door.Close() // event streams end; a shutdown would wait for them
		err := a.server.Shutdown(ctx)
		a.listening.Wait()
		return errors.Join(err, a.moved.Close())
	})
	return nil
}

// serving lets people in.
func (a *App) serving() {
	for _, l := range append([]net.Listener{a.moved}, a.doors...) {
		l = a.movables.listener(a.gate.Before(l))
		a.listening.Go(func() { // ends when the server is shut down, or its door closed for another process's
			if err := a.server.Serve(l); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				a.fail(err)
			}
		})
	}
}

// fail says that a part stopped by itself.
func (a *App) fail(err error) {
	select {
	case a.failed <- err:
	default:
	}
}

func (a *App) push(name string, fn func(context.Context) error) {
	a.onStop = append(a.onStop, closer{name, fn})
}

// Failed gives the error of a part that stopped by itself.
func (a *App) Failed() <-chan error { return a.failed }

// Stop stops what New started, the last first. It may be called again.
func (a *App) Stop(ctx context.Context) error {
	var errs []error
	a.stop.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		for _, c := range slices.Backward(a.onStop) {
			if err := c.fn(ctx); err != nil {
				errs = append(errs, fmt.Errorf("stopping the %s: %w", c.name, err))
			}
		}
	})
	return errors.Join(errs...)
}

// Addrs are the addresses that a cloud listens on.
type Addrs struct {
	UDP, TCP, API []netip.AddrPort
	// DrillUDP and DrillTCP are those that only canaries use; not valid: there is
	// none.
	DrillUDP, DrillTCP netip.AddrPort
}

// Addrs gives the addresses that are listened on, with the ports that were
// given for port 0.
func (a *App) Addrs() Addrs {
	var out Addrs
	out.UDP, out.TCP = a.gateway.Addrs()
	if a.drills != nil {
		out.DrillUDP, out.DrillTCP = a.drills.Addrs()
	}
	for _, l := range a.doors {
		out.API = append(out.API, l.Addr().(*net.TCPAddr).AddrPort())
	}
	return out
}

// URL is where the HTTP API is reached.
func (a *App) URL() string {
	if a.opts.PublicURL != "" {
		return a.opts.PublicURL
	}
	return "http://" + a.Addrs().API[0].String()
}

// Count gives how many devices are connected, and how many of them do not
// answer.
func (a *App) Count() (connected, limbo int) { return a.gateway.Count() }
