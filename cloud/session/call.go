package session

import (
	"errors"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/spark"
)

const (
	maxCalls = 32               // on their way to one device, or waiting for its describe
	callWait = 30 * time.Second // for a call without a deadline

	// doubtAfter is how long a device may leave a request unacknowledged
	// before it is in doubt: it has missed the second transmission too.
	doubtAfter = 10_000 // milliseconds

	// staleWait is how long the token of a call that was given up is not used
	// again: a function that runs for a minute answers after it.
	staleWait = 120_000 // milliseconds
)

// call is a request of ours on its way.
type call struct {
	id       uint64 // the caller's; 0: nobody waits for the answer
	name     string
	sent     int64 // Unix milliseconds, as the next
	deadline int64
	message  uint16 // message id
	kind     CallKind
	flags    spark.DescribeFlags
	is       spark.VariableType
	token    byte
	acked    bool
	// The device's latest message when it was asked first: what it says in answer
	// has a higher id.
	after   uint16
	ordered bool // false: it had said nothing for long
}

// staleToken is in use until a time, because its answer may still come.
type staleToken struct {
	until int64
	token byte
}

// call starts a call, or says at once why it cannot be.
func (s *Session) call(now time.Time, c Call, outs *Outs) {
	if c.Deadline.IsZero() {
		c.Deadline = now.Add(callWait)
	}
	if err := s.place(now, c, outs); err != nil {
		refused(&c, NotConnected, err, outs)
	}
}

// refused answers a call that was not sent.
func refused(c *Call, stage Stage, err error, outs *Outs) {
	if c.ID != 0 {
		outs.add(Out{Kind: Replied, Reply: Reply{ID: c.ID, Stage: stage, Err: err}})
	}
}

func (s *Session) place(now time.Time, c Call, outs *Outs) error {
	switch {
	case s.phase < startUp, s.halfway(), s.word == device.Asleep, s.word == device.Offline:
		return fault.Errorf(fault.Offline, "the device is not connected (its state: %s)", s.word).WithCode(rest.CodeNotConnected)
	case len(s.desk.calls)+len(s.desk.waiting) >= maxCalls:
		return busy(nil)
	}
	switch c.Kind {
	case Function, Variable:
		if !s.knowsApplication() {
			s.desk.waiting = append(s.desk.waiting, c)
			return nil
		}
	case Reset:
		s.restart(now, device.Restarting(c.Argument), outs)
		outs.add(Out{Kind: Replied, Reply: Reply{ID: c.ID, Stage: SentNoAck}})
		return nil
	case Describe:
		if c.Flags == 0 {
			c.Flags = spark.DescribeApplication
		}
		if slices.ContainsFunc(s.desk.calls, func(c call) bool { return c.kind == Describe }) {
			return busy(nil)
		}
	}
	return s.launch(now, c, outs)
}

// check compares a call with what the device said it can do: a device
// acknowledges a call of a function that it does not have, and then never
// answers.
func (s *Session) check(c *Call) (is spark.VariableType, err error) {
	switch c.Kind {
	case Variable:
		is, ok := s.application().Variable(c.Name)
		if !ok {
			return 0, noVariable(c.Name)
		}
		return is, nil
	case Function:
		if !s.application().HasFunction(c.Name) {
			return 0, fault.Errorf(fault.NotFound, "the device has no function %q", c.Name).WithCode(rest.CodeFunctionUnknown)
		}
		if n, most := len(c.Argument), s.Limits().FunctionArg; n > most {
			return 0, fault.Errorf(fault.Invalid, "the argument is %d bytes long, this device takes at most %d", n, most).
				WithCode(rest.CodeArgumentTooLong)
		}
	}
	return 0, nil
}

