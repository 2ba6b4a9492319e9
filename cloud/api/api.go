// Package api is the people's door: the HTTP API and the event streams that
// Particle's clients know, and the truth about devices in them.
//
// What every request needs is in cloud/api/web, what is about people in
// cloud/api/people, the event streams in cloud/api/stream. Here are the
// devices, a resource a file, and the one table of routes.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/drills"
	"github.com/cyan-cloud/cyan/cloud/api/fleet"
	"github.com/cyan-cloud/cyan/cloud/api/outage"
	"github.com/cyan-cloud/cyan/cloud/api/people"
	"github.com/cyan-cloud/cyan/cloud/api/stream"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// Tokens is what the API needs of tokens: whose they are, and their records.
type Tokens interface {
	web.Tokens
	people.Tokens
}

// Devices is what the API needs to know of devices.
type Devices interface {
	Device(ctx context.Context, id device.ID) (device.Device, error)
	// DeviceByName finds the owner's device, whatever the name's case. NotFound
	// if there is none, Conflict if there are several.
	DeviceByName(ctx context.Context, owner account.ID, name string) (device.Device, error)
	DevicesOf(ctx context.Context, owner account.ID) ([]device.Device, error)
	// Attempts gives the newest attempts since the time, newest first.
	Attempts(ctx context.Context, id device.ID, since time.Time, limit int) ([]device.Attempt, error)
	// Outcomes counts the attempts of all devices since the time, and those that
	// failed for one of the reasons.
	Outcomes(ctx context.Context, since time.Time, reasons []string) (tried, failed int, err error)
}

// Owners is what owners do with their devices. A device that is not there is
// NotFound, somebody else's Denied.
type Owners interface {
	// Rename names the device. Invalid if the name cannot be one, Conflict if
	// another of the owner's devices has it.
	Rename(ctx context.Context, id device.ID, owner account.ID, name string) error
	Annotate(ctx context.Context, id device.ID, owner account.ID, notes string) error
	// AllowRestart keeps how far the owner lets us go when the device does not
	// answer.
	AllowRestart(ctx context.Context, id device.ID, owner account.ID, what device.Restarting) error
	// Claim makes owner the owner of a device that is nobody's, or already his.
	Claim(ctx context.Context, id device.ID, owner account.ID) error
	Release(ctx context.Context, id device.ID, owner account.ID) error
}

// Codes is what the API needs of claim codes, which are kept by their hash.
type Codes interface {
	// AddClaimCode fails with Busy if the owner has too many.
	AddClaimCode(ctx context.Context, code account.TokenHash, owner account.ID, now, expires time.Time) error
	// ClaimByCode claims the device for the one who got the code. NotFound if
	// there is no such code, Denied if the device is somebody else's.
	ClaimByCode(ctx context.Context, id device.ID, code account.TokenHash, now time.Time) (account.ID, error)
}

// Keys is what the API needs to register devices with their keys.
type Keys interface {
	KeyOf(ctx context.Context, id device.ID) (device.Key, error)
	// Provision creates or claims the device and puts the key in force. Denied
	// if the device is someone else's, Conflict if the key is another's.
	Provision(ctx context.Context, id device.ID, key device.Key, owner account.ID) error
}

// Bus is how the API reaches devices and events.
type Bus interface {
	Publish(e *event.Event) error
	Subscribe(fn func(*event.Event)) (cancel func(), err error)
	Call(ctx context.Context, c bus.Call) (bus.Result, error)
	States(ctx context.Context, ids []device.ID) (map[device.ID]device.State, error)
	Changed(id device.ID, owner account.ID, key bool) error
}

// Feed is how the API knows that what it hears is all that there is to hear.
type Feed interface {
	// Watch has w hear of what must end streams.
	Watch(w bus.Watcher) (cancel func())
	// Hearing fails as Unavailable while events may not come here.
	Hearing() error
	// Revoke tells every node whose rights have ended.
	Revoke(r bus.Revocation) error
}

// History is where events are kept for streams that can be resumed.
type History interface {
	stream.History
	// Keep returns nil when the event is kept for good.
	Keep(ctx context.Context, e *event.Event) error
}

