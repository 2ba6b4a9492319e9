package detsim

import (
	"context"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
	"github.com/cyan-cloud/cyan/cloud/gateway/identify"
	"github.com/cyan-cloud/cyan/test/detsim/schedule"
)

// The door on TCP as cloud/gateway minds it.
const (
	doorLook = 500 * time.Millisecond
	soundIn  = time.Second
)

// tried is the end of a connection attempt.
func (n *node) tried(t *device.Attempt) {
	if t.Outcome != device.Succeeded {
		n.w.say("%s: %s over %s was not let in: %s (%s)", n.name, n.w.nameOf(t.Device), t.Transport, t.Reason, t.Detail)
	}
	well, counts := admit.Verdict(t)
	if !counts {
		return
	}
	n.door.Attempt(n.now(), well)
	n.vain.ended(n.w, well)
	if !well && !n.minds {
		n.mindDoor()
	}
}

// mindDoor opens and closes the door on TCP, as long as there is any trouble.
func (n *node) mindDoor() {
	if n.minds = n.door.Troubled(n.now()); n.minds {
		n.w.after(doorLook, func() { n.hear(n.lookAtDoor) })
	}
}

func (n *node) lookAtDoor() {
	n.turnDoor()
	n.mindDoor()
}

// turnDoor has the door be as the rule wants it. During a hand-over it stays as
// it is.
func (n *node) turnDoor() {
	if n.passes {
		return
	}
	sound := n.w.store.slow < soundIn && identify.Sound(context.Background(), n.w.store)
	shut := !n.door.Open(n.now(), sound) && n.w.plan.Without != schedule.Door
	if shut != n.shut {
		n.w.say("%s has closed its door on TCP: %v", n.name, shut)
	}
	n.shut = shut
	n.vain.look(n)
}

// vain are the attempts on TCP of late that failed through us, with none in
// between that did not.
type vain struct {
	list []time.Time
	good time.Time // when the last went well
	full time.Time // when they were enough; zero: they are not
}

// So many in so short a time are reason enough for a door to close, which it
// does soon: at one of its next looks.
const (
	vainEnough = 6
	vainWithin = 6 * time.Second
	vainSoon   = 3 * doorLook
)

func (v *vain) ended(w *World, well bool) {
	if well {
		*v = vain{good: w.now}
		return
	}
	if v.list = append(v.list, w.now); len(v.list) > vainEnough {
		v.list = v.list[1:]
	}
	first := v.list[0]
	if len(v.list) == vainEnough && w.now.Sub(first) <= vainWithin && first.Sub(v.good) > vainWithin && v.full.IsZero() {
		v.full = w.now
	}
}

// look holds that a door does not stay open behind which everybody fails through
// us: devices would take their keys for wrong.
func (v *vain) look(n *node) {
	w := n.w
	switch {
	case n.shut || w.now.Sub(n.thawed) < vainWithin:
		*v = vain{good: v.good}
	case !v.full.IsZero() && w.now.Sub(v.full) > vainSoon:
		w.fail("door", "%s lets devices on TCP knock, although all of %d in a few seconds have failed through us", n.name, vainEnough)
	}
}