// launch sends the call's request.
func (s *Session) launch(now time.Time, c Call, outs *Outs) error {
	sent := call{
		id: c.ID, kind: c.Kind, name: c.Name, flags: c.Flags, sent: now.UnixMilli(), deadline: c.Deadline.UnixMilli(),
	}
	var err error
	if sent.is, err = s.check(&c); err != nil {
		return err
	}
	var buf [256]byte
	message := buf[:0]
	if c.Kind == Ping {
		if sent.message, err = s.nextID(now, outs); err != nil {
			return busy(err)
		}
		message = spark.AppendPing(message, sent.message)
	} else {
		if sent.token, sent.message, err = s.label(now, outs); err != nil {
			return busy(err)
		}
		message, err = appendRequest(message, &c, &sent)
	}
	if most := s.Limits().Message; err == nil && len(message) > most {
		err = fault.Errorf(fault.Invalid, "the request is %d bytes long, this device takes at most %d", len(message), most)
	}
	if err != nil {
		s.tokens.Release(sent.token)
		return fault.E(fault.Invalid, "the request cannot be put to a device", err)
	}
	sent.after, sent.ordered = s.latest()
	s.desk.calls = append(s.desk.calls, sent)
	s.request(now, sent.message, message, outs)
	return nil
}

// label gives the token and the message id of a request that is answered.
func (s *Session) label(now time.Time, outs *Outs) (token byte, id uint16, err error) {
	if token, err = s.tokens.Take(); err != nil {
		return 0, 0, err
	}
	if id, err = s.nextID(now, outs); err != nil {
		s.tokens.Release(token)
		return 0, 0, err
	}
	return token, id, nil
}

func appendRequest(dst []byte, c *Call, sent *call) ([]byte, error) {
	switch c.Kind {
	case Function:
		return spark.AppendFunction(dst, sent.message, sent.token, c.Name, c.Argument)
	case Variable:
		return spark.AppendVariable(dst, sent.message, sent.token, c.Name)
	case Describe:
		return spark.AppendDescribeRequest(dst, sent.message, sent.token, c.Flags)
	default:
		return spark.AppendSignal(dst, sent.message, sent.token, c.On), nil
	}
}

// acknowledgement settles a message of ours; it may carry the response.
func (s *Session) acknowledgement(now time.Time, m *coap.Message, outs *Outs) {
	s.desk.pending.Acknowledge(m.ID)
	s.proved(now)
	if m.Code != coap.Empty {
		s.response(now, m, outs)
		return
	}
	i := s.desk.callOf(m.ID)
	if i < 0 && !s.udp() {
		// Devices on TCP answer a ping with an id of their own: any
		// acknowledgement will do.
		i = slices.IndexFunc(s.desk.calls, func(c call) bool { return c.kind == Ping })
	}
	switch {
	case i < 0:
	case s.desk.calls[i].kind == Ping:
		s.finish(now, i, Reply{Stage: Answered}, outs)
	default:
		s.desk.calls[i].acked = true
	}
}

// rejected is a reset from the device: it does not want a message of ours.
func (s *Session) rejected(now time.Time, id uint16, outs *Outs) {
	s.desk.pending.Reset(id)
	s.proved(now)
	if i := s.desk.callOf(id); i >= 0 {
		s.finish(now, i, Reply{Stage: Answered, Err: deviceError("the device rejected the request")}, outs)
	}
}

// response gives a call the device's answer.
func (s *Session) response(now time.Time, m *coap.Message, outs *Outs) {
	if len(m.Token) != 1 {
		s.Malformed++
		return
	}
	token := m.Token[0]
	i := slices.IndexFunc(s.desk.calls, func(c call) bool { return c.kind != Ping && c.token == token })
	if i < 0 {
		s.late(now, token)
		return
	}
	if s.desk.calls[i].precedes(m) {
		s.Late++ // it proves nothing: perhaps it is repeated because we are not heard
		return
	}
	s.proved(now)
	if !fits(s.desk.calls[i].kind, m.Code) {
		s.Malformed++
		return
	}
	if s.desk.calls[i].kind == Describe {
		s.receiveAnswer(now, i, m, outs)
		return
	}
	s.heardOut(now)
	s.finish(now, i, s.read(&s.desk.calls[i], m), outs)
}