// Check is one thing that /readyz looks at.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// Config says what the API stands on. All before Ready must be set, all but
// Bus mostly to the same store; the zero value of the rest is described
// beside it.
type Config struct {
	Accounts  people.Accounts
	Tokens    Tokens
	Devices   Devices
	Owners    Owners
	Codes     Codes
	Keys      Keys
	Profiles  people.Profiles
	Factors   people.Factors
	Tickets   people.Tickets
	Services  people.Services
	Audit     people.Audit
	Transfers Transfers
	Vitals    Vitals
	Bus       Bus
	Feed      Feed    // mostly the Bus
	History   History // nil: streams cannot be resumed
	Ready     []Check // what /readyz looks at; none: always ready

	// DoorShut tells whether the devices' port is closed because nobody can be
	// let in, for the doctor; nil: it never is.
	DoorShut func() bool

	Outage *outage.Desk // what is known and told of the cloud's own failures; nil: nothing
	Drills *drills.Desk // exercises; nil: there are none
	Fleet  *fleet.Desk  // how many devices are connected; nil: nobody counts

	Chronicle Chronicle // what was done to the cloud; nil: nothing is known

	CallTimeout time.Duration // how long a device has to answer; 0: 20 s
	PingTimeout time.Duration // how long it has to answer a ping; 0: 10 s
	MaxBody     int64         // bytes of a request's body; 0: 64 KiB

	KeepAlive     time.Duration // silence after which a stream says that it lives; 0: 8 s
	StreamBuffer  int           // bytes that wait for one slow reader, who is dropped beyond; 0: 256 KiB
	MaxStreams    int           // open at once; 0: 20,000
	SourceStreams int           // open at once from one address; 0: 100

	Proxies []netip.Prefix // whose X-Forwarded-For is believed; none: it is not looked at
	Rates   web.Rates      // of requests from one address; the zero value bounds nothing

	TokenLifetime time.Duration // of a token whose client asks for none; 0: 90 days
	MaxLogins     int           // failed logins in a row for one account from one address, or ten times as many for all from there, before it has to wait; 0: 10, negative: no bound
	LoginLockout  time.Duration // how long it has to wait; 0: 5 minutes
	SignUp        bool          // whether strangers may make themselves accounts
	Hashers       int           // passwords checked at once; 0: half the processors, at least one

	// Gatherer's metrics are served under /metrics; nil: that path does not
	// exist.
	Gatherer   prometheus.Gatherer
	Registerer prometheus.Registerer // nil: none
	Logger     *slog.Logger          // nil: none
}

// API is the door. It is safe for concurrent use.
type API struct {
	cfg      Config
	started  time.Time
	log      *slog.Logger
	door     *web.Door
	claims   *prometheus.CounterVec // outcome: see newCodes
	hub      *stream.Hub
	visits   *visits
	cancel   func()            // ends the subscription to events
	unwatch  func()            // and the hearing of what ends streams
	codes    chan *event.Event // claim codes that devices have sent
	vitals   chan *event.Event // what they have said of their health
	recorder *people.Recorder
	claimer  sync.WaitGroup
	stopping chan struct{} // closed by Close
	close    sync.Once
}

// New makes the API and subscribes it to events. Close ends it.
func New(cfg Config) (*API, error) {
	cfg = withDefaults(cfg)
	cfg.Accounts, cfg.Tokens = endingAccounts{cfg.Accounts, cfg.Feed}, endingTokens{cfg.Tokens, cfg.Feed}
	a := &API{cfg: cfg, started: time.Now(), log: cfg.Logger}
	a.claims = newCodes(cfg.Registerer)
	a.visits = newVisits(cfg.Registerer)
	a.hub = stream.New(stream.Config{
		KeepAlive: cfg.KeepAlive, Buffer: cfg.StreamBuffer, Max: cfg.MaxStreams, PerSource: cfg.SourceStreams, History: cfg.History,
		Registerer: cfg.Registerer,
	})
	a.codes = make(chan *event.Event, maxCodes)
	a.vitals = make(chan *event.Event, maxCodes)
	a.stopping = make(chan struct{})
	a.open()
	var err error
	if a.cancel, err = cfg.Bus.Subscribe(a.happened); err != nil {
		return nil, fault.E(fault.KindOf(err), "subscribe the event streams", err)
	}
	a.unwatch = cfg.Feed.Watch(&watcher{a.hub})
	a.claimer.Go(a.claimByCodes) // until Close
	a.log.Info("API opens", "sign_up", cfg.SignUp, "trusted_proxies", cfg.Proxies, "failed_logins", cfg.MaxLogins,
		"lockout", cfg.LoginLockout, "requests", cfg.Rates.Requests, "account_requests", cfg.Rates.Accounts)
	return a, nil
}

