package outage

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Config says what a desk stands on. All must be set but for what says
// otherwise.
type Config struct {
	Counts *Counts // where the gateway counts attempts, too
	Gauges Gauges
	Facts  Facts
	Record Record
	States States
	Absent Absent // nil: nobody is missed
	Muster Muster // nil: no roll is called
	People People // who may see other people's stragglers; with Muster
	Known  *Known // nil: no page is known
	// Unwatched is since when the watchtower is dead; zero: it lives. nil: nobody
	// looks.
	Unwatched func() time.Time
	Node      string
	Now       func() time.Time // nil: time.Now
}

// Desk counts what happens, and answers those who ask for it. It is safe for
// concurrent use.
type Desk struct {
	cfg     Config
	signals *Signals
}

// New makes a desk.
func New(cfg Config) *Desk {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Unwatched == nil {
		cfg.Unwatched = func() time.Time { return time.Time{} }
	}
	d := &Desk{cfg: cfg, signals: &Signals{Counts: cfg.Counts, Gauges: cfg.Gauges, Facts: cfg.Facts, Node: cfg.Node, Now: cfg.Now, Absent: cfg.Absent}}
	d.signals.Lately = d.lately
	return d
}

// Routes are the paths that it answers.
func (d *Desk) Routes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + rest.PathSignals, Scope: account.SignalsRead, Handle: d.signals.Serve},
		{Pattern: "GET " + rest.PathRecoveries, Scope: account.DevicesList, Costly: true, Handle: d.recoveries},
		{Pattern: "GET " + rest.PathImpact, Scope: account.DevicesList, Costly: true, Handle: d.impact},
	}
}

// Attempt counts a connection attempt.
func (d *Desk) Attempt(a *device.Attempt) { d.cfg.Counts.Attempt(a, d.cfg.Now()) }

// Answered counts an answer of the API.
func (d *Desk) Answered(route string, status int, code string) {
	d.cfg.Counts.Answered(route, status, code, d.cfg.Now())
}

// Open gives an incident that is open, and a window of maintenance in which the
// cloud is now; nil: none is known.
func (d *Desk) Open() (*rest.Incident, *rest.Maintenance) {
	now := d.cfg.Now()
	return d.cfg.Known.Open(now), d.cfg.Known.Working(now)
}

// Unwatched is since when the watchtower is dead; zero: it lives, as far as is
// known.
func (d *Desk) Unwatched() time.Time { return d.cfg.Unwatched() }

// Matching gives the open incident that a failure is likely to be of, and the
// window that announced it as possible; nil: none is known.
func (d *Desk) Matching(route string, status int, code string) (*rest.Incident, *rest.Maintenance) {
	now := d.cfg.Now()
	return d.cfg.Known.Matching(route, status, code, now), d.cfg.Known.Announced(route, status, code, now)
}
