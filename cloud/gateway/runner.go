package gateway

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
	"github.com/cyan-cloud/cyan/cloud/gateway/socket"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/internal/pause"
)

// burst is how many inputs a lane takes before what they led to is done.
const burst = 256

// runner runs a lane: it takes what happened out of the mailbox, lets the
// lane step, and does what the lane wants done. Whoever has the turn owns the
// lane.
type runner struct {
	g    *Gateway
	lane *lane.Lane
	at   int // its place among the lanes
	mail *mailbox
	out  socket.Writer

	// turn is run's while there is something to do, and may otherwise be drive's.
	turn sync.Mutex

	// Guarded by turn.
	awake bool // run runs
	outs  lane.Outs
	queue admit.Knocks[input]
	pipes map[uint64]*pipe
	spare []input // for what comes, see takeAll
	timer *time.Timer
	alarm time.Time         // when the timer goes off
	came  map[uint64]uint64 // before Open: connections on UDP by the id that they had with another process
}

// run ends when ctx does.
func (r *runner) run(ctx context.Context) {
	r.turn.Lock()
	r.timer, r.alarm, r.awake = time.NewTimer(time.Hour), time.Time{}, true
	defer r.timer.Stop()
	var breath admit.Breath
	for {
		r.pass(r.mail.takeAll(r.spare)) //nolint:contextcheck // what it starts ends by itself
		if r.letIn(r.g.now()) {
			r.perform(r.g.now())  //nolint:contextcheck // as above
			if ctx.Err() == nil { // more of them wait, behind what came meanwhile
				if breath.Due(r.g.now()) {
					r.turn.Unlock() // what is quickly done is done by who brings it
					pause.For(ctx, admit.RestTime)
					breath.Paused()
					r.turn.Lock()
				}
				continue
			}
		}
		if ctx.Err() != nil {
			r.awake = false
			r.turn.Unlock()
			return
		}
		r.sleep(r.g.now())
		r.turn.Unlock()
		select {
		case <-ctx.Done():
		case <-r.mail.wake:
		case <-r.timer.C:
		}
		r.turn.Lock()
		breath.Paused()
	}
}

// drive lets what waits happen at once, by the goroutine that has brought it, if
// nobody is at the lane: to wake run takes longer than most of it. What is not
// done at once is left to run. The caller must not hold a lock that something
// which the lane wants done may need.
func (r *runner) drive() {
	if !r.driven() {
		r.mail.signal()
	}
}

// driven is drive, and tells whether anything happened.
func (r *runner) driven() bool {
	if !r.turn.TryLock() {
		return false
	}
	defer r.turn.Unlock()
	if !r.awake {
		return false
	}
	ins, ok := r.mail.takeFew(r.spare)
	if ok {
		r.pass(ins)
		r.sleep(r.g.now())
	}
	return ok
}

// pass lets things happen to the lane, and does what it wants done.
func (r *runner) pass(ins []input) {
	now := r.g.now()
	for i := range ins {
		switch {
		case ins[i].job != nil:
			r.perform(now)
			ins[i].job()
			now = r.g.now()
		case !r.waits(now, &ins[i]):
			r.take(now, &ins[i])
		}
		if i%burst == burst-1 {
			r.perform(now)
			now = r.g.now()
		}
	}
	clear(ins)
	r.spare = ins
	if d := r.lane.Deadline(); !d.IsZero() && !d.After(now) {
		r.take(now, &input{In: lane.In{Kind: lane.Tick}})
	}
	r.perform(now)
}

// sleep sets the timer to the lane's next deadline, unless it goes off before
// that in any case.
func (r *runner) sleep(now time.Time) {
	due := r.lane.Deadline()
	if due.IsZero() {
		due = now.Add(time.Hour)
	}
	if r.alarm.After(now) && !due.Before(r.alarm) {
		return
	}
	r.alarm = due
	r.timer.Reset(max(0, due.Sub(now)))
}

// tell puts in into the lane's mailbox; false: there is no room for it.
func (r *runner) tell(in lane.In) bool { return r.mail.put(input{In: in}) }

// take lets one thing happen to the lane. A panic in the handling of one
// packet is a defect of ours; it costs that packet and is counted, not the
// lane.
func (r *runner) take(now time.Time, in *input) {
	defer func() {
		if v := recover(); v != nil {
			r.g.m.Dropped(dropPanic)
			r.g.log.Error("a lane's step panicked: this is a defect, please report it", "kind", in.Kind, "panic", v, "stack", stack())
		}
		if in.buffer != nil {
			packets.Put(in.buffer)
			in.buffer = nil
		}
		if in.Kind == lane.StreamData {
			in.pipe.taken <- struct{}{}
		}
	}()
	if in.Kind == lane.StreamOpened {
		r.pipes[in.Conn] = in.pipe
	}
	r.lane.Step(now, &in.In, &r.outs)
	if in.Kind == lane.OwnerChanged {
		_, conn := r.g.table.Where(in.Device)
		r.sort(in.Device, conn)
	}
	if in.Kind == lane.StreamClosed {
		if p := r.pipes[in.Conn]; p != nil { // whatever the lane makes of it
			delete(r.pipes, in.Conn)
			p.close()
		}
	}
}

// perform does what the lane wants done.
func (r *runner) perform(now time.Time) {
	for i := range r.outs.List {
		r.do(now, &r.outs.List[i])
	}
	if len(r.outs.Datagrams) > 0 {
		for range r.out.Write(r.outs.Datagrams) {
			r.g.m.Dropped(dropUnsent)
		}
	}
	r.outs.Reset()
}

