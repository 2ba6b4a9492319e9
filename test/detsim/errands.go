package detsim

import (
	"context"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/identify"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
	"github.com/cyan-cloud/cyan/test/detsim/schedule"
)

// do runs a lane's errand, as the runner in cloud/gateway does.
func (n *node) do(at int, out *lane.Out) {
	w, conn := n.w, out.Conn
	switch out.Kind {
	case lane.SendStream:
		if c := n.streams[conn]; c != nil {
			w.net.Write(w.now, c.socket, doorTCP, out.Data)
		}
	case lane.CloseStream:
		n.hangUp(conn)
	case lane.HoldStream:
		n.hold(conn, out.Wait)
	case lane.LookUpKey:
		n.lookUp(at, conn, *out.LookUp)
	case lane.OpenBlob, lane.MakeReply:
		n.work(&task{at: at, conn: conn, kind: out.Kind, job: *out.Job})
	case lane.Save:
		n.save(at, out)
	case lane.Forget:
		w.tap.forgotten(out.Record)
		if w.plan.Without == schedule.Resumption {
			return // it told the device to start over, and nothing else is wrong
		}
		w.store.put(change{by: n, row: roster.RowOf(out.Record, n.now()), remove: true})
	case lane.Publish:
		n.publish(at, out)
	case lane.Arrive:
		n.table.Begin(out.Device, conn)
	case lane.AskOwner:
		w.after(w.between(time.Millisecond, 3*time.Millisecond), func() {
			n.hear(func() { n.step(at, lane.In{Kind: lane.OwnerAllows, Conn: conn, Restart: device.RestartNever}) })
		})
	case lane.Answered:
		w.bus.answered(n, out.Answer)
	case lane.Show:
		n.show(out)
	case lane.Take:
		n.take(at, out)
	case lane.Drop:
		n.drop(out)
	case lane.Index:
		n.guide.Index.Set(out.Addr, at)
	case lane.Unindex:
		n.guide.Index.Unset(out.Addr, at)
	case lane.TakeNote:
		if h := out.Note.Hello; h != nil {
			n.crowd.makers.Heard(out.Note.Address, h.ProductID)
		}
	case lane.RecordTry:
		n.tried(out.Try)
	}
}

func (w *World) nameOf(id device.ID) string {
	if t := w.byID[id]; t != nil {
		return t.name
	}
	return "somebody"
}

// lookupTime bounds one look into the store.
const lookupTime = 5 * time.Second

// lookUp asks the store whose a key is, again if a device has changed hands
// meanwhile.
func (n *node) lookUp(at int, conn uint64, q lane.Lookup) {
	w := n.w
	wait := w.between(time.Millisecond, 3*time.Millisecond) + w.store.slow
	in := lane.In{Kind: lane.LookedUp, Conn: conn}
	var since uint64
	wait = min(wait, lookupTime)
	w.after(wait/2, func() {
		n.hear(func() {
			since = n.told
			in.Found, in.Err = n.find(&q)
			if wait == lookupTime {
				in.Found, in.Err = &lane.Found{}, fault.Errorf(fault.Unavailable, "the database does not answer")
			}
		})
	})
	w.after(wait, func() {
		n.hear(func() {
			if since != n.told && w.plan.Without != schedule.Unchanged {
				n.lookUp(at, conn, q)
				return
			}
			n.step(at, in)
		})
	})
}

// find asks whose the key is, or whether it is the claimed device's.
func (n *node) find(q *lane.Lookup) (*lane.Found, error) {
	if q.Claim.IsZero() {
		found, err := identify.Whose(context.Background(), n.w.store, []*lane.Lookup{q})
		return &found[0], err
	}
	found, _, err := identify.Claim(context.Background(), n.w.store, q, n.now())
	return &found, err
}

// changed tells the process that a device has another owner.
func (n *node) changed(id device.ID, owner account.ID) {
	n.told++
	n.owners[id] = owner
	for at := range n.lanes {
		n.step(at, lane.In{Kind: lane.OwnerChanged, Device: id, Owner: owner})
	}
}

// publish hands an event to the bus; where a history is kept, when it is in
// there.
func (n *node) publish(at int, out *lane.Out) {
	w, conn, token := n.w, out.Conn, out.Token
	e := *out.Event
	e.Data = slices.Clone(e.Data)
	w.checks.owned(n, &e)
	if !w.plan.History || !e.Lasts() {
		w.checks.kept(w, &e)
		w.bus.publish(&e)
		if token != 0 {
			n.step(at, lane.In{Kind: lane.Kept, Conn: conn, Token: token})
		}
		return
	}
	w.store.put(change{by: n, event: &e, done: func(err error) {
		if err == nil || token == 0 {
			w.bus.publish(&e)
		}
		if token != 0 {
			n.step(at, lane.In{Kind: lane.Kept, Conn: conn, Token: token, Err: err})
		}
	}})
}

// save has the store make a record durable. Only the newest session of a device
// may: an older one would put its keys over the new ones.
func (n *node) save(at int, out *lane.Out) {
	conn, token := out.Conn, out.Token
	n.w.tap.learn(out.Record)
	done := func(err error) { n.step(at, lane.In{Kind: lane.Saved, Conn: conn, Token: token, Err: err}) }
	row := roster.RowOf(out.Record, n.now())
	row.Begins = token == 0
	if !n.table.Offer(row.Device, conn, row.Begins) && n.w.plan.Without != schedule.Fence {
		n.w.after(time.Millisecond, func() {
			n.hear(func() { done(fault.Errorf(fault.Busy, "the device has a newer session")) })
		})
		return
	}
	n.w.store.put(change{by: n, row: row, done: done})
}

// take makes a lane's connection the device's one, and has whoever had it let
// go.
func (n *node) take(at int, out *lane.Out) {
	w := n.w
	before := n.table.Take(out.Device, at, out.Conn)
	if n.held[out.Device] == nil {
		n.held[out.Device] = map[uint64]time.Time{}
	}
	n.held[out.Device][out.Conn] = w.now
	w.bus.holding(n, out.Device)
	if before.Conn != 0 && before.Lane != at && w.plan.Without != schedule.Supersession {
		w.after(w.between(0, time.Millisecond), func() {
			n.hear(func() { n.step(before.Lane, lane.In{Kind: lane.Supersede, Conn: before.Conn}) })
		})
	}
}

// drop ends a connection's part in its device.
func (n *node) drop(out *lane.Out) {
	delete(n.held[out.Device], out.Conn)
	if n.table.Drop(out.Device, out.Conn) {
		n.w.bus.released(n, out.Device)
	}
}

// show notes the device's state, unless another connection has it.
func (n *node) show(out *lane.Out) {
	before, _ := n.table.Holder(out.Device)
	st := *out.State
	switch n.w.plan.Without {
	case schedule.Silence:
		if !st.Connected() {
			return
		}
	case schedule.Proof:
		if st.Word == device.Limbo {
			st.Word, st.Reason = device.Online, device.ReasonNone
		}
		st.ProvenAt = st.LastSeen
	case schedule.Presence:
		if st.Connected() && before.State.Word == device.Offline {
			return
		}
	}
	if n.table.Show(out.Device, out.Conn, &st) && st.Connected() {
		n.w.bus.holding(n, out.Device)
	}
	if after, _ := n.table.Holder(out.Device); after.State.Word != before.State.Word || after.State.Reason != before.State.Reason {
		n.w.say("%s shows %s as %s %s", n.name, n.w.nameOf(out.Device), after.State.Word, after.State.Reason)
	}
}
