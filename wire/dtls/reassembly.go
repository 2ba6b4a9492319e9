package dtls

import (
	"bytes"
	"errors"

	"github.com/cyan-cloud/cyan/wire/dtls/message"
)

// Errors of reassembly. None ends the handshake.
var (
	ErrFragment = errors.New("dtls: fragments of a message disagree") // what was collected of it is dropped
	ErrTooMany  = errors.New("dtls: handshake message is beyond the flight")
	ErrTooBig   = errors.New("dtls: handshake message is too long")
)

// flightMessages is the number of handshake messages in the longest flight of either side.
const flightMessages = 4

// reassembly puts the peer's handshake messages together and in order. It holds at most flightMessages messages of limit
// bytes, whatever lengths are declared to it. RFC 6347 §4.2.3.
type reassembly struct {
	next  uint16    // message_seq of the message to be handed out next
	limit int       // bytes of a message
	slots []partial // of next and what follows it, flightMessages; nil: none has arrived
}

// partial is a message of which some fragments have arrived; its zero value is one of which none has.
type partial struct {
	started bool
	kind    message.Type
	body    []byte
	seen    []uint64 // bit i: body[i] is known
	missing int      // bytes
}

// add takes a fragment, of any message, in any order, as often as it comes. A message that was handed out already is
// ignored.
func (a *reassembly) add(f message.Fragment) error {
	switch {
	case f.Seq < a.next:
		return nil
	case f.Seq-a.next >= flightMessages:
		return ErrTooMany
	case f.Length > a.limit:
		return ErrTooBig
	}
	if a.slots == nil {
		a.slots = make([]partial, flightMessages)
	}
	p := &a.slots[f.Seq-a.next]
	if !p.started {
		*p = begin(f)
	}
	if p.kind != f.Type || len(p.body) != f.Length || !p.fill(f.Offset, f.Body) {
		// One of the two is not the peer's, and nothing tells which. The newer stays: so a peer that repeats its whole
		// message gets through, whatever was there.
		*p = begin(f)
		p.fill(f.Offset, f.Body)
		return ErrFragment
	}
	return nil
}

// begin is a message of which nothing but its fragment's header is known.
func begin(f message.Fragment) partial {
	return partial{
		started: true,
		kind:    f.Type,
		missing: f.Length,
		body:    make([]byte, f.Length),
		seen:    make([]uint64, (f.Length+63)/64),
	}
}

// fill copies data to its place and reports whether it agrees with what was there.
func (p *partial) fill(offset int, data []byte) bool {
	if p.missing == 0 {
		return bytes.Equal(p.body[offset:offset+len(data)], data)
	}
	for i, b := range data {
		at := offset + i
		word, bit := &p.seen[at/64], uint64(1)<<(at%64)
		if *word&bit == 0 {
			*word |= bit
			p.body[at] = b
			p.missing--
		} else if p.body[at] != b {
			return false
		}
	}
	return true
}

// pop hands out the next message, if it is complete. The result owns its body.
func (a *reassembly) pop() (f message.Fragment, ok bool) {
	if len(a.slots) == 0 {
		return f, false
	}
	p := &a.slots[0]
	if !p.started || p.missing > 0 {
		return f, false
	}
	f = message.Fragment{Type: p.kind, Length: len(p.body), Seq: a.next, Body: p.body}
	copy(a.slots, a.slots[1:])
	a.slots[flightMessages-1] = partial{}
	a.next++
	return f, true
}
