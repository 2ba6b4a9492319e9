package session

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// maxCalls is how many calls may be on their way to one device, and how many
// may wait for its describe.
const maxCalls = 32

// call is a request of ours on its way.
type call struct {
	id       uint64 // the caller's; 0: nobody waits for the answer
	kind     CallKind
	token    byte
	message  uint16 // message id
	acked    bool
	is       spark.VariableType
	name     string
	sent     int64 // Unix milliseconds, as the next
	deadline int64
}

// call starts a call, or says at once why it cannot be.
func (s *Session) call(now time.Time, c Call, outs *Outs) {
	err := s.place(now, c, outs)
	if err != nil && c.ID != 0 {
		outs.add(Out{Kind: Replied, Reply: Reply{ID: c.ID, Err: err}})
	}
}

func (s *Session) place(now time.Time, c Call, outs *Outs) error {
	switch {
	case s.phase == awaitHello || s.phase == claiming || s.word == device.Asleep || s.word == device.Offline:
		return fault.Errorf(fault.Offline, "the device is %s", s.word)
	case len(s.calls)+len(s.waiting) >= maxCalls:
		return fault.Errorf(fault.Busy, "%d calls to this device are on their way already", maxCalls)
	}
	named := c.Kind == Function || c.Kind == Variable
	if named && !s.knowsApplication() && s.phase == startUp {
		s.waiting = append(s.waiting, c)
		return nil
	}
	var is spark.VariableType
	if named && s.knowsApplication() {
		var err error
		if is, err = s.known(c); err != nil {
			return err
		}
	}
	return s.launch(now, c, is, outs)
}

// known checks a call against what the device said it can do: a device
// acknowledges a call of a function that it does not have, and then never
// answers.
func (s *Session) known(c Call) (spark.VariableType, error) {
	if c.Kind == Variable {
		if t, ok := s.describe.VariableType(c.Name); ok {
			return t, nil
		}
		return 0, fault.Errorf(fault.NotFound, "the device has no variable %q", c.Name).WithCode("unknown_variable")
	}
	if !s.describe.HasFunction(c.Name) {
		return 0, fault.Errorf(fault.NotFound, "the device has no function %q", c.Name).WithCode("unknown_function")
	}
	if n := len(c.Argument); n > s.limits.FunctionArg {
		return 0, fault.Errorf(fault.Invalid, "the argument is %d bytes long, this device takes at most %d", n,
			s.limits.FunctionArg).WithCode("argument_too_long")
	}
	return 0, nil
}

// launch sends the call's request.
func (s *Session) launch(now time.Time, c Call, is spark.VariableType, outs *Outs) error {
	sent := call{id: c.ID, kind: c.Kind, is: is, name: c.Name, sent: now.UnixMilli(), deadline: c.Deadline.UnixMilli()}
	if c.Kind == Ping {
		id, err := s.ping(now, outs)
		if err != nil {
			return fault.E(fault.Busy, "the device is being asked too much", err)
		}
		sent.message = id
		s.calls = append(s.calls, sent)
		return nil
	}
	token, err := s.tokens.Take()
	if err != nil {
		return fault.E(fault.Busy, "the device is being asked too much", err)
	}
	id, err := s.ids.Next(now)
	if err != nil {
		s.tokens.Release(token)
		return fault.E(fault.Busy, "the device is being asked too much", err)
	}
	var buf [256]byte
	message := buf[:0]
	switch c.Kind {
	case Function:
		message, err = spark.AppendFunction(message, id, token, c.Name, c.Argument)
	case Variable:
		message, err = spark.AppendVariable(message, id, token, c.Name)
	default:
		message = spark.AppendSignal(message, id, token, c.On)
	}
	if err != nil {
		s.tokens.Release(token)
		return fault.E(fault.Invalid, "the request cannot be put to a device", err)
	}
	sent.token, sent.message = token, id
	s.calls = append(s.calls, sent)
	s.request(now, id, token, true, message, outs)
	return nil
}

// response gives a call the device's answer.
func (s *Session) response(now time.Time, m *coap.Message, outs *Outs) {
	if len(m.Token) != 1 {
		return
	}
	s.proved(now)
	s.pending.Respond(m.Token[0])
	if s.receiveInquired(now, m, outs) {
		return
	}
	for i, c := range s.calls {
		if c.kind != Ping && c.token == m.Token[0] {
			s.finish(now, i, s.read(&c, m), outs)
			return
		}
	}
}