// latest gives the id of the device's message that came last. On TCP there is
// nothing to know: a stream ends with its process.
func (s *Session) latest() (id uint16, ok bool) {
	if !s.udp() {
		return 0, false
	}
	if id, ok = s.desk.answered.Latest(); ok {
		return id, true
	}
	return s.pingID, s.pinged
}

// precedes tells whether the device said m before it was asked. A session that
// was restored does not know which tokens had been in use, and a device repeats
// the answer to a call of an earlier process for 42 s. Its ids go up; one far
// below is of a device that began anew.
func (c *call) precedes(m *coap.Message) bool {
	return c.ordered && m.Type != coap.Acknowledgement && c.after-m.ID < coap.Lately
}

// fits tells whether a code can be the answer to a call: one more check that it
// is not the answer to another one.
func fits(k CallKind, c coap.Code) bool {
	switch {
	case c.Class() != 2:
		return true
	case k == Variable || k == Describe:
		return c == coap.Content
	default:
		return c == coap.Changed
	}
}

// late takes the answer to a call that was given up: its token is free now.
func (s *Session) late(now time.Time, token byte) {
	i := slices.IndexFunc(s.desk.stale, func(t staleToken) bool { return t.token == token })
	if i < 0 {
		return
	}
	s.desk.stale = slices.Delete(s.desk.stale, i, i+1)
	s.tokens.Release(token)
	s.proved(now)
	s.heardOut(now)
	s.Late++
}

// read turns the device's answer into the call's.
func (s *Session) read(c *call, m *coap.Message) Reply {
	r := Reply{Stage: Answered}
	var err error
	switch {
	case m.Code == coap.NotFound && c.kind == Variable:
		r.Err = noVariable(c.name)
	case m.Code == coap.BadRequest && c.kind == Function:
		r.Err = fault.Errorf(fault.Invalid, "the device refused the argument (%s)", m.Code)
	case m.Code.Class() != 2:
		r.Err = deviceError("the device could not carry out the request (" + m.Code.String() + ")")
	case c.kind == Function:
		r.Value.Type = spark.TypeInt
		r.Value.Int, err = spark.ParseFunctionResult(m)
	case c.kind == Variable:
		r.Value, err = spark.ParseValue(m, c.is)
	}
	if err != nil {
		s.Malformed++
		r = Reply{Stage: Answered}
		r.Err = fault.E(fault.Unavailable, "the device's answer does not make sense", err).WithCode(rest.CodeDeviceError)
	}
	return r
}

// finish ends the i-th call with the reply. The token of a call that was not
// answered is not used again for a while.
func (s *Session) finish(now time.Time, i int, r Reply, outs *Outs) {
	c := s.desk.calls[i]
	s.desk.calls = slices.Delete(s.desk.calls, i, i+1)
	s.desk.pending.Acknowledge(c.message)
	switch {
	case c.kind == Ping:
	case r.Stage == Answered:
		s.tokens.Release(c.token)
	default:
		s.desk.stale = append(s.desk.stale, staleToken{token: c.token, until: now.UnixMilli() + staleWait})
	}
	if r.Stage != Answered {
		r.Stage = SentNoAck
		if c.acked {
			r.Stage = AckedNoResponse
		}
		if e, ok := errors.AsType[*fault.Error](r.Err); ok && e.Kind == fault.Timeout {
			e.Code = r.Stage.String()
		}
	}
	if c.id != 0 {
		r.ID, r.Took = c.id, time.Duration(now.UnixMilli()-c.sent)*time.Millisecond
		r.Unheard, r.UnheardSince = s.desk.deaf.told()
		outs.add(Out{Kind: Replied, Reply: r})
	}
}

// giveUp ends the i-th call, which was not answered in time.
func (s *Session) giveUp(now time.Time, i int, outs *Outs) {
	c := s.desk.calls[i]
	s.miss(now, &c)
	s.finish(now, i, Reply{Err: silent()}, outs)
	if c.acked && (c.kind == Function || c.kind == Variable) {
		s.unheard(now)
	}
	if c.kind == Function && c.acked && !s.doubted && s.word == device.Online {
		// Perhaps it does not have that function any more.
		s.doubted = true
		s.ask(now, spark.DescribeApplication, outs)
	}
}

