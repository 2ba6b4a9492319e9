package gateway

import (
	"context"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// defaultTimeout is how long a device has to answer when the caller does not
// say.
const defaultTimeout = 20 * time.Second

// Call performs c on a device that this gateway holds. See bus.Gateway.
func (g *Gateway) Call(ctx context.Context, c bus.Call) (bus.Result, error) {
	kind, ok := kinds[c.Kind]
	if !ok {
		return bus.Result{}, fault.Errorf(fault.Invalid, "a device cannot be asked to %s", c.Kind)
	}
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	id := g.lastCall.Add(1)
	wait := make(chan *lane.Answer, 1)
	g.waiting.Store(id, wait)
	defer g.waiting.Delete(id)
	var e roster.Entry
	next, err := g.passing.enter(ctx, func() {
		if e, _ = g.table.Holder(c.Device); e.Conn == 0 {
			return
		}
		g.lanes[e.Lane].mail.leave(input{In: lane.In{Kind: lane.CallDevice, Device: c.Device, Call: &session.Call{
			ID: id, Kind: kind, Name: c.Name, Argument: c.Argument, On: c.On, Flags: spark.DescribeFlags(c.Flags),
			Deadline: g.now().Add(timeout),
		}}})
	})
	switch {
	case err != nil:
		return bus.Result{Stage: bus.StageUnknown}, err
	case next != nil:
		return next.Call(ctx, c)
	case e.Conn == 0:
		return bus.Result{State: e.State, Stage: bus.NotConnected}, lane.ErrGone
	}
	g.lanes[e.Lane].drive() //nolint:contextcheck // what a lane wants done belongs to nobody who brought it something
	select {
	case a := <-wait:
		if a.Stage == session.NotConnected && a.Limit == 0 {
			a.State = g.state(c.Device) // it went while the call was on its way
		}
		return result(c.Kind, a)
	case <-ctx.Done():
		g.lanes[e.Lane].tell(lane.In{Kind: lane.CancelCall, Device: c.Device, CallID: id})
		return bus.Result{State: e.State, Stage: bus.StageUnknown}, ctx.Err()
	case <-g.stopped:
		return bus.Result{State: e.State, Stage: bus.StageUnknown}, fault.Errorf(fault.Unavailable, "this gateway is stopping")
	}
}

func (g *Gateway) state(id device.ID) device.State {
	e, _ := g.table.Holder(id)
	return e.State
}

// answered gives a call its answer. Nobody may wait for it any more.
func (g *Gateway) answered(a *lane.Answer) {
	if g.passed(a) {
		return
	}
	if v, ok := g.waiting.LoadAndDelete(a.ID); ok {
		v.(chan *lane.Answer) <- a
	}
}

var kinds = map[bus.CallKind]session.CallKind{
	bus.Function: session.Function, bus.Variable: session.Variable, bus.Ping: session.Ping, bus.Signal: session.Signal,
	bus.Describe: session.Describe, bus.Reset: session.Reset,
}

var stages = map[session.Stage]bus.Stage{
	session.NotConnected: bus.NotConnected, session.SentNoAck: bus.SentNoAck,
	session.AckedNoResponse: bus.AckedNoResponse, session.Answered: bus.Answered, session.Queued: bus.Queued,
}

func result(kind bus.CallKind, a *lane.Answer) (bus.Result, error) {
	r := bus.Result{State: a.State, Stage: stages[a.Stage], RoundTrip: a.Took, MaxArgument: a.Limit, Unheard: a.Unheard, UnheardSince: a.UnheardSince}
	if a.Err != nil {
		return r, a.Err
	}
	switch kind {
	case bus.Function:
		r.Return = a.Value.Int
	case bus.Variable:
		r.Value = valueOf(a.Value)
	case bus.Ping:
		r.Online = true
	}
	return r, nil
}

func valueOf(v spark.Value) bus.Value {
	switch v.Type {
	case spark.TypeBool:
		return bus.BoolValue(v.Bool)
	case spark.TypeInt:
		return bus.Int32Value(v.Int)
	case spark.TypeDouble:
		return bus.DoubleValue(v.Double)
	default:
		return bus.TextValue(v.Text)
	}
}

// States puts into the map what the table knows of the devices. See
// bus.Gateway.
func (g *Gateway) States(ids []device.ID, into map[device.ID]device.State) {
	if next := g.passing.next(); next != nil {
		next.States(ids, into)
		return
	}
	for _, id := range ids {
		if e, ok := g.table.Holder(id); ok {
			into[id] = e.State
		}
	}
}

// happened gives an event to every lane: any of them may have devices that
// asked for it.
func (g *Gateway) happened(e *event.Event) {
	if g.passing.divert(e) {
		return
	}
	g.tellAll(e)
}

// tellAll gives an event to every lane.
func (g *Gateway) tellAll(e *event.Event) {
	if event.Reserved(e.Name) {
		return // these never fan out to devices
	}
	for _, r := range g.lanes {
		if !r.tell(lane.In{Kind: lane.Happened, Event: e}) {
			g.m.Dropped(dropEvent)
		}
	}
}

// Changed tells the gateway that a device has another owner, or another key:
// with another key its session ends. Every lane is told, because a device that
// has only shown its key yet is in no table.
func (g *Gateway) Changed(id device.ID, owner account.ID, key bool) {
	if g.passing.later(func() { g.Changed(id, owner, key) }) {
		return
	}
	if next := g.passing.next(); next != nil {
		next.Changed(id, owner, key)
		return
	}
	g.changing.Lock()
	defer g.changing.Unlock()
	g.changes++
	for _, r := range g.lanes {
		r.tell(lane.In{Kind: lane.OwnerChanged, Device: id, Owner: owner})
		if key {
			r.tell(lane.In{Kind: lane.CloseDevice, Device: id, Reason: device.KeyReplaced})
		}
	}
}

// changed gives how many changes there were.
func (g *Gateway) changed() uint64 {
	g.changing.RLock()
	defer g.changing.RUnlock()
	return g.changes
}

// tellUnchanged tells r, unless something has changed since there were so many
// changes: then what was read before may be wrong.
func (g *Gateway) tellUnchanged(since uint64, r *runner, in lane.In) bool {
	g.changing.RLock()
	defer g.changing.RUnlock()
	return g.changes == since && r.tell(in)
}
