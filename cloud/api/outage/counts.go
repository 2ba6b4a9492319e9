package outage

import (
	"net/netip"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// window is the stretch of time that is counted at once.
const window = time.Minute

// forgetAfter is when nobody can ask any more for a window that begins now.
const forgetAfter = 2 * window

// maxPeers bounds the devices whose attempts are counted in a window: a
// stranger who invents devices cannot fill the memory.
const maxPeers = 50_000

// Counts counts what happens, a minute at a time. It is safe for concurrent
// use, and its zero value is not: NewCounts makes one.
type Counts struct {
	born time.Time

	mu   sync.Mutex // guards what follows
	now  *minute
	last *minute // the last full one; nil: there is none
}

// minute is what was counted in a window.
type minute struct {
	from               time.Time
	peers              map[peer]trial
	uncounted, lost    int
	calls, api, logins rest.SignalTally
}

// peer is who tries: a device, or an address that does not say which it is.
type peer struct {
	id      device.ID
	address netip.Addr // of strangers only
}

// trial is how the tries of one peer went.
type trial struct {
	gateway, transport string
	network            netip.Prefix
	failed             bool // the last try that the cloud decided
}

// NewCounts begins to count.
func NewCounts(now time.Time) *Counts {
	return &Counts{born: now, now: newMinute(now.Truncate(window))}
}

func newMinute(from time.Time) *minute { return &minute{from: from, peers: map[peer]trial{}} }

// at gives the minute to count in. Caller holds mu.
func (c *Counts) at(now time.Time) *minute {
	from := now.Truncate(window)
	if !from.After(c.now.from) {
		return c.now
	}
	if c.last = c.now; from.Sub(c.now.from) > window {
		c.last = newMinute(from.Add(-window)) // nothing happened in it
	}
	c.now = newMinute(from)
	begun := c.now
	time.AfterFunc(forgetAfter, func() { c.forget(begun) })
	return c.now
}

// forget lets go of what was counted in the minute that began as begun and in the
// one before, if there has been no other since: nobody can ask for them any more.
// Of a fleet that came back and then is quiet that is much.
func (c *Counts) forget(begun *minute) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == begun {
		c.now, c.last = newMinute(begun.from), nil
	}
}

// Attempt counts a connection attempt. Of a device the last one counts that
// came through or failed through us; what failed otherwise is not ours to judge.
func (c *Counts) Attempt(a *device.Attempt, now time.Time) {
	failed := a.Outcome == device.Failed && a.Reason.Fault() == device.Cloud
	if !failed && a.Outcome != device.Succeeded {
		return
	}
	source, _ := netip.ParseAddrPort(a.Source)
	address := source.Addr().Unmap()
	p := peer{id: a.Device}
	if p.id.IsZero() {
		p.address = address
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.at(now)
	if a.Reason == device.SessionLost {
		m.lost++
	}
	if _, known := m.peers[p]; !known && len(m.peers) >= maxPeers {
		m.uncounted++
		return
	}
	m.peers[p] = trial{a.Gateway, a.Transport, networkOf(address), failed}
}

// networkOf is the part of an address that tells networks apart.
func networkOf(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is4() {
		bits = 16
	}
	p, _ := a.WithZone("").Prefix(bits) // the zero prefix of no address
	return p
}

// The routes that are calls and logins.
const (
	routeFunction = "POST /v1/devices/{device}/{function}"
	routeVariable = "GET /v1/devices/{device}/{word}"
	routePing     = "PUT /v1/devices/{device}/ping"
	routeLogin    = "POST /oauth/token"
)

// Answered counts a request by its route and the status of the answer. A
// device that does not answer is not the cloud's failure.
func (c *Counts) Answered(route string, status int, code string, now time.Time) {
	failed := (status == 500 || status == 503) && code != rest.CodeNotImplemented
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.at(now)
	tally := &m.api
	switch route {
	case "GET " + rest.PathHealth, "GET " + rest.PathReady, "GET " + rest.PathMetrics, "GET " + rest.PathSignals, "none", "":
		return // of those who watch, and of those who are lost
	case routeFunction, routeVariable, routePing:
		tally = &m.calls
	case routeLogin:
		tally = &m.logins
	}
	if failed {
		tally.Failed++
	} else {
		tally.OK++
	}
}

// full gives the last full minute; nil: there is none yet.
func (c *Counts) full(now time.Time) *minute {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at(now)
	return c.last
}
