package session

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// cloudReasonSleep is the reason of a Goodbye to sleep.
const cloudReasonSleep spark.CloudReason = 6

// message acts on one CoAP message of the device; back tells that the device
// may have just reconnected.
func (s *Session) message(now time.Time, plain []byte, back bool, outs *Outs) {
	m, err := spark.Parse(plain)
	if err != nil {
		s.Malformed++
		if !s.udp() {
			// Nothing undecodable is ever answered on the channel without
			// integrity; it ends.
			s.close(now, device.Offline, device.Malformed, outs)
		}
		return
	}
	switch m.Type {
	case coap.Acknowledgement:
		s.present(now, false)
		s.acknowledgement(now, &m, outs)
		return
	case coap.Reset:
		s.present(now, false)
		s.rejected(now, m.ID, outs)
		return
	}
	if m.Code == coap.Empty {
		s.ping(now, m.ID, back, outs)
		return
	}
	if m.Type == coap.Confirmable && s.udp() && s.duplicate(now, &m, outs) {
		return
	}
	s.present(now, !m.Code.Response())
	switch {
	case m.Code.Response():
		s.answer(now, &m, nil, outs)
		s.response(now, &m, outs)
	default:
		s.serve(now, &m, outs)
	}
}

// earlierPings is how far below the last ping's id, which counts, an id is that
// of one before. A device repeats a ping for longer than it waits for the next.
const earlierPings = 64

// ping answers a ping. Its answer need not be kept: it is the same each time.
func (s *Session) ping(now time.Time, id uint16, back bool, outs *Outs) {
	var buf [4]byte
	// The device's ids go up: one a little below is an earlier ping, said again.
	again := s.udp() && s.pinged && s.pingID-id < earlierPings
	if !again {
		s.pingID, s.pinged = id, true
	}
	switch {
	case again:
		s.Duplicates++
		s.repeated(now, id, now)
	case s.udp():
		if !back && s.word == device.Online {
			s.learn(now)
		}
		s.acknowledged(now, id)
	default:
		s.pingedAgain(now)
	}
	s.present(now, !again)
	s.desk.answered.Trim(now) // an idle device does nothing but ping
	s.send(now, coap.AppendEmpty(buf[:0], coap.Acknowledgement, id), outs)
}

// duplicate answers a message that the device sent again as it was answered
// the first time, but for the time, which has gone on.
func (s *Session) duplicate(now time.Time, m *coap.Message, outs *Outs) bool {
	answer, seen := s.desk.answered.Seen(now, m.ID)
	if !seen {
		return false
	}
	s.Duplicates++
	if answer == nil {
		return true // it waits for the store
	}
	s.repeated(now, m.ID, s.desk.answered.Received(m.ID))
	if spark.Classify(m) == spark.KindTime {
		s.receiveTime(now, m, outs)
		return true
	}
	s.send(now, answer, outs)
	return true
}

// serve answers a request of the device. Every confirmable message is
// acknowledged: a device whose start-up message goes unanswered is not
// connected, whatever we think.
func (s *Session) serve(now time.Time, m *coap.Message, outs *Outs) {
	kind := spark.Classify(m)
	if s.phase < startUp {
		// Anything but the Hello has to wait for its answer; the device
		// repeats it.
		if s.phase == awaitHello && kind == spark.KindHello {
			s.receiveHello(now, m, outs)
		}
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
		s.Malformed++
		s.answerCode(now, m, coap.BadRequest, outs)
		return
	}
	var buf [16]byte
	s.answer(now, m, spark.AppendTime(buf[:0], m.ID, token, uint32(now.Unix())), outs)
}

// receiveGoodbye notes why the device leaves. Its session stays: it may come
// back within it. What is on its way to it goes nowhere.
func (s *Session) receiveGoodbye(now time.Time, m *coap.Message, outs *Outs) {
	g, err := spark.ParseGoodbye(m.Payload)
	if err != nil {
		s.Malformed++
		s.answerCode(now, m, coap.BadRequest, outs)
		return
	}
	s.answerCode(now, m, coap.Changed, outs)
	s.leave(now, &g)
	s.failCalls(now, outs)
	s.desk.pending = coap.Exchanges{}
	s.persist(outs)
}
