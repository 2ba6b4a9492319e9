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
	helloWait = 60 * time.Second // from the handshake to Hello
	startWait = 90 * time.Second // from Hello to the application's describe
	quietWait = 5 * time.Second  // without a further subscription they are complete
)

// maxSubscriptions bounds what a device can ask to hear; its own table has
// six places.
const maxSubscriptions = 32

// receiveHello takes the device's word for who it is as far as its key goes.
func (s *Session) receiveHello(now time.Time, m *coap.Message, outs *Outs) {
	h, err := spark.ParseHello(m.Payload)
	if err != nil {
		s.Malformed++
		s.answerCode(now, m, coap.BadRequest, outs)
		return
	}
	if h.HasDeviceID && !s.id.IsZero() && device.ID(h.DeviceID) != s.id {
		s.refuse(now, device.KeyMismatch, outs)
		return
	}
	s.hello, s.limits = h, spark.LimitsFor(&h)
	if s.id.IsZero() {
		if !h.HasDeviceID {
			s.refuse(now, device.UnknownDevice, outs)
			return
		}
		s.phase = claiming
		s.helloID = m.ID
		outs.add(Out{Kind: Claim, Device: device.ID(h.DeviceID)})
		return
	}
	s.greet(now, m.ID, m.Type == coap.Confirmable, outs)
}

// admit lets a device in whose key was on no file until now.
func (s *Session) admit(now time.Time, id device.ID, outs *Outs) {
	if s.phase != claiming {
		return
	}
	s.id = id
	s.greet(now, s.helloID, s.udp, outs)
}

// greet answers Hello; the start-up begins. A device of a generation that
// waits to be asked is asked what it can do.
func (s *Session) greet(now time.Time, helloID uint16, confirmable bool, outs *Outs) {
	var buf [8]byte
	if confirmable {
		s.reply(now, helloID, coap.AppendEmpty(buf[:0], coap.Acknowledgement, helloID), outs)
	}
	if !s.udp {
		if id, err := s.ids.Next(now); err == nil {
			s.send(now, spark.AppendServerHello(buf[:0], id), outs)
		}
	} else if cellular[s.hello.PlatformID] {
		s.keepAlive = max(s.keepAlive, keepAliveCellular)
	}
	s.phase = startUp
	s.describe, s.blocks, s.inquiry = nil, nil, nil
	s.subscriptions = nil
	s.quietAt, s.startDeadline = 0, now.Add(startWait).UnixMilli()
	s.setWord(now, device.Online, device.ReasonNone)
	s.changed = true
	outs.add(Out{Kind: Reached, Stage: device.StageHello})
	outs.add(Out{Kind: Described})
	s.persist(now, outs)
	if !s.hello.Describes() {
		s.ask(now, spark.DescribeSystem, outs)
	}
}

// refuse turns away a device whose key is not good for what it claims. On UDP
// it is told by an alert under its own keys, so that it does not wait in vain;
// on TCP nothing is ever said.
func (s *Session) refuse(now time.Time, reason device.Reason, outs *Outs) {
	if s.udp {
		var buf [2]byte
		s.sendAs(now, dtls.Alert, dtls.AppendAlert(buf[:0], dtls.Fatal, dtls.AccessDenied), outs)
	}
	s.close(now, reason, outs)
	s.setWord(now, device.Refused, reason)
}

// receiveSubscription notes what the device wants to hear.
func (s *Session) receiveSubscription(now time.Time, m *coap.Message, outs *Outs) {
	sub, err := spark.ParseSubscription(m, s.hello.SystemVersion)
	if err != nil {
		s.answerCode(now, m, coap.BadRequest, outs)
		return
	}
	if s.quietAt != 0 {
		s.quietAt = now.Add(quietWait).UnixMilli()
	}
	for _, have := range s.subscriptions {
		if have == sub {
			s.answerDurably(now, m, coap.Empty, outs)
			return
		}
	}
	if len(s.subscriptions) >= maxSubscriptions {
		s.answerCode(now, m, coap.RequestEntityTooLarge, outs)
		return
	}
	s.subscriptions = append(s.subscriptions, sub)
	outs.add(Out{Kind: Described})
	s.answerDurably(now, m, coap.Empty, outs)
}

// described moves the start-up on when the application's describe is there:
// calls that waited for it go out, and the subscriptions have until it is
// quiet.
func (s *Session) described(now time.Time, outs *Outs) {
	outs.add(Out{Kind: Described})
	if s.phase == startUp {
		outs.add(Out{Kind: Reached, Stage: device.StageDescribe})
		s.startDeadline, s.quietAt = 0, now.Add(quietWait).UnixMilli()
	}
	waiting := s.waiting
	s.waiting = nil
	for _, c := range waiting {
		s.call(now, c, outs)
	}
}

// expireStart ends a start-up: well when the subscriptions are complete, badly
// when the describe never came.
func (s *Session) expireStart(now time.Time, outs *Outs) {
	ms := now.UnixMilli()
	switch {
	case s.quietAt != 0 && ms >= s.quietAt:
		s.quietAt = 0
		if s.phase == startUp {
			s.phase = established
			outs.add(Out{Kind: Reached, Stage: device.StageSubscriptions})
			outs.add(Out{Kind: Reached, Stage: device.StageOnline})
			s.persist(now, outs)
		}
	case s.startDeadline == 0 || ms < s.startDeadline:
	case s.phase == startUp:
		s.reset(now, outs)
		s.close(now, device.StartupIncomplete, outs)
	default:
		s.close(now, device.NoHello, outs)
	}
}
