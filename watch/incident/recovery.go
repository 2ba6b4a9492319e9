package incident

import (
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// Recovery is how the devices that an incident hit are doing, as the cloud or
// a canary that asks every one of them counts it. Connected is not callable:
// the three numbers are never added up in words.
type Recovery struct {
	At        time.Time `json:"at,omitzero"`    // when it was counted; zero: nobody counts
	Affected  int       `json:"affected"`       // devices that it hit
	Owners    int       `json:"owners"`         // whose they are
	Connected int       `json:"connected"`      // of Affected: they have a session again
	Answering int       `json:"answering"`      // of Connected: they answered since
	Missing   int       `json:"missing"`        // of Affected: they have no session
	Listed    int       `json:"listed"`         // of those that do not answer: known by name, with the reason and what to do
	Until     time.Time `json:"until,omitzero"` // by when the devices' own clocks bring the rest back
}

// Counted tells whether somebody counts at all.
func (r *Recovery) Counted() bool { return !r.At.IsZero() }

// Limbo is how many are connected and do not answer.
func (r *Recovery) Limbo() int { return max(0, r.Connected-r.Answering) }

// Open is how many neither answer nor are listed.
func (r *Recovery) Open() int { return max(0, r.Limbo()+r.Missing-r.Listed) }

// Over tells that less than a thousandth of the affected is open.
func (r *Recovery) Over() bool { return r.Open() == 0 || r.Open()*1000 < r.Affected }

// follow takes a newer count. How many were hit is never forgotten: devices
// that come back are not unhit.
func (r *Recovery) follow(newer Recovery) {
	if !newer.Counted() {
		return
	}
	newer.Affected = max(newer.Affected, r.Affected)
	newer.Owners = max(newer.Owners, r.Owners)
	*r = newer
}

// hits tells whether it is about devices that can be lost: those that cannot
// connect, do not answer or cannot be called.
func (i *Incident) hits() bool {
	for _, c := range []signal.Capability{signal.ConnectTCP, signal.ConnectUDP, signal.Connected, signal.Calls} {
		if i.Part(c) != nil {
			return true
		}
	}
	return false
}

// Hit tells since when devices are lost, and when the last fault that did that
// ended: zero while it goes on. Both are zero when no incident is open that
// devices can be lost by.
func (b *Book) Hit() (began, fixed time.Time) {
	failing := false
	for _, i := range b.all {
		if !i.Open() || !i.hits() {
			continue
		}
		if began.IsZero() || i.Began.Before(began) {
			began = i.Began
		}
		failing = failing || i.Monitoring.IsZero()
		if i.Monitoring.After(fixed) {
			fixed = i.Monitoring
		}
	}
	if failing {
		fixed = time.Time{}
	}
	return began, fixed
}

const (
	// settled is how long nothing has failed when an incident is over: longer than
	// what comes and goes every minute and a half takes to be seen again, and not so
	// long that a person is kept for more than two minutes.
	settled  = 105 * time.Second
	unheard  = 2 * time.Minute  // and where nobody counts them, for so long
	again    = 15 * time.Minute // what fails again within it is the same incident
	interval = 30 * time.Minute // between two words
)

// mayClose is the rule of resolution. It goes by a count that is younger than
// the word that the fault has ended; an incident whose devices were counted once is never
// closed without a count. One that came back after it had been closed has to be
// quiet for twice as long each time; and none is closed while runs of what failed
// are in doubt.
func (i *Incident) mayClose(now time.Time, doubted bool) bool {
	calm := now.Sub(later(i.Monitoring, i.last()))
	for range i.returns() {
		calm /= 2
	}
	if doubted {
		return false
	}
	if !i.Recovery.Counted() {
		return calm >= unheard
	}
	return calm >= settled && i.Recovery.At.After(i.Turned) && i.Recovery.Over()
}

// mostReturns bounds how often that is doubled: after a quarter of an hour what
// fails is another incident.
const mostReturns = 3

// returns counts how often it was closed and failed again.
func (i *Incident) returns() (n int) {
	for _, e := range i.Timeline {
		if e.Kind == Closed {
			n++
		}
	}
	return min(n, mostReturns)
}
