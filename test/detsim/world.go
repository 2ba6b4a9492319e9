package detsim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/sim/link"
	"github.com/cyan-cloud/cyan/test/detsim/agenda"
	"github.com/cyan-cloud/cyan/test/detsim/journal"
	"github.com/cyan-cloud/cyan/test/detsim/keyring"
	"github.com/cyan-cloud/cyan/test/detsim/schedule"
)

// start is when every simulated world begins.
var start = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)

// World is a cloud, its devices and all between them. It is not safe for use by
// several goroutines.
type World struct {
	plan   *schedule.Plan
	now    time.Time
	order  uint64
	todo   agenda.Agenda
	log    *journal.Journal
	chance *rand.Rand    // what happens
	secret *rand.ChaCha8 // what lanes and workers draw
	net    *link.Network
	wired  time.Time // when the network is looked at next; zero: not

	weather link.Path // on every way that is not cut
	roads   []*road

	keys   *keyring.Ring
	things []*thing
	byID   map[device.ID]*thing
	behind map[netip.Addr][]*thing // by the address that the cloud sees
	dials  map[link.Stream]func(ok bool)

	clock   time.Duration // by how much the machine's clock is wrong
	nodes   []*node
	active  *node         // who gets what arrives; nil: nobody listens
	passing bool          // from one process to another: what arrives waits
	unread  []link.Packet // which is this
	store   *store
	bus     *bus
	people  *people
	tap     *tap
	faults  *faults
	checks  checks
	stats   Stats
}

// Stats counts what happened in a run.
type Stats struct {
	Devices             int
	DeviceTime          time.Duration // simulated, added up over devices that had power
	Steps, Records      uint64        // of lanes; opened by the tap
	Handshakes, Resumes int           // of devices
	Starts              int           // of the cloud
	Calls, Answered     int
	Events, Acked       int           // published by devices; acknowledged to them
	Waited              time.Duration // at most, of who waited in a queue to come in and was served or not
	Away                int           // who lost their place there
	Slowest             time.Duration // from the end of all faults until the last device could be called
}

// violation is a broken invariant; it ends the run as a panic.
type violation struct{ invariant, text string }

// fail ends the run because an invariant is broken.
func (w *World) fail(invariant, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.say("BROKEN %s: %s", invariant, text)
	panic(violation{invariant, text})
}

// at lets something happen at a time, which may be now.
func (w *World) at(t time.Time, do func()) {
	if t.Before(w.now) {
		t = w.now
	}
	w.order++
	w.todo.Add(agenda.Happening{At: t.UnixNano(), Order: w.order, Do: do})
}

// after lets something happen later.
func (w *World) after(d time.Duration, do func()) { w.at(w.now.Add(d), do) }

// between draws a duration.
func (w *World) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.chance.Int64N(int64(most-least)+1))
}

// run lets time pass until end.
func (w *World) run(end time.Time) {
	for {
		w.watchNetwork()
		if len(w.todo) == 0 || w.todo[0].At > end.UnixNano() {
			break
		}
		h := w.todo.Next()
		if at := time.Unix(0, h.At).UTC(); at.After(w.now) {
			w.now = at
		}
		h.Do()
	}
	w.now = end
}

// watchNetwork sees to it that what arrives next is taken in time.
func (w *World) watchNetwork() {
	next := w.net.Deadline()
	if next.IsZero() || !w.wired.IsZero() && !next.Before(w.wired) {
		return
	}
	w.wired = next
	w.at(next, func() {
		if w.wired.Equal(w.now) || w.wired.Before(w.now) {
			w.wired = time.Time{}
		}
		for _, p := range w.net.Arrived(w.now) {
			w.arrived(p)
		}
	})
}

// alarm wakes somebody who has a Deadline. Setting it anew is cheap: only an
// earlier time is written down.
type alarm struct{ at time.Time }

// set sees to it that wake is called at t, or earlier; zero: not at all.
func (a *alarm) set(w *World, t time.Time, wake func()) {
	if t.IsZero() || !a.at.IsZero() && !t.Before(a.at) {
		return
	}
	if t.Before(w.now) {
		t = w.now
	}
	a.at = t
	w.at(t, func() {
		if a.at.Equal(t) {
			a.at = time.Time{}
			wake()
		}
	})
}

// say writes a line of the run's journal.
func (w *World) say(format string, args ...any) {
	w.log.Line(w.now.Sub(start), format, args...)
}
