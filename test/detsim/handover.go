package detsim

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
	"github.com/cyan-cloud/cyan/test/detsim/schedule"
)

// passTime is how long the store has for what the older process wrote; when it
// takes longer there is no hand-over.
const passTime = 5 * time.Second

// What the heir is sent ahead: so many places of a lane at once, all of them
// twice.
const (
	aheadPlaces = 8
	aheadRounds = 2
	aheadEvery  = 5 * time.Millisecond
)

// handOver begins a planned upgrade: most is sent ahead while the process goes
// on, then for a moment no handshake is begun, then everything goes to the
// other process, or nothing does.
func (n *node) handOver(settle time.Duration) {
	if n.passes {
		return
	}
	w := n.w
	w.say("%s is to be replaced", n.name)
	n.passes = true
	n.heir = w.process(n.skew)
	n.heir.serves, n.heir.last, n.heir.came = false, n.last, map[uint64]uint64{}
	n.sendAhead(aheadRounds*len(n.lanes), 0, func() {
		for _, l := range n.lanes {
			l.Settle(true)
		}
		w.after(settle, func() { n.hear(n.handOn) })
	})
}

// sendAhead sends a few places of a lane, and then goes on until it has been
// through all of them so many times.
func (n *node) sendAhead(left, from int, then func()) {
	switch {
	case len(n.lanes) == 0:
		return // it is stopping
	case left == 0:
		then()
		return
	}
	next, err := n.lanes[left%len(n.lanes)].Ahead(from, aheadPlaces, func(conn uint64, b []byte) error {
		n.heir.adopt(conn, nil, slices.Clone(b))
		return nil
	})
	if err != nil {
		n.w.fail("hand-over", "%s cannot export ahead: %v", n.name, err)
	}
	if next == 0 {
		left--
	}
	n.w.after(aheadEvery, func() { n.hear(func() { n.sendAhead(left, next, then) }) })
}

// handOn stops the process between what was done and what was not.
func (n *node) handOn() {
	w := n.w
	if w.active != n {
		n.keepOn("another has taken its place")
		return
	}
	n.frozen, w.active, w.passing = true, nil, true
	n.pass(w.now.Add(passTime))
}

// keepOn ends a hand-over that came to nothing.
func (n *node) keepOn(why string) {
	n.w.say("%s keeps its devices: %s", n.name, why)
	n.heir.kill(false)
	n.heir, n.passes = nil, false
	for _, l := range n.lanes {
		l.Settle(false)
	}
}

// pass waits until the store has all that the process wrote, and hands over.
func (n *node) pass(late time.Time) {
	w := n.w
	switch {
	case !n.alive:
		return // it was killed meanwhile
	case w.now.After(late):
		n.frozen, n.thawed = false, w.now
		n.drain()
		n.keepOn("the store is too slow")
		w.begin(n)
		return
	case w.store.has(n):
		w.after(20*time.Millisecond, func() { n.pass(late) })
		return
	}
	n.frozen = false
	n.drain()
	n.frozen = true
	if w.store.has(n) {
		n.pass(late)
		return
	}
	n.export()
}

// drain takes what came while the process stood still.
func (n *node) drain() {
	inbox := n.inbox
	n.inbox = nil
	for _, do := range inbox {
		n.hear(do)
	}
}

// begin makes the process the one that gets what arrives, also what has arrived
// while nobody read it.
func (w *World) begin(n *node) {
	w.active, w.passing, n.serves = n, false, true
	waiting := w.unread
	w.unread = nil
	for _, p := range waiting {
		w.arrived(p)
	}
}

// export hands every connection to the heir that it does not have as it is, and
// ends this process.
func (n *node) export() {
	w, next := n.w, n.heir
	for i, l := range n.lanes {
		if w.plan.Without == schedule.Ahead {
			break // what was sent ahead is thought to be all
		}
		err := l.Gone(func(conn uint64) error {
			next.dismiss(conn)
			return nil
		})
		if err == nil {
			_, err = l.Export(func(conn uint64, udp bool, b []byte) error {
				if p := n.streams[conn]; udp || p != nil {
					next.adopt(conn, p, slices.Clone(b))
				}
				return nil
			})
		}
		if err != nil {
			w.fail("hand-over", "lane %d of %s cannot be exported: %v", i, n.name, err)
		}
	}
	away := n.table.Away()
	for _, t := range w.things {
		if st, ok := away[t.id]; ok {
			next.table.Show(t.id, 0, &st)
		}
		if owner, ok := n.owners[t.id]; ok {
			next.owners[t.id] = owner
		}
	}
	if n.shut {
		next.door, next.shut = admit.Shut(), true
		next.mindDoor()
	}
	for _, c := range w.people.open {
		if c.via == n {
			c.via = next
		}
	}
	w.say("%s goes on for %s", next.name, n.name)
	n.heir, next.came = nil, nil
	w.active = next
	n.kill(false)
	w.begin(next)
	for at := range next.lanes {
		next.wake(at)
	}
	for _, t := range w.things {
		if _, conn := next.table.Where(t.id); conn != 0 {
			w.bus.holding(next, t.id)
		}
	}
}

// adopt takes over a connection, or what has become of it since it came ahead. A
// stream keeps its socket.
func (n *node) adopt(was uint64, p *pipe, b []byte) {
	w := n.w
	n.dismiss(was)
	id, cid, ok := lane.Peek(b)
	if !ok {
		w.fail("hand-over", "an export does not say whose it is")
	}
	at, conn := roster.LaneOf(id, cid, len(n.lanes)), uint64(0)
	if p != nil {
		at = n.guide.LaneOf(p.from)
		n.last++
		conn = streamBit | n.last<<8 | uint64(at)
		n.byStream[p.socket] = conn
		n.streams[conn] = &pipe{socket: p.socket, from: p.from, lane: at}
	}
	var outs lane.Outs
	now, err := n.lanes[at].Adopt(n.now(), conn, b, &outs)
	if err != nil {
		w.fail("hand-over", "%s cannot adopt connection %x of %s: %v", n.name, was, w.nameOf(id), err)
	}
	n.came[was] = now
	n.settled(at, &outs)
	if p != nil {
		for _, unread := range p.unread {
			n.stream(conn, unread)
		}
	}
}

// dismiss forgets a connection that came ahead, if it did. Its id names the
// lane.
func (n *node) dismiss(was uint64) {
	now, ok := n.came[was]
	if !ok {
		return
	}
	delete(n.came, was)
	var outs lane.Outs
	at := int(now & 0xff)
	n.lanes[at].Dismiss(now, &outs)
	n.settled(at, &outs)
}

// settled does what a lane wants done that took a connection over: nothing that
// its device could notice.
func (n *node) settled(at int, outs *lane.Outs) {
	if len(outs.Datagrams) > 0 {
		n.w.fail("hand-over", "%s speaks to devices while it takes them over", n.name)
	}
	n.perform(at, outs)
	n.wake(at)
}
