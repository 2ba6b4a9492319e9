package detsim

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
)

// passTime is how long the store has for what the older process wrote; when it
// takes longer there is no hand-over.
const passTime = 5 * time.Second

// handOver begins a planned upgrade: for a moment no handshake is begun, then
// everything goes to another process, or nothing does.
func (n *node) handOver(settle time.Duration) {
	w := n.w
	w.say("%s is to be replaced", n.name)
	n.passes = true
	for _, l := range n.lanes {
		l.Settle(true)
	}
	w.after(settle, func() {
		if !n.alive || n.frozen || w.active != n {
			return
		}
		n.frozen, w.active, w.passing = true, nil, true
		n.pass(w.now.Add(passTime))
	})
}

// pass waits until the store has all that the process wrote, and hands over.
func (n *node) pass(late time.Time) {
	w := n.w
	switch {
	case !n.alive:
		return // it was killed meanwhile
	case w.now.After(late):
		w.say("%s keeps its devices: the store is too slow", n.name)
		n.frozen, n.thawed, n.passes = false, w.now, false
		n.drain()
		for _, l := range n.lanes {
			l.Settle(false)
		}
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
	w.active, w.passing = n, false
	waiting := w.unread
	w.unread = nil
	for _, p := range waiting {
		w.arrived(p)
	}
}

// export hands every connection to a new process, and ends this one.
func (n *node) export() {
	w := n.w
	next := w.process(n.skew)
	next.last = n.last
	for i, l := range n.lanes {
		_, err := l.Export(func(conn uint64, udp bool, b []byte) error {
			if p := n.streams[conn]; udp || p != nil {
				next.adopt(conn, p, slices.Clone(b))
			}
			return nil
		})
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
	w.active = next
	n.kill(false)
	w.begin(next)
}

// adopt takes over a connection. A stream keeps its socket.
func (n *node) adopt(was uint64, p *pipe, b []byte) {
	w := n.w
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
	if _, err := n.lanes[at].Adopt(n.now(), conn, b, &outs); err != nil {
		w.fail("hand-over", "%s cannot adopt connection %x of %s: %v", n.name, was, w.nameOf(id), err)
	}
	if len(outs.Datagrams) > 0 {
		w.fail("hand-over", "%s speaks to %s while it adopts it", n.name, w.nameOf(id))
	}
	n.perform(at, &outs)
	n.wake(at)
	if p != nil {
		for _, unread := range p.unread {
			n.stream(conn, unread)
		}
	}
}
