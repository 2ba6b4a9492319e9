package session

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// The clock of a start-up. A device on UDP repeats its Hello for 60 to 90 s.
const (
	helloWait = 60 * time.Second // from the handshake to Hello, and from there to its answer
	startWait = 90 * time.Second // from Hello to the application's describe; it is asked for, and waited for as long again
	quietWait = 5 * time.Second  // without a further subscription they are complete
)

// receiveHello takes the device's word for who it is as far as its key goes.
func (s *Session) receiveHello(now time.Time, m *coap.Message, outs *Outs) {
	h, err := spark.ParseHello(m.Payload)
	if err != nil {
		s.Malformed++
		s.answerCode(now, m, coap.BadRequest, outs)
		s.close(now, device.Offline, device.Malformed, outs)
		return
	}
	switch {
	case s.id.IsZero() && !h.HasDeviceID:
		s.refuse(now, device.UnknownDevice, outs)
		return
	case !s.id.IsZero() && h.HasDeviceID && device.ID(h.DeviceID) != s.id:
		s.refuse(now, device.KeyMismatch, outs)
		return
	}
	s.introduce(h)
	s.helloID, s.helloNON = m.ID, m.Type != coap.Confirmable
	if s.udp() && h.PlatformID < 64 && cellular>>h.PlatformID&1 != 0 {
		s.keepAlive = max(s.keepAlive, keepAliveCellular)
	}
	switch {
	case s.id.IsZero():
		s.phase = claiming
		s.desk.answered.Remember(now, m.ID, nil)
		outs.add(Out{Kind: Claim, Device: device.ID(h.DeviceID)})
	case s.udp() && s.phase >= startUp && h.Describes():
		s.renew(now, m, outs)
	default:
		s.welcome(now, outs)
	}
}

// admit lets a device in whose key was on no file until now.
func (s *Session) admit(now time.Time, id device.ID, outs *Outs) {
	if s.phase == claiming {
		s.id = id
		s.welcome(now, outs)
	}
}

// renew takes a Hello within a session that the device goes on with: something
// in it has changed. Device OS 2.0 and later sends again what it described and
// subscribed to only where that has changed too, so it all stays.
func (s *Session) renew(now time.Time, m *coap.Message, outs *Outs) {
	if !s.canHold() {
		return
	}
	outs.add(Out{Kind: Reached, Stage: device.StageHello})
	outs.add(Out{Kind: Described})
	s.persist(outs)
	s.answerDurably(now, m, coap.Empty, outs)
}

// welcome begins the start-up by making the session durable. What the device
// said before, within a session that it goes on with, it says again; an answer
// to that which still waits would be one to something forgotten.
func (s *Session) welcome(now time.Time, outs *Outs) {
	s.subscriptions = shared[string]{}
	s.desk.held, s.desk.answered = nil, coap.Duplicates{}
	s.desk.clock.quietAt, s.desk.clock.startDeadline = 0, now.Add(helloWait).UnixMilli()
	s.phase = greeting
	outs.add(Out{Kind: Reached, Stage: device.StageHello})
	outs.add(Out{Kind: Described})
	if !s.udp() {
		s.greet(now, outs)
		return
	}
	s.desk.answered.Remember(now, s.helloID, nil)
	s.persist(outs)
	s.greetAt = s.version
}

// describes tells whether the device says unasked what it can do.
func (s *Session) describes() bool {
	h := s.hello.get()
	return h.Describes()
}

// greet answers Hello. A device of a generation that waits to be asked is
// asked what it can do, which it would not hear before the answer.
func (s *Session) greet(now time.Time, outs *Outs) {
	var buf [8]byte
	s.phase = startUp
	if s.udp() && !s.helloNON {
		s.reply(now, s.helloID, coap.AppendEmpty(buf[:0], coap.Acknowledgement, s.helloID), outs)
	}
	if !s.udp() {
		if id, err := s.nextID(now, outs); err == nil {
			s.send(now, spark.AppendServerHello(buf[:0], id), outs)
		}
	}
	s.desk.clock.startDeadline, s.reasked = now.Add(startWait).UnixMilli(), false
	s.setWord(now, device.Online, device.ReasonNone)
	if !s.describes() {
		s.ask(now, spark.DescribeApplication, outs)
	}
}

// refuse turns away a device whose key is not good for what it claims. On UDP
// it is told by an alert under its own keys, so that it does not wait in vain;
// on TCP nothing is ever said. A reason of ours is not laid at its key.
func (s *Session) refuse(now time.Time, why device.Reason, outs *Outs) {
	word, alert := device.Refused, dtls.AccessDenied
	if why.Fault() == device.Cloud {
		word, alert = device.Offline, dtls.InternalError
	}
	if s.udp() {
		var buf [2]byte
		s.sendAs(now, dtls.Alert, dtls.AppendAlert(buf[:0], dtls.Fatal, alert), outs)
	}
	s.close(now, word, why, outs)
}

// described moves the start-up on when the application's describe is there:
// calls that waited for it go out, and the subscriptions have until it is
// quiet.
func (s *Session) described(now time.Time, outs *Outs) {
	if s.phase == startUp {
		outs.add(Out{Kind: Reached, Stage: device.StageDescribe})
		s.desk.clock.startDeadline, s.desk.clock.quietAt = 0, now.Add(quietWait).UnixMilli()
	}
	waiting := s.desk.waiting
	s.desk.waiting = nil
	for _, c := range waiting {
		s.call(now, c, outs)
	}
}

// expireStart ends a start-up: well when the subscriptions are complete, badly
// when the describe does not come for the asking either. (An application that
// takes minutes to set itself up describes itself only then.)
func (s *Session) expireStart(now time.Time, outs *Outs) {
	ms := now.UnixMilli()
	if s.desk.clock.quietAt != 0 && ms >= s.desk.clock.quietAt {
		s.complete(now, outs)
	}
	switch {
	case s.desk.clock.startDeadline == 0 || ms < s.desk.clock.startDeadline:
	case s.phase == startUp && !s.reasked:
		s.desk.clock.startDeadline, s.reasked = now.Add(startWait).UnixMilli(), true
		s.ask(now, spark.DescribeApplication, outs)
	case s.phase == startUp:
		s.reset(now, outs)
		s.close(now, device.Offline, device.StartupIncomplete, outs)
	case s.phase == awaitHello:
		s.close(now, device.Offline, device.NoHello, outs)
	default:
		s.reset(now, outs)
		s.close(now, device.Offline, device.KeyStoreUnavailable, outs)
	}
}

// complete ends the start-up, unless the device still waits for the store.
func (s *Session) complete(now time.Time, outs *Outs) {
	if len(s.desk.held) > 0 {
		s.desk.clock.quietAt = now.Add(quietWait).UnixMilli()
		return
	}
	// It has been complete since the last message of the start-up.
	at := time.UnixMilli(s.desk.clock.quietAt).Add(-quietWait)
	s.desk.clock.quietAt = 0
	s.phase = established
	outs.add(Out{Kind: Reached, Stage: device.StageSubscriptions, At: at})
	outs.add(Out{Kind: Reached, Stage: device.StageOnline, At: at})
	s.persist(outs)
}
