package detsim

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
	database "github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// The invariants, and where they are held. Each is seen to break in
// TestDefencesMatter, with a defence switched off:
//
//	nonce            no key protects two records with one number             tap.cloudSent
//	durable          what is acknowledged is on the disk                     tap.check
//	event            an acknowledged event is in the history                 checks.acknowledged
//	event once       no record is acted on twice                             checks.kept
//	owner            an event is its owner's, as the process knows him       checks.owned
//	at most once     no call is carried out twice                            thing.do
//	honest answer    an answer is the call's own, and what is said not to    checks.answered,
//	                 have been sent is not carried out                       thing.do
//	one owner        one connection has a device                             World.look
//	shown            the state shown is true within its lag                  World.look
//	bounded          queues and tables do not grow, and nobody is served     World.look,
//	                 who has given up                                        node.bound, node.inTime
//	fair             products take turns                                     turns.Turns
//	door             nobody is let in in vain                                vain.look
//	callable         when the faults end every device can be called          World.heal
//	swept, kept      after a kill nobody shakes hands, and all are proven    World.coda
//
// What is shown, who owns and what is bounded is looked at every five seconds of
// a run, all else with every record, write, call and turn.
type checks struct {
	ticks   map[tick]string     // events of devices by number, and their ids
	ids     map[string]struct{} // of all events of devices
	unsent  map[uint64]bool     // calls that were said not to have been sent
	doubled int                 // events that came twice under two ids
}

// tick is an event of a device's.
type tick struct {
	of     device.ID
	number string
}

func newChecks() checks {
	return checks{ticks: map[tick]string{}, ids: map[string]struct{}{}, unsent: map[uint64]bool{}}
}

// check compares what the disk has of a device with what it was promised.
func (p *tap) check(id device.ID, after string) {
	t := p.w.byID[id]
	x := t.using
	if list := p.of[id]; len(list) > 0 && (x == nil || list[len(list)-1].finished && !list[len(list)-1].learnt.Before(x.spoke)) {
		x = list[len(list)-1]
	}
	if x == nil || !x.finished || x.ended || x.excused || t.doubled {
		return
	}
	r, ok := p.w.store.rows[id]
	if !ok {
		p.w.fail("durable", "after %s the session that %s goes on with is not stored", after, t.name)
	}
	keys, _ := keysOf(r.Blob)
	if keys.Keys != x.keys.Keys {
		if other := p.byKeys[keys.Keys]; other != nil && !other.learnt.Before(x.spoke) {
			return // it is shaking hands anew
		}
		p.w.fail("durable", "after %s another session is stored than %s goes on with", after, t.name)
	}
	s, err := session.Restore(recordOf(&r), session.Restoration{Generation: r.Generation + 1, Now: p.w.now})
	if err != nil {
		p.w.fail("durable", "after %s what is stored of %s cannot be taken up: %v", after, t.name, err)
	}
	if hello := s.Hello(); x.given.hello && hello.Size == 0 {
		p.w.fail("durable", "after %s the Hello of %s is lost", after, t.name)
	}
	if d, ok := s.Describe(); x.given.app && (!ok || len(d.Functions) != len(t.cfg.Application.Functions)) {
		p.w.fail("durable", "after %s the describe of %s is lost", after, t.name)
	}
	for _, prefix := range x.given.subscriptions {
		if !slices.ContainsFunc(s.Subscriptions(), func(s spark.Subscription) bool { return s.Prefix == prefix }) {
			p.w.fail("durable", "after %s the subscription of %s to %q is lost", after, t.name, prefix)
		}
	}
}

// recordOf gives the record in a row.
func recordOf(r *database.SessionRow) session.Record {
	return session.Record{Device: r.Device, Origin: r.Origin, CID: r.CID, Generation: r.Generation, Blob: r.Blob}
}

// acknowledged is called when a device's event was acknowledged.
func (c *checks) acknowledged(w *World, t *thing, number string) {
	if _, ok := c.ticks[tick{t.id, number}]; !ok && number != "" && !t.doubled {
		w.fail("event", "event %s of %s was acknowledged and never published", number, t.name)
	}
}

// kept is called with every event that the cloud has in its history, or has
// published where there is none.
func (c *checks) kept(w *World, e *event.Event) {
	if e.Name != "tick" {
		return
	}
	t := w.byID[e.Device]
	if _, again := c.ids[e.ID]; again {
		w.fail("event once", "event %s of %s was published twice from one record", e.Data, t.name)
	}
	c.ids[e.ID] = struct{}{}
	at := tick{e.Device, string(e.Data)}
	if _, again := c.ticks[at]; again {
		c.doubled++
	}
	c.ticks[at] = e.ID
}