// miss draws the conclusion from a call without an answer: a device that did
// not even acknowledge it in good time is in doubt.
func (s *Session) miss(now time.Time, c *call) {
	if !c.acked && now.UnixMilli()-c.sent >= doubtAfter {
		s.doubt(now)
	}
}

// cancel forgets a call whose caller is gone.
func (s *Session) cancel(now time.Time, id uint64) {
	if i := slices.IndexFunc(s.desk.calls, func(c call) bool { return c.id == id && id != 0 }); i >= 0 {
		s.miss(now, &s.desk.calls[i])
		s.desk.calls[i].id = 0
		s.finish(now, i, Reply{}, nil)
		return
	}
	s.desk.waiting = slices.DeleteFunc(s.desk.waiting, func(c Call) bool { return c.ID == id && id != 0 })
}

// failCalls ends all calls of a device that is gone.
func (s *Session) failCalls(now time.Time, outs *Outs) {
	for len(s.desk.calls) > 0 {
		s.finish(now, 0, Reply{Err: lost(s.reason.get())}, outs)
	}
	for _, c := range s.desk.waiting {
		refused(&c, Queued, lost(s.reason.get()), outs)
	}
	s.desk.waiting = nil
}

// expireCalls ends the calls whose time is up.
func (s *Session) expireCalls(now time.Time, outs *Outs) {
	ms := now.UnixMilli()
	for {
		i := slices.IndexFunc(s.desk.calls, func(c call) bool { return ms >= c.deadline })
		if i < 0 {
			break
		}
		s.giveUp(now, i, outs)
	}
	s.desk.waiting = slices.DeleteFunc(s.desk.waiting, func(c Call) bool {
		due := ms >= c.Deadline.UnixMilli()
		if due {
			refused(&c, Queued, silent(), outs)
		}
		return due
	})
}

// expireTokens frees the tokens whose answers will not come any more.
func (s *Session) expireTokens(now time.Time) {
	ms := now.UnixMilli()
	s.desk.stale = slices.DeleteFunc(s.desk.stale, func(t staleToken) bool {
		if ms < t.until {
			return false
		}
		s.tokens.Release(t.token)
		return true
	})
}

// callOf finds the call whose request has the message id; −1: none.
func (d *desk) callOf(id uint16) int {
	return slices.IndexFunc(d.calls, func(c call) bool { return c.message == id })
}

// deadline is when the first call ends; 0: there is none.
func (d *desk) deadline() (next int64) {
	if d == nil {
		return 0
	}
	for i := range d.calls {
		next = sooner(next, d.calls[i].deadline)
	}
	for i := range d.waiting {
		next = sooner(next, d.waiting[i].Deadline.UnixMilli())
	}
	if d.climb.at != 0 {
		next = sooner(next, d.climb.at)
	}
	return next
}

func sooner(a, b int64) int64 {
	if a == 0 || b < a {
		return b
	}
	return a
}

func silent() error { return fault.Errorf(fault.Timeout, "the device did not answer in time") }

func lost(why device.Reason) error {
	return fault.Errorf(fault.Offline, "the connection to the device ended (%s)", why).WithCode(rest.CodeNotConnected)
}

func busy(cause error) error {
	return fault.E(fault.Busy, "too many requests to this device are on their way already", cause).WithCode(rest.CodeDeviceBusy)
}

func noVariable(name string) error {
	return fault.Errorf(fault.NotFound, "the device has no variable %q", name).WithCode(rest.CodeVariableUnknown)
}

func deviceError(text string) error {
	return fault.Errorf(fault.Unavailable, "%s", text).WithCode(rest.CodeDeviceError)
}

// Calling gives how many calls somebody waits for.
func (s *Session) Calling() int {
	if s.desk == nil {
		return 0
	}
	n := len(s.desk.waiting)
	for i := range s.desk.calls {
		if s.desk.calls[i].id != 0 {
			n++
		}
	}
	return n
}
