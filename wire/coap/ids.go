package coap

import "time"

// ReuseAfter is how long a Device OS device remembers the id of a confirmable
// message: within that time another message with the same id gets the old
// answer again and is not carried out.
const ReuseAfter = 45 * time.Second

// MessageIDs hands out the message ids of one direction of a session, counting
// up. None comes back within ReuseAfter. The zero value begins with 1, as a
// device does.
type MessageIDs struct {
	// The latest time at which an id of the lower and of the upper half was
	// handed out, unix milliseconds; 0 for never. Ids go round, so entering a half is safe
	// once the last id of its previous round is old enough.
	used [2]int64
	last uint16
}

// Seed sets the id that counts as handed out last; the next one follows it.
func (m *MessageIDs) Seed(last uint16) { m.last = last }

// Current returns the id handed out last: what Seed takes to continue.
func (m *MessageIDs) Current() uint16 { return m.last }

// Rest forgets everything, also the latest id, when any id may be used again:
// when none was handed out for ReuseAfter.
func (m *MessageIDs) Rest(now time.Time) {
	if now.UnixMilli()-max(m.used[0], m.used[1]) >= ReuseAfter.Milliseconds() {
		*m = MessageIDs{}
	}
}

// Next returns the next id, or ErrNoMessageID when it might have been used
// within ReuseAfter: more than 32,768 messages in that time.
func (m *MessageIDs) Next(now time.Time) (uint16, error) {
	const half = 1 << 15
	id, ms := m.last+1, now.UnixMilli()
	h := id / half
	if id%half == 0 && m.used[h] != 0 && ms-m.used[h] < ReuseAfter.Milliseconds() {
		return 0, ErrNoMessageID
	}
	m.last = id
	m.used[h] = ms
	return id, nil
}
