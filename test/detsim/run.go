package detsim

import (
	"crypto/sha256"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/link"
	"github.com/cyan-cloud/cyan/test/detsim/journal"
	"github.com/cyan-cloud/cyan/test/detsim/keyring"
	"github.com/cyan-cloud/cyan/test/detsim/schedule"
)

// Result is what came of a run.
type Result struct {
	Plan      *schedule.Plan
	Stats     Stats
	Digest    [sha256.Size]byte // of the journal and of every byte on the network
	Invariant string            // the one that is broken; empty: none
	Broken    string            // how
	Lines     []string          // of the journal, the latest; only when something is broken
}

// Run runs the plan to its end, or until an invariant is broken.
func Run(keys *keyring.Ring, plan *schedule.Plan) (res *Result) {
	w := newWorld(keys, plan)
	res = &Result{Plan: plan}
	defer func() {
		for _, t := range w.things {
			if t.on {
				w.stats.DeviceTime += w.now.Sub(t.onSince)
			}
		}
		res.Stats, res.Digest = w.stats, w.log.Sum()
		if v := recover(); v != nil {
			broken, ok := v.(violation)
			if !ok {
				panic(v)
			}
			res.Invariant, res.Broken, res.Lines = broken.invariant, broken.text, w.log.Last(journal.Remembered)
		}
	}()
	w.live()
	return res
}

func newWorld(keys *keyring.Ring, plan *schedule.Plan) *World {
	var seed [32]byte
	for i := range 8 {
		seed[i] = byte(plan.Seed >> (8 * i))
	}
	w := &World{
		plan: plan, now: start, keys: keys, log: journal.New(plan.Trace),
		chance: rand.New(rand.NewPCG(plan.Seed, 0x776f726c64)), secret: rand.NewChaCha8(seed),
		net: link.New(plan.Seed, usual), byID: map[device.ID]*thing{}, behind: map[netip.Addr][]*thing{},
		dials: map[link.Stream]func(bool){}, weather: usual, checks: newChecks(),
	}
	w.log.Wire = plan.Wire
	w.store, w.bus, w.people, w.tap, w.faults = newStore(w), newBus(w), newPeople(w), newTap(w), newFaults(w)
	w.people.busy = plan.Pace
	for i := range plan.Devices {
		t := w.newThing(i, kinds[w.chance.IntN(len(kinds))])
		w.things = append(w.things, t)
		if !plan.Trust || i%2 == 0 {
			w.store.register(t.id, t.public, "owner", t.kind.transport == sim.UDP)
		}
	}
	w.stats.Devices = len(w.things)
	w.settle()
	return w
}

// live is a run from its beginning to its end.
func (w *World) live() {
	w.boot()
	for _, t := range w.things {
		w.after(w.between(0, schedule.WarmUp/2), t.powerOn)
	}
	w.people.live()
	w.look()
	w.faults.begin()
	end := start.Add(schedule.WarmUp)
	if n := len(w.plan.Faults); n > 0 {
		end = start.Add(w.plan.Faults[n-1].At + time.Second)
	}
	w.run(end)
	w.heal()
	if w.plan.Coda {
		w.coda()
	}
}

// heal ends all faults, and then has every device called until it answers.
// Nobody touches anything else.
func (w *World) heal() {
	w.faults.end()
	for _, n := range w.nodes {
		if n != w.active && (w.active == nil || n != w.active.heir) {
			n.kill(true)
		}
	}
	w.boot()
	w.say("all faults have ended")
	healed := w.now
	var late []*thing
	for _, t := range w.things {
		t.bound = w.boundOf(t)
		w.ask(t, healed)
	}
	for _, t := range w.things {
		w.run(maxTime(w.now, healed.Add(t.bound)))
		if t.answered.IsZero() {
			late = append(late, t)
		}
	}
	if len(late) > 0 {
		t := late[0]
		w.fail("callable", "%d devices cannot be called although all faults have ended; %s is %s, %v after (shown: %v)",
			len(late), t.name, t.phase, w.now.Sub(healed), w.shown(t))
	}
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// ask calls the device again and again until it answers.
func (w *World) ask(t *thing, healed time.Time) {
	w.people.call(t, session.Function, "do", 8*time.Second, func(a *lane.Answer) {
		if a != nil && a.Err == nil {
			t.answered = w.now
			w.stats.Slowest = max(w.stats.Slowest, w.now.Sub(healed))
			return
		}
		w.after(2*time.Second, func() { w.ask(t, healed) })
	})
}

// How long it may take until a device can be called. limbo.md, L1: a device
// whose keys are lost gives up by itself after three uses of its session, 224 s
// in all; on a cellular network after the next ping that nobody answers.
const (
	boundKept     = 150 * time.Second
	boundLost     = 224*time.Second + 20*time.Second
	boundCellular = sim.Cellular + 30*time.Second + 90*time.Second + 60*time.Second
)

// boundOf tells how long the device may take from now on.
func (w *World) boundOf(t *thing) time.Duration {
	bound := boundKept
	s, resumes := t.session()
	if !resumes || !t.on {
		return bound + sim.Backoff(t.dev.Failures())
	}
	known := false
	if r, ok := w.store.rows[t.id]; ok {
		keys, _ := keysOf(r.Blob)
		known = keys.Keys == s.Keys
	}
	// Without a connection id nothing says whose a record from a new port is
	// (limbo.md, L6): such a device goes by its own clock too.
	unmoved := t.cfg.Profile.ConnectionID || t.kind.keepAlive != sim.Cellular
	switch {
	case known && unmoved:
	case t.kind.keepAlive == sim.Cellular:
		bound = boundCellular
	default:
		bound = boundLost
	}
	return bound + sim.Backoff(t.dev.Failures())
}

// shown gives the word that the cloud has for the device.
func (w *World) shown(t *thing) string {
	if w.active == nil {
		return "nothing"
	}
	e, _ := w.active.table.Holder(t.id)
	st := e.State
	return st.Word.String() + " " + string(st.Reason)
}

// coda kills the cloud once more, on a network on which nothing is lost. No
// device that has stored keys shakes hands again, and each is shown as proven
// soon although nobody calls it.
func (w *World) coda() {
	w.setWeather(usual)
	w.people.quiet = true
	w.run(w.now.Add(40 * time.Second))
	shaken := map[*thing]*wire{}
	for _, t := range w.things {
		shaken[t] = t.using
	}
	w.active.kill(false)
	w.run(w.now.Add(2 * time.Second))
	w.boot()
	w.run(w.now.Add(60 * time.Second))
	for _, t := range w.things {
		if t.doubled || t.phase != sim.Connected || t.forgets != 0 {
			continue // whom a router has forgotten nobody can ask
		}
		e, _ := w.active.table.Holder(t.id)
		st := e.State
		if !st.Connected() || st.ProvenAt.Before(w.active.began.Add(w.active.skew)) {
			w.fail("swept", "a minute after a restart %s is shown as %s %s, proven at %v", t.name, st.Word, st.Reason, st.ProvenAt)
		}
		if t.kind.transport == sim.UDP && t.using != shaken[t] {
			w.fail("kept", "%s has shaken hands again after a restart", t.name)
		}
	}
}
