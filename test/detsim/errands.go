package detsim

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/wire/sealed"
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
		n.queue(at, conn, out.Kind, *out.Job)
	case lane.Save:
		n.save(at, out)
	case lane.Forget:
		w.tap.forgotten(n, out.Record.Device)
		w.store.put(change{by: n, row: row{Record: *out.Record}, remove: true})
	case lane.Publish:
		n.publish(at, out)
	case lane.Arrive:
		n.entry(out.Device).writer = conn
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
		n.index[out.Addr] = at
	case lane.Unindex:
		if n.index[out.Addr] == at {
			delete(n.index, out.Addr)
		}
	case lane.RecordTry:
		if t := out.Try; t.Outcome != device.Succeeded {
			w.say("%s: %s over %s was not let in: %s (%s)", n.name, w.nameOf(t.Device), t.Transport, t.Reason, t.Detail)
		}
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

// lookUp asks the store whose a key is.
func (n *node) lookUp(at int, conn uint64, q lane.Lookup) {
	w := n.w
	wait := w.between(time.Millisecond, 3*time.Millisecond) + w.store.slow
	w.after(min(wait, lookupTime), func() {
		n.hear(func() {
			in := lane.In{Kind: lane.LookedUp, Conn: conn}
			in.Found, in.Err = w.store.find(&q)
			if wait > lookupTime {
				in.Found, in.Err = &lane.Found{}, fault.Errorf(fault.Unavailable, "the database does not answer")
			}
			n.step(at, in)
		})
	})
}

// work does the RSA of a handshake on TCP.
func (n *node) work(at int, conn uint64, kind lane.OutKind, job lane.Job) {
	w := n.w
	w.after(w.between(2*time.Millisecond, 5*time.Millisecond), func() {
		n.hear(func() {
			if kind == lane.MakeReply {
				n.step(at, lane.In{Kind: lane.ReplyMade, Conn: conn, Reply: n.reply(&job)})
				return
			}
			in := lane.In{Kind: lane.Opened, Conn: conn}
			if claim, err := job.Shake.Receive(job.Blob); err == nil {
				in.Claim = &claim
			} else {
				in.Err = err
			}
			n.step(at, in)
		})
	})
}

func (n *node) reply(job *lane.Job) *lane.Accepted {
	key, err := job.Key.Parse()
	if err != nil {
		return nil
	}
	var credentials sealed.Credentials
	var padding [32]byte
	_, _ = n.w.secret.Read(credentials[:])
	_, _ = n.w.secret.Read(padding[:])
	b, channel, err := job.Shake.Accept(key, credentials, padding)
	if err != nil {
		return nil
	}
	return &lane.Accepted{Bytes: b, Keys: channel}
}

// publish hands an event to the bus; where a history is kept, when it is in
// there.
func (n *node) publish(at int, out *lane.Out) {
	w, conn, token := n.w, out.Conn, out.Token
	e := *out.Event
	e.Data = slices.Clone(e.Data)
	if !w.plan.History {
		w.bus.publish(n, &e)
		return
	}
	w.store.put(change{by: n, event: &e, done: func(err error) {
		if err == nil || token == 0 {
			w.bus.publish(n, &e)
		}
		if token != 0 {
			n.step(at, lane.In{Kind: lane.Kept, Conn: conn, Token: token, Err: err})
		}
	}})
}

// save has the store make a record durable. Only the newest session of a device
// may: an older one would put its keys over the new ones.
func (n *node) save(at int, out *lane.Out) {
	conn, token, id := out.Conn, out.Token, out.Record.Device
	n.w.tap.learn(n, conn, out.Record)
	done := func(err error) { n.step(at, lane.In{Kind: lane.Saved, Conn: conn, Token: token, Err: err}) }
	switch {
	case token == 0:
		n.entry(id).writer = conn
	case !n.mayStore(id, conn):
		n.w.after(time.Millisecond, func() {
			n.hear(func() { done(fault.Errorf(fault.Busy, "the device has a newer session")) })
		})
		return
	}
	n.w.store.put(change{by: n, row: row{*out.Record, n.now()}, begins: token == 0, done: done})
}

func (n *node) entry(id device.ID) *entry {
	e := n.table[id]
	if e == nil {
		e = new(entry)
		n.table[id] = e
	}
	return e
}

// mayStore tells whether conn's session is the newest of the device.
func (n *node) mayStore(id device.ID, conn uint64) bool {
	if n.w.plan.Without == Fence {
		return true
	}
	e := n.entry(id)
	return e.writer == 0 || e.writer == conn
}

// take makes a lane's connection the device's one, and has whoever had it let
// go.
func (n *node) take(at int, out *lane.Out) {
	w, e := n.w, n.entry(out.Device)
	before := *e
	e.lane, e.conn = at, out.Conn
	if n.held[out.Device] == nil {
		n.held[out.Device] = map[uint64]time.Time{}
	}
	n.held[out.Device][out.Conn] = w.now
	w.bus.holding(n, out.Device)
	if before.conn != 0 && before.lane != at && w.plan.Without != Supersession {
		w.after(w.between(0, time.Millisecond), func() {
			n.hear(func() { n.step(before.lane, lane.In{Kind: lane.Supersede, Conn: before.conn}) })
		})
	}
}

// drop ends a connection's part in its device.
func (n *node) drop(out *lane.Out) {
	e := n.entry(out.Device)
	delete(n.held[out.Device], out.Conn)
	if e.writer == out.Conn {
		e.writer = 0
	}
	if e.conn == out.Conn {
		e.conn = 0
		n.w.bus.released(n, out.Device)
	}
}

// show notes the device's state, unless another connection has it.
func (n *node) show(out *lane.Out) {
	e := n.entry(out.Device)
	if e.conn != 0 && e.conn != out.Conn {
		return
	}
	if e.state.Word != out.State.Word || e.state.Reason != out.State.Reason {
		n.w.say("%s shows %s as %s %s", n.name, n.w.nameOf(out.Device), out.State.Word, out.State.Reason)
	}
	e.state, e.shown = *out.State, n.w.now
	if e.conn == out.Conn && out.State.Connected() {
		n.w.bus.holding(n, out.Device)
	}
}