// read turns the device's answer into the call's.
func (s *Session) read(c *call, m *coap.Message) Reply {
	r := Reply{Stage: Answered}
	var err error
	switch {
	case m.Code.Class() == 4 && c.kind == Variable && m.Code == coap.NotFound:
		r.Err = fault.Errorf(fault.NotFound, "the device has no variable %q", c.name).WithCode("unknown_variable")
		return r
	case m.Code.Class() == 4:
		r.Err = fault.Errorf(fault.Invalid, "the device refused the request (%s)", m.Code).WithCode("refused_by_device")
		return r
	case m.Code.Class() == 5:
		r.Err = fault.Errorf(fault.Unavailable, "the device could not carry out the request (%s)", m.Code).WithCode("device_error")
		return r
	case c.kind == Function:
		r.Value.Type = spark.TypeInt
		r.Value.Int, err = spark.ParseFunctionResult(m)
	case c.kind == Variable:
		r.Value, err = spark.ParseValue(m, c.is)
	}
	if err != nil {
		s.Malformed++
		r.Err = fault.E(fault.Unavailable, "the device's answer does not make sense", err).WithCode("bad_answer")
	}
	return r
}

// pinged settles the ping with the message id. Devices on TCP answer with an
// id of their own: any acknowledgement will do.
func (s *Session) pinged(now time.Time, id uint16, outs *Outs) {
	for i, c := range s.calls {
		if c.kind == Ping && (c.message == id || !s.udp) {
			s.finish(now, i, Reply{Stage: Answered}, outs)
			return
		}
	}
}

// ackedCall notes that the device has the request.
func (s *Session) ackedCall(token byte) {
	for i := range s.calls {
		if s.calls[i].kind != Ping && s.calls[i].token == token {
			s.calls[i].acked = true
		}
	}
}

// finish ends the i-th call with the reply.
func (s *Session) finish(now time.Time, i int, r Reply, outs *Outs) {
	c := s.calls[i]
	s.calls = append(s.calls[:i], s.calls[i+1:]...)
	if len(s.calls) == 0 {
		s.calls = nil
	}
	if c.kind == Ping {
		s.pending.Acknowledge(c.message)
	} else {
		s.tokens.Release(c.token)
		s.pending.Respond(c.token)
	}
	if c.id == 0 {
		return
	}
	if r.Stage == NotConnected && r.Err != nil {
		r.Stage = SentNoAck
		if c.acked {
			r.Stage = AckedNoResponse
		}
	}
	r.ID, r.Took = c.id, time.Duration(now.UnixMilli()-c.sent)*time.Millisecond
	outs.add(Out{Kind: Replied, Reply: r})
}

// cancel forgets a call whose caller is gone.
func (s *Session) cancel(id uint64) {
	for i := range s.calls {
		if s.calls[i].id == id {
			s.calls[i].id = 0
			return
		}
	}
	for i := range s.waiting {
		if s.waiting[i].ID == id {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			return
		}
	}
}

// failCall ends the call whose message was never acknowledged, or was reset.
func (s *Session) failCall(now time.Time, e coap.Exchange, outs *Outs) {
	for i, c := range s.calls {
		if c.message == e.ID {
			s.finish(now, i, Reply{Err: silent()}, outs)
			return
		}
	}
	if q := s.inquiry; q != nil && e.HasToken && e.Token == q.token {
		s.inquiry = nil
		s.tokens.Release(e.Token)
	}
}

// failCalls ends all calls of a device that is gone.
func (s *Session) failCalls(now time.Time, outs *Outs) {
	for len(s.calls) > 0 {
		s.finish(now, 0, Reply{Err: lost(s.reason)}, outs)
	}
}

// expireCalls ends the calls whose time is up. A device that did not even
// acknowledge one is in doubt from then on.
func (s *Session) expireCalls(now time.Time, outs *Outs) {
	ms := now.UnixMilli()
	for i := 0; i < len(s.calls); {
		c := s.calls[i]
		if ms < c.deadline {
			i++
			continue
		}
		if !c.acked && s.word == device.Online {
			s.setWord(now, device.Limbo, device.NoAnswer)
		}
		s.finish(now, i, Reply{Err: silent()}, outs)
	}
	for i := 0; i < len(s.waiting); {
		c := s.waiting[i]
		if ms < c.Deadline.UnixMilli() {
			i++
			continue
		}
		s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
		outs.add(Out{Kind: Replied, Reply: Reply{ID: c.ID, Err: silent()}})
	}
}

func (s *Session) callDeadline() int64 {
	var next int64
	for i := range s.calls {
		if d := s.calls[i].deadline; next == 0 || d < next {
			next = d
		}
	}
	for i := range s.waiting {
		if d := s.waiting[i].Deadline.UnixMilli(); next == 0 || d < next {
			next = d
		}
	}
	return next
}

func silent() error { return fault.Errorf(fault.Timeout, "the device did not answer in time") }

func lost(reason device.Reason) error {
	return fault.Errorf(fault.Offline, "the connection to the device ended (%s)", reason)
}
