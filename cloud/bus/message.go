package bus

import (
	"errors"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// callID names a call in flight: its caller's random bytes and a count.
type callID struct{ caller, count uint64 }

// request is a call on its way to a gateway. Patience is how long the caller
// will wait from now.
type request struct {
	id       callID
	patience time.Duration
	call     Call
}

func encodeRequest(q *request) []byte {
	c := &q.call
	w := newWriter(64 + len(c.Name) + len(c.Argument) + len(c.Request))
	w.fixed64(q.id.caller)
	w.fixed64(q.id.count)
	w.int(int64(q.patience))
	w.device(c.Device)
	w.byte(byte(c.Kind))
	w.string(c.Name)
	w.string(c.Argument)
	w.bool(c.On)
	w.byte(c.Flags)
	w.int(int64(c.Timeout))
	w.string(c.Request)
	return w.b
}

func decodeRequest(b []byte) (request, error) {
	r := newReader(b)
	q := request{id: callID{r.fixed64(), r.fixed64()}, patience: time.Duration(r.int())}
	q.call = Call{
		Device: r.device(), Kind: CallKind(r.byte()), Name: r.string(), Argument: r.string(), On: r.bool(),
		Flags: r.byte(), Timeout: time.Duration(r.int()), Request: r.string(),
	}
	return q, r.end()
}

func encodeCancel(id callID) []byte {
	w := newWriter(17)
	w.fixed64(id.caller)
	w.fixed64(id.count)
	return w.b
}

func decodeCancel(b []byte) (callID, error) {
	r := newReader(b)
	id := callID{r.fixed64(), r.fixed64()}
	return id, r.end()
}

// encodeReply carries a call's result and error. Of an error its kind, code
// and message cross; its cause stays in the logs of the node that saw it.
func encodeReply(res *Result, err error) []byte {
	w := newWriter(160 + len(res.Value.Text))
	w.int(int64(res.Return))
	w.value(&res.Value)
	w.bool(res.Online)
	w.byte(byte(res.Stage))
	w.int(int64(res.RoundTrip))
	w.uint(uint64(max(res.MaxArgument, 0)))
	w.uint(uint64(max(res.Unheard, 0)))
	w.time(res.UnheardSince)
	w.state(&res.State)
	w.bool(err != nil)
	if err != nil {
		w.byte(byte(fault.KindOf(err)))
		w.string(fault.CodeOf(err))
		msg := err.Error()
		if e, ok := errors.AsType[*fault.Error](err); ok {
			msg = e.Msg
		}
		w.string(msg)
	}
	return w.b
}

// decodeReply gives the result and the call's error; bad is not nil when
// the reply itself cannot be read.
func decodeReply(b []byte) (res Result, err, bad error) {
	r := newReader(b)
	res = Result{Return: int32(r.int()), Value: r.value(), Online: r.bool(), Stage: Stage(r.byte())}
	res.RoundTrip, res.MaxArgument = time.Duration(r.int()), int(uint32(r.uint()))
	res.Unheard, res.UnheardSince = int(uint32(r.uint())), r.time()
	res.State = r.state()
	if r.bool() {
		kind, code, msg := fault.Kind(r.byte()), r.string(), r.string()
		err = fault.E(kind, msg, nil).WithCode(code)
	}
	return res, err, r.end()
}

func (w *writer) value(v *Value) {
	w.byte(byte(v.Type))
	switch v.Type {
	case device.Bool:
		w.bool(v.Bool)
	case device.Int32:
		w.int(int64(v.Int32))
	case device.Double:
		w.double(v.Double)
	case device.String:
		w.string(v.Text)
	}
}

func (r *reader) value() Value {
	v := Value{Type: device.VariableType(r.byte())}
	switch v.Type {
	case device.Bool:
		v.Bool = r.bool()
	case device.Int32:
		v.Int32 = int32(r.int())
	case device.Double:
		v.Double = r.double()
	case device.String:
		v.Text = r.string()
	}
	return v
}

func (w *writer) state(s *device.State) {
	w.byte(byte(s.Word))
	w.time(s.Since)
	w.string(string(s.Reason))
	w.time(s.LastSeen)
	w.time(s.ProvenAt)
	w.int(int64(s.KeepAlive))
	w.string(s.Transport)
	w.string(s.Address)
	w.time(s.Until)
}

func (r *reader) state() device.State {
	return device.State{
		Word: device.Word(r.byte()), Since: r.time(), Reason: device.Reason(r.string()), LastSeen: r.time(),
		ProvenAt: r.time(), KeepAlive: time.Duration(r.int()), Transport: r.string(), Address: r.string(),
		Until: r.time(),
	}
}

// askLimit is how many devices one message asks about: the answer has to fit
// into a message, too.
const askLimit = 2048

func encodeAsk(ids []device.ID) []byte {
	w := newWriter(4 + len(ids)*len(device.ID{}))
	w.uint(uint64(len(ids)))
	for _, id := range ids {
		w.device(id)
	}
	return w.b
}

func decodeAsk(b []byte) ([]device.ID, error) {
	r := newReader(b)
	n := r.uint()
	if n > askLimit || n*uint64(len(device.ID{})) != uint64(len(r.b)) {
		return nil, errMalformed
	}
	ids := make([]device.ID, n)
	for i := range ids {
		ids[i] = r.device()
	}
	return ids, r.end()
}

func encodeStates(states map[device.ID]device.State) []byte {
	w := newWriter(4 + 100*len(states))
	w.uint(uint64(len(states)))
	for id, s := range states {
		w.device(id)
		w.state(&s)
	}
	return w.b
}

// decodeStates calls yield for each state in the message.
func decodeStates(b []byte, yield func(device.ID, device.State)) error {
	r := newReader(b)
	for n := r.uint(); n > 0 && r.err == nil; n-- {
		id, s := r.device(), r.state()
		if r.err == nil {
			yield(id, s)
		}
	}
	return r.end()
}
