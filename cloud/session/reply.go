package session

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/coap"
)

// maxHeld is how many answers may wait for the store. What comes beyond that
// is as if it had not come, and the device repeats it.
const maxHeld = 32

// heldAnswer is an answer that waits until what it depends on is durable: a
// record or, if it answers one, an event.
type heldAnswer struct {
	event   bool
	version uint32 // of the record
	id      uint16
	message []byte
}

// answer sends message, or an empty acknowledgement for nil, in answer to a
// confirmable m, and keeps it for a repetition. A message that asks for no
// answer gets none.
func (s *Session) answer(now time.Time, m *coap.Message, message []byte, outs *Outs) {
	if m.Type != coap.Confirmable {
		return
	}
	var buf [4]byte
	if message == nil {
		message = coap.AppendEmpty(buf[:0], coap.Acknowledgement, m.ID)
	}
	s.reply(now, m.ID, message, outs)
}

func (s *Session) reply(now time.Time, id uint16, message []byte, outs *Outs) {
	if s.udp() {
		s.desk.answered.Remember(now, id, message)
		s.acknowledged(now, id)
	}
	s.send(now, message, outs)
}

// answerCode acknowledges a confirmable m with a code and no payload.
func (s *Session) answerCode(now time.Time, m *coap.Message, code coap.Code, outs *Outs) {
	var buf [16]byte
	s.answer(now, m, acknowledgement(buf[:0], m, code), outs)
}

// answerDurably acknowledges a confirmable m with a code once what the session
// knows now is stored. A stream cannot outlive its process, so there is
// nothing to wait for on TCP.
func (s *Session) answerDurably(now time.Time, m *coap.Message, code coap.Code, outs *Outs) {
	if s.durable() || m.Type != coap.Confirmable {
		s.answerCode(now, m, code, outs)
		return
	}
	s.desk.answered.Remember(now, m.ID, nil)
	s.desk.held = append(s.desk.held, heldAnswer{version: s.version, id: m.ID, message: acknowledgement(nil, m, code)})
}

// canHold tells whether an answer to m that has to wait finds a place.
func (s *Session) canHold() bool { return len(s.desk.held) < maxHeld }

// acknowledgement appends the acknowledgement of m: empty for coap.Empty, else
// with the code.
func acknowledgement(dst []byte, m *coap.Message, code coap.Code) []byte {
	if code == coap.Empty {
		return coap.AppendEmpty(dst, coap.Acknowledgement, m.ID)
	}
	return coap.AppendPiggyback(dst, m, code, nil)
}

// release sends the answers that waited for the record with the token.
func (s *Session) release(now time.Time, token uint32, outs *Outs) {
	waiting := s.desk.held[:0]
	for _, h := range s.desk.held {
		if h.event || !reached(token, h.version) {
			waiting = append(waiting, h)
			continue
		}
		s.reply(now, h.id, h.message, outs)
	}
	clear(s.desk.held[len(waiting):])
	s.desk.held = waiting
}

// holdEvent keeps the answer to m, which is an event, back until it is kept, and
// gives the token that Kept names it by. It is not yet among the messages that
// were received: if this process hands the session on meanwhile, the device
// repeats it to the next.
func (s *Session) holdEvent(m *coap.Message) (token uint32) {
	s.desk.held = append(s.desk.held, heldAnswer{event: true, id: m.ID, message: acknowledgement(nil, m, coap.Changed)})
	return eventToken(m.ID)
}

// holdsEvent tells whether the answer to the event with the message id is held.
func (s *Session) holdsEvent(id uint16) bool {
	return slices.ContainsFunc(s.desk.held, func(h heldAnswer) bool { return h.event && h.id == id })
}

// eventToken is never 0, which stands for nobody who waits.
func eventToken(id uint16) uint32 { return 1<<16 | uint32(id) }

// kept answers the event with the token. A device whose event could not be kept
// is told so, and not that all is well.
func (s *Session) kept(now time.Time, token uint32, err error, outs *Outs) {
	at := slices.IndexFunc(s.desk.held, func(h heldAnswer) bool { return h.event && eventToken(h.id) == token })
	if at < 0 {
		return
	}
	h := s.desk.held[at]
	s.desk.held = slices.Delete(s.desk.held, at, at+1)
	if err != nil {
		h.message[1] = byte(codeOf(fault.Unavailable)) // the second byte of every message is its code
	}
	s.reply(now, h.id, h.message, outs)
}

// codeOf is the CoAP code that tells a device of a failure of ours: the one
// table from fault.Kind to CoAP.
func codeOf(k fault.Kind) coap.Code {
	switch k {
	case fault.Invalid:
		return coap.BadRequest
	case fault.Unauthenticated:
		return coap.Unauthorized
	case fault.Denied:
		return coap.Forbidden
	case fault.NotFound:
		return coap.NotFound
	case fault.Conflict:
		return coap.PreconditionFailed
	case fault.Busy, fault.Unavailable:
		return coap.ServiceUnavailable
	case fault.Offline, fault.Timeout:
		return coap.GatewayTimeout
	default:
		return coap.InternalServerError
	}
}