func (r *runner) do(now time.Time, out *lane.Out) {
	g := r.g
	switch out.Kind {
	case lane.SendStream:
		if p := r.pipes[out.Conn]; p != nil && !p.write(out.Data) {
			p.close() // its reader notices and says so
		}
	case lane.CloseStream:
		if p := r.pipes[out.Conn]; p != nil {
			delete(r.pipes, out.Conn)
			p.finish()
		}
	case lane.HoldStream:
		if p := r.pipes[out.Conn]; p != nil {
			p.hold(now.Add(out.Wait).Sub(g.now()))
		}
	case lane.LookUpKey:
		g.lookUp(question{r, out.Conn, out.LookUp})
	case lane.OpenBlob, lane.MakeReply:
		g.work(r, out.Conn, out.Kind, out.Job)
	case lane.Save:
		r.save(now, out)
	case lane.Forget:
		// It is no loss when there is no room for it: a session that is taken up
		// for nothing ends by itself.
		g.cfg.Records.DeleteSession(roster.RowOf(out.Record, now), nil)
	case lane.Publish:
		r.publish(out)
	case lane.Answered:
		g.answered(out.Answer)
	case lane.Show:
		r.sort(out.Device, out.Conn)
		if g.table.Show(out.Device, out.Conn, out.State) && out.State.Connected() {
			// Said again with every sign of life: of two nodes that announce a
			// device at the same moment each may hear the other last.
			g.cfg.Bus.Holding(out.Device)
		}
	case lane.Take:
		r.hold(out)
	case lane.Arrive:
		g.table.Begin(out.Device, out.Conn)
	case lane.Drop:
		if g.table.Drop(out.Device, out.Conn) {
			g.cfg.Bus.Released(out.Device)
		}
	case lane.RecordTry:
		g.cfg.Records.AddAttempt(*out.Try)
		g.doors.ended(now, out.Try)
		g.logTry(out.Try)
	case lane.TakeNote:
		if h := out.Note.Hello; h != nil {
			g.makers.Heard(out.Note.Address, h.ProductID)
		}
		g.cfg.Records.Seen(update(out))
	case lane.AskOwner:
		g.askOwner(r, out.Conn, out.Device)
	case lane.Index:
		g.guide.Index.Set(out.Addr, r.at)
	case lane.Unindex:
		g.guide.Index.Unset(out.Addr, r.at)
	}
}

// hold makes the lane's connection the device's one, and has whoever had it
// let go.
func (r *runner) hold(out *lane.Out) {
	before := r.g.table.Take(out.Device, r.at, out.Conn)
	r.g.cfg.Bus.Holding(out.Device)
	if before.Conn != 0 && before.Lane != r.at {
		r.g.lanes[before.Lane].tell(lane.In{Kind: lane.Supersede, Conn: before.Conn})
	}
}

// sort has the device counted by what is known of it now, if the connection is
// one of this lane's.
func (r *runner) sort(id device.ID, conn uint64) {
	if traits, ok := r.lane.Traits(conn); ok {
		r.g.table.Sort(id, conn, traits)
	}
}

// errQueueFull is what a record gets that the store has no room for.
var errQueueFull = fault.Errorf(fault.Busy, "the store's queue is full")

// errSuperseded is what a session gets that has something to store after the
// device has shaken hands anew. It ends when the newer one says Hello, not before.
var errSuperseded = fault.Errorf(fault.Busy, "the device has a newer session")

// save has the store make a record durable, which comes back as Saved.
func (r *runner) save(now time.Time, out *lane.Out) {
	conn, token := out.Conn, out.Token
	done := func(err error) { r.tell(lane.In{Kind: lane.Saved, Conn: conn, Token: token, Err: err}) }
	row := roster.RowOf(out.Record, now)
	row.Begins = token == 0
	if !r.g.table.Offer(row.Device, conn, row.Begins) {
		done(errSuperseded)
		return
	}
	if !r.g.cfg.Records.SaveSession(row, done) {
		done(errQueueFull)
	}
}

// publish hands an event to the bus: where a history is kept, when it is there.
// One that nobody waits for is heard in any case.
func (r *runner) publish(out *lane.Out) {
	g := r.g
	if g.cfg.History == nil || !out.Event.Lasts() {
		g.publish(out.Event)
		if out.Token != 0 {
			r.tell(lane.In{Kind: lane.Kept, Conn: out.Conn, Token: out.Token})
		}
		return
	}
	e, conn, token := *out.Event, out.Conn, out.Token
	e.Data = bytes.Clone(e.Data)
	done := func(err error) {
		if err == nil || token == 0 {
			g.publish(&e)
		}
		if token != 0 {
			r.tell(lane.In{Kind: lane.Kept, Conn: conn, Token: token, Err: err})
		}
	}
	if !g.cfg.History.Append(&e, done) {
		done(errQueueFull)
	}
}

func (g *Gateway) publish(e *event.Event) {
	if err := g.cfg.Bus.Publish(e); err != nil {
		g.m.Dropped(dropPublish)
	}
}

func update(out *lane.Out) store.DeviceUpdate {
	n := out.Note
	u := store.DeviceUpdate{Device: out.Device, Heard: n.Heard.UTC(), Handshake: n.Handshake, Address: n.Address, Describe: n.Describe}
	if n.Describe != nil {
		u.Described = n.Heard.UTC()
	}
	if h := n.Hello; h != nil {
		u.Hello = &store.HelloFacts{
			ProductID: h.ProductID, PlatformID: h.PlatformID, Firmware: h.ProductVersion, System: h.SystemVersion,
		}
	}
	return u
}
