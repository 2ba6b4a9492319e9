package coap

import (
	"slices"
	"time"
)

// Exchange is a confirmable message that we sent.
type Exchange struct {
	ID        uint16
	Token     byte // meaningless without HasToken
	HasToken  bool
	Sent      int       // transmissions so far: 1 when it was never repeated
	FirstSent time.Time // to the millisecond
}

// Exchanges holds the confirmable messages of a session that are not yet
// acknowledged, and says when to send them again (RFC 7252, section 4.2). It
// is empty, and a nil slice, when nothing is outstanding. It sets no bound:
// whoever adds looks at Len first.
type Exchanges struct {
	open []exchange // in the order of Add
}

// maxWait bounds the time between two transmissions: 24 days in milliseconds.
const maxWait = 1<<31 - 1

type exchange struct {
	message  []byte
	first    int64  // unix milliseconds of the first transmission
	due      int64  // unix milliseconds of the next, or of giving up
	wait     uint32 // milliseconds from the latest transmission to due
	id       uint16
	token    byte
	hasToken bool
	sent     uint8
	limit    uint8 // transmissions in all
}

func (e *exchange) export() Exchange {
	return Exchange{
		ID: e.id, Token: e.token, HasToken: e.hasToken,
		Sent: int(e.sent), FirstSent: time.UnixMilli(e.first),
	}
}

// Add notes that message, which has the given id and perhaps a one-byte token,
// was sent at now for the first time. It keeps a copy. random, uniform over
// the 32-bit numbers, spreads the repetitions.
func (x *Exchanges) Add(now time.Time, id uint16, token byte, hasToken bool, message []byte, p Params, random uint32) {
	ms, wait := now.UnixMilli(), min(p.firstWait(random), maxWait)
	x.open = append(x.open, exchange{
		message: slices.Clone(message),
		first:   ms,
		due:     ms + wait,
		wait:    uint32(wait),
		id:      id, token: token, hasToken: hasToken,
		sent: 1, limit: uint8(min(max(p.MaxRetransmit, 0), 254) + 1),
	})
}

// Acknowledge settles the exchange with the given message id: an ACK came.
func (x *Exchanges) Acknowledge(id uint16) (Exchange, bool) {
	return x.settle(func(e *exchange) bool { return e.id == id })
}

// Reset settles the exchange with the given message id: a reset came.
func (x *Exchanges) Reset(id uint16) (Exchange, bool) { return x.Acknowledge(id) }

// Respond settles the exchange with the given token: its response came before,
// or instead of, the acknowledgement, and implies it (RFC 7252, section 5.2.2).
func (x *Exchanges) Respond(token byte) (Exchange, bool) {
	return x.settle(func(e *exchange) bool { return e.hasToken && e.token == token })
}

// Has reports whether the message with the given id is outstanding.
func (x *Exchanges) Has(id uint16) bool {
	for i := range x.open {
		if x.open[i].id == id {
			return true
		}
	}
	return false
}

// Len returns how many messages are outstanding.
func (x *Exchanges) Len() int { return len(x.open) }

// Deadline returns when Expire has something to do; zero when never.
func (x *Exchanges) Deadline() time.Time {
	if len(x.open) == 0 {
		return time.Time{}
	}
	due := x.open[0].due
	for i := range x.open {
		due = min(due, x.open[i].due)
	}
	return time.UnixMilli(due)
}

// Expire calls resend with every message that is due again, and fail with
// every exchange that was repeated in vain, which it forgets. Waits count from
// now: a caller that comes late sends each message once, not all that it
// missed, and none that was sent first more than span ago, a second's grace
// apart; the last wait is cut short for that. The callbacks may call the other
// methods. resend must not keep or change message.
func (x *Exchanges) Expire(now time.Time, span time.Duration, resend func(message []byte), fail func(Exchange)) {
	ms := now.UnixMilli()
	for {
		i := slices.IndexFunc(x.open, func(e exchange) bool { return e.due <= ms })
		if i < 0 {
			return
		}
		e := &x.open[i]
		last := e.first + span.Milliseconds()
		switch {
		case e.sent >= e.limit:
			failed := e.export()
			x.remove(i)
			fail(failed)
		case ms >= last+spanGrace:
			e.sent, e.due = e.limit, ms+int64(e.wait) // it only waits on
		default:
			e.sent++
			e.wait = min(e.wait*2, maxWait)
			e.due = ms + int64(e.wait)
			if e.sent < e.limit && e.due > last && 2*(last-ms) >= int64(e.wait) {
				e.due = last
			}
			resend(e.message)
		}
	}
}

func (x *Exchanges) settle(match func(*exchange) bool) (Exchange, bool) {
	for i := range x.open {
		if e := &x.open[i]; match(e) {
			settled := e.export()
			x.remove(i)
			return settled, true
		}
	}
	return Exchange{}, false
}

func (x *Exchanges) remove(i int) {
	x.open = slices.Delete(x.open, i, i+1)
	if len(x.open) == 0 {
		x.open = nil
	}
}