// open makes the door and hangs the routes into it.
func (a *API) open() {
	issued := new(web.Issued)
	a.recorder = people.NewRecorder(a.cfg.Audit, a.cfg.Registerer, a.log)
	p := people.New(people.Config{
		Accounts: a.cfg.Accounts, Profiles: a.cfg.Profiles, Factors: a.cfg.Factors, Tickets: a.cfg.Tickets,
		Services: a.cfg.Services, Audit: a.cfg.Audit, Tokens: a.cfg.Tokens, Devices: a.cfg.Devices, Issued: issued,
		Released:      func(r *web.Request, id device.ID) { a.tellOwner(r, id, "") },
		TokenLifetime: a.cfg.TokenLifetime, MaxLogins: a.cfg.MaxLogins, LoginLockout: a.cfg.LoginLockout,
		SignUp: a.cfg.SignUp, Hashers: a.cfg.Hashers, Registerer: a.cfg.Registerer, Logger: a.log,
	})
	door := web.Config{
		Tokens: a.cfg.Tokens, Issued: issued, MaxBody: a.cfg.MaxBody, Proxies: a.cfg.Proxies, Rates: a.cfg.Rates,
		Audit: a.recorder.Record, Registerer: a.cfg.Registerer, Logger: a.log,
	}
	if a.cfg.Outage != nil {
		door.Outage = a.cfg.Outage
	}
	a.door = web.New(door, a.routes(p))
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked(r)
	if len(r.URL.RawQuery) > maxQuery {
		a.visits.refuseQuery(w)
		return
	}
	a.door.ServeHTTP(w, r)
}

// Refused counts a connection that was closed before anything was read of it,
// because there are too many, or too many from its source.
func (a *API) Refused(reason string) { a.visits.refused.WithLabelValues(reason).Inc() }

// happened takes an event from the bus. It does not block.
func (a *API) happened(e *event.Event) {
	if e.Name != event.ClaimCode {
		a.hub.Deliver(e)
		if e.Name == event.Diagnostics && e.Source == event.FromDevice {
			select {
			case a.vitals <- e:
			default: // there will be others
			}
		}
		return
	}
	select {
	case a.codes <- e:
	default: // the device says it again when it connects again
		a.claims.WithLabelValues("dropped").Inc()
	}
}

func withDefaults(cfg Config) Config {
	orDuration(&cfg.CallTimeout, 20*time.Second)
	orDuration(&cfg.PingTimeout, 10*time.Second)
	orDuration(&cfg.KeepAlive, 8*time.Second)
	orDuration(&cfg.TokenLifetime, 90*24*time.Hour)
	orDuration(&cfg.LoginLockout, 5*time.Minute)
	orInt(&cfg.StreamBuffer, 256<<10)
	orInt(&cfg.MaxStreams, 20_000)
	orInt(&cfg.SourceStreams, 100)
	orInt(&cfg.MaxLogins, 10)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

func orDuration(v *time.Duration, standard time.Duration) {
	if *v == 0 {
		*v = standard
	}
}

func orInt(v *int, standard int) {
	if *v == 0 {
		*v = standard
	}
}

// Server gives an http.Server with the limits that a door to strangers
// needs. The caller has it listen and shuts it down, then closes a.
func (a *API) Server() *http.Server {
	return &http.Server{
		Handler:           a,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		// The longest answer is that of a device that does not answer.
		WriteTimeout:   a.cfg.CallTimeout + 30*time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 32 << 10,
		ConnContext:    a.visits.enter,
		ConnState:      a.visits.leave,
		ErrorLog:       slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
}

// Streams gives the hub of the event streams, for a hand-over.
func (a *API) Streams() *stream.Hub { return a.hub }

// Close ends all event streams; their readers are told. It returns when the
// last has ended.
func (a *API) Close() {
	a.close.Do(func() {
		a.cancel()
		a.unwatch()
		close(a.stopping)
		a.claimer.Wait()
		a.recorder.Close()
		a.hub.Close()
		if a.cfg.Fleet != nil {
			a.cfg.Fleet.Close()
		}
	})
}
