package detsim

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
)

// bus carries calls from people to the process that has a device, answers
// back, and events to everybody. While it is cut, nothing gets through.
type bus struct {
	w       *World
	holders map[device.ID]*node
	cut     bool
}

func newBus(w *World) *bus { return &bus{w: w, holders: map[device.ID]*node{}} }

func (b *bus) hop() time.Duration { return b.w.between(200*time.Microsecond, 2*time.Millisecond) }

// publish gives an event to everybody who wants it, devices among them.
func (b *bus) publish(e *event.Event) {
	if !b.cut {
		b.spread(e)
	}
}

// spread gives an event to every lane.
func (b *bus) spread(e *event.Event) {
	if event.Reserved(e.Name) {
		return
	}
	b.w.after(b.hop(), func() {
		for _, n := range b.w.nodes {
			if !n.serves {
				continue
			}
			n.hear(func() {
				for at := range n.lanes {
					n.step(at, lane.In{Kind: lane.Happened, Event: e})
				}
			})
		}
	})
}

// holding notes which process says that it has the device.
func (b *bus) holding(n *node, id device.ID) {
	if !n.serves {
		return
	}
	if b.cut {
		b.w.after(time.Second, func() { // it announces all that it has, once it can
			if _, conn := n.table.Where(id); n.alive && conn != 0 {
				b.holding(n, id)
			}
		})
		return
	}
	b.holders[id] = n
}

func (b *bus) released(n *node, id device.ID) {
	if b.holders[id] == n {
		delete(b.holders, id)
	}
}

// lose is the end of a process.
func (b *bus) lose(n *node) {
	for _, t := range b.w.things {
		b.released(n, t.id)
	}
	b.w.people.lose(n)
}

// call takes a call to the process that has the device.
func (b *bus) call(c *inquiry) {
	n := b.holders[c.to.id]
	if n == nil || b.cut {
		b.w.people.settle(c, &lane.Answer{Reply: session.Reply{ID: c.id, Err: lane.ErrGone}})
		return
	}
	c.via = n
	b.w.after(b.hop(), func() {
		n.hear(func() {
			at, conn := n.table.Where(c.to.id)
			if conn == 0 {
				b.back(c, &lane.Answer{Reply: session.Reply{ID: c.id, Err: lane.ErrGone}})
				return
			}
			call := session.Call{ID: c.id, Kind: c.kind, Name: c.name, Argument: c.argument, Deadline: n.now().Add(c.until.Sub(b.w.now))}
			n.step(at, lane.In{Kind: lane.CallDevice, Device: c.to.id, Call: &call})
		})
	})
}

// answered takes an answer back.
func (b *bus) answered(_ *node, a *lane.Answer) {
	if c := b.w.people.open[a.ID]; c != nil {
		copied := *a
		b.back(c, &copied)
	}
}

func (b *bus) back(c *inquiry, a *lane.Answer) {
	if !b.cut {
		b.w.after(b.hop(), func() { b.w.people.settle(c, a) })
	}
}

// cancel tells the process that nobody waits any more.
func (b *bus) cancel(c *inquiry) {
	if n := c.via; n != nil && !b.cut {
		b.w.after(b.hop(), func() {
			n.hear(func() {
				at, _ := n.table.Where(c.to.id)
				n.step(at, lane.In{Kind: lane.CancelCall, Device: c.to.id, CallID: c.id})
			})
		})
	}
}

// changed tells every process that a device has another owner, as soon as it
// can.
func (b *bus) changed(id device.ID) {
	if b.cut {
		b.w.after(time.Second, func() { b.changed(id) })
		return
	}
	b.w.after(b.hop(), func() {
		for _, n := range b.w.nodes {
			if !n.serves {
				continue
			}
			n.hear(func() { n.changed(id, b.w.store.owners[id]) })
		}
	})
}