// answered is called with every answer to a call.
func (c *checks) answered(w *World, q *inquiry, a *lane.Answer) {
	switch {
	case a.Err != nil && (a.Stage == session.NotConnected || a.Stage == session.Queued):
		c.unsent[q.id] = true
		if q.to.done[q.id] > 0 && !q.to.doubled {
			w.fail("honest answer", "call %d to %s was carried out, and the answer is %v", q.id, q.to.name, a.Err)
		}
	case q.to.doubled:
	case a.Err == nil && q.kind == session.Function && (a.Value.Int != resultOf(q.id) || q.to.done[q.id] != 1):
		w.fail("honest answer", "call %d to %s gave %d, carried out %d times", q.id, q.to.name, a.Value.Int, q.to.done[q.id])
	}
}

// owned is called with every event of a process: it is its device's owner's, as
// the process knows him.
func (c *checks) owned(n *node, e *event.Event) {
	owner, told := n.owners[e.Device]
	if told && e.Owner != owner && e.Source == event.FromDevice {
		n.w.fail("owner", "%s publishes an event of %s for %q, and was told that it is %q's", n.name, n.w.nameOf(e.Device), e.Owner, owner)
	}
}

// How long what is shown may be wrong.
const (
	lookEvery  = 5 * time.Second
	overlap    = time.Second       // of two connections that have one device
	silentLag  = 130 * time.Second // past its keep-alive, until a silent device is not shown as connected
	provenLag  = 120 * time.Second // past two keep-alives, for proof that was none
	presentLag = 120 * time.Second // for a device that is heard and shown as gone
)

// look holds what can only be seen from time to time.
func (w *World) look() {
	w.after(lookEvery, w.look)
	if n := w.active; n != nil && !n.frozen {
		n.bounded()
		for _, t := range w.things {
			n.oneOwner(t)
			if n.began.Add(presentLag).Before(w.now) && !t.doubled {
				n.shownTrue(t)
			}
		}
	}
}

// bounded looks at what may not grow.
func (n *node) bounded() {
	most := 4*len(n.w.things) + 64
	for i, l := range n.lanes {
		if s := l.Stats(); s.Conns > most || s.HalfOpen > most || s.Stuck > 0 || s.Unreadable > 0 {
			n.w.fail("bounded", "lane %d of %s has %+v", i, n.name, s)
		}
	}
	if len(n.w.people.open) > 4096 {
		n.w.fail("bounded", "%d calls of %s are open", len(n.w.people.open), n.name)
	}
}

// oneOwner looks whether two connections have one device.
func (n *node) oneOwner(t *thing) {
	old := 0
	for _, since := range n.held[t.id] {
		if n.w.now.Sub(since) > overlap && n.w.now.Sub(n.thawed) > overlap {
			old++
		}
	}
	if old > 1 {
		n.w.fail("one owner", "%d connections of %s have %s", old, n.name, t.name)
	}
}

// shownTrue compares a device's state with the truth.
func (n *node) shownTrue(t *thing) {
	w := n.w
	e, known := n.table.Holder(t.id)
	if !known || n.thawed.Add(presentLag).After(w.now) {
		t.absent = time.Time{}
		return
	}
	st := e.State
	alive := w.now.Sub(t.reached)
	if st.Connected() && alive > st.KeepAlive+silentLag {
		w.fail("shown", "%s is shown as %s and has been silent for %v (keep-alive %v)", t.name, st.Word, alive, st.KeepAlive)
	}
	proven := st.ProvenAt.Add(-n.skew)
	switch {
	case !st.Proven(n.now()) || !t.onSince.Before(t.heard) || proven.Sub(t.heard) <= 2*st.KeepAlive+provenLag:
		t.unproven = time.Time{}
	case t.unproven.IsZero():
		t.unproven = w.now
	case w.now.Sub(t.unproven) > 10*time.Second:
		w.fail("shown", "%s is shown as proven at %v, and had heard nothing for %v then", t.name, proven.Sub(start), proven.Sub(t.heard))
	}
	present := t.on && t.phase == sim.Connected && alive < 30*time.Second && w.now.Sub(t.heard) < 30*time.Second
	switch {
	case st.Connected() || !present:
		t.absent = time.Time{}
	case t.absent.IsZero():
		t.absent = w.now
	case w.now.Sub(t.absent) > presentLag:
		w.fail("shown", "%s talks to the cloud and has been shown as %s %s for %v", t.name, st.Word, st.Reason, w.now.Sub(t.absent))
	}
}
