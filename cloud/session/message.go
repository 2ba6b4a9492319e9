package session

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// cloudReasonSleep is the reason of a Goodbye to sleep.
const cloudReasonSleep spark.CloudReason = 6

// message acts on one CoAP message of the device.
func (s *Session) message(now time.Time, plain []byte, outs *Outs) {
	m, err := spark.Parse(plain)
	if err != nil {
		s.Malformed++
		if !s.udp {
			// Nothing undecodable is ever answered on the channel without
			// integrity; it ends.
			s.close(now, device.Malformed, outs)
		}
		return
	}
	switch m.Type {
	case coap.Acknowledgement:
		s.acknowledgement(now, &m, outs)
	case coap.Reset:
		if e, ok := s.pending.Reset(m.ID); ok {
			s.failCall(now, e, outs)
		}
	default:
		if m.Type == coap.Confirmable && s.udp && s.duplicate(now, &m, outs) {
			break
		}
		switch {
		case m.Code == coap.Empty:
			s.learn(now)
			s.answer(now, &m, nil, outs)
		case m.Code.Response():
			s.answer(now, &m, nil, outs)
			s.response(now, &m, outs)
		default:
			s.serve(now, &m, outs)
		}
	}
	s.spokeAt = now.UnixMilli()
}

// duplicate answers a message that the device sent again as it was answered
// the first time.
func (s *Session) duplicate(now time.Time, m *coap.Message, outs *Outs) bool {
	answer, seen := s.answered.Seen(now, m.ID)
	if !seen {
		return false
	}
	s.repeated(m.ID)
	if answer != nil {
		s.send(now, answer, outs)
	}
	return true
}

// acknowledgement settles a message of ours; it may carry the response.
func (s *Session) acknowledgement(now time.Time, m *coap.Message, outs *Outs) {
	e, ok := s.pending.Acknowledge(m.ID)
	if ok || !s.udp {
		s.proved(now)
	}
	switch {
	case m.Code != coap.Empty:
		s.response(now, m, outs)
	case ok && e.HasToken:
		s.ackedCall(e.Token)
	case ok || !s.udp:
		s.pinged(now, m.ID, outs)
	}
}

// serve answers a request of the device. Every confirmable message is
// acknowledged: a device whose start-up message goes unanswered is not
// connected, whatever we think.
func (s *Session) serve(now time.Time, m *coap.Message, outs *Outs) {
	kind := spark.Classify(m)
	if s.phase == awaitHello || s.phase == claiming {
		if kind == spark.KindHello && s.phase == awaitHello {
			s.receiveHello(now, m, outs)
		}
		// Anything else before the Hello is answered has to wait; the device
		// repeats it.
		return
	}
	switch kind {
	case spark.KindHello:
		s.receiveHello(now, m, outs)
	case spark.KindDescribe:
		s.receiveDescribe(now, m, outs)
	case spark.KindSubscribe:
		s.receiveSubscription(now, m, outs)
	case spark.KindEvent:
		s.receiveEvent(now, m, outs)
	case spark.KindTime:
		s.receiveTime(now, m, outs)
	case spark.KindGoodbye:
		s.receiveGoodbye(now, m, outs)
	default:
		s.answerCode(now, m, coap.NotFound, outs)
	}
}

// receiveTime tells the device the time.
func (s *Session) receiveTime(now time.Time, m *coap.Message, outs *Outs) {
	token, err := spark.Token(m)
	if err != nil {
		s.answerCode(now, m, coap.BadRequest, outs)
		return
	}
	var buf [16]byte
	s.answer(now, m, spark.AppendTime(buf[:0], m.ID, token, uint32(now.Unix())), outs)
}

// receiveGoodbye notes why the device leaves. Its session stays: it may come
// back within it.
func (s *Session) receiveGoodbye(now time.Time, m *coap.Message, outs *Outs) {
	g, err := spark.ParseGoodbye(m.Payload)
	if err != nil {
		s.answerCode(now, m, coap.BadRequest, outs)
		return
	}
	s.answerCode(now, m, coap.Changed, outs)
	s.failCalls(now, outs)
	s.silenceAt = 0
	if g.CloudReason == cloudReasonSleep {
		s.until = 0
		if g.SleepSeconds > 0 {
			s.until = now.Add(time.Duration(g.SleepSeconds) * time.Second).UnixMilli()
		}
		s.setWord(now, device.Asleep, device.DeviceSleep)
		return
	}
	s.setWord(now, device.Offline, device.DeviceGoodbye)
	if !s.udp {
		s.silenceAt = now.Add(silenceTCP).UnixMilli()
	}
}
