package coap

import (
	"encoding/binary"
	"time"
)

// DuplicateLifetime is how long the id of a received message is remembered. A
// Device OS device sends a message for the last time at most 42 s after the
// first, and has given it up after 90 s; until then a repetition is answered
// as the original was (RFC 7252, section 4.5).
const DuplicateLifetime = 90 * time.Second

// maxRemembered bounds the memory of one session, in bytes. It holds the
// answers to more than the 168 messages that a device which publishes at its
// limit, four a second, sends within 42 s.
const maxRemembered = 4096

// Duplicates remembers the peer's recent messages and what each was answered
// with. Idle, it is a nil slice; Trim brings it there.
type Duplicates struct {
	// Entries, oldest first:
	//
	//	+----------+----------+----------+------------------+
	//	| time (4) |  id (2)  | len (2)  |   answer (len)   |   time: unix seconds
	//	+----------+----------+----------+------------------+
	log []byte
}

const entryHeader = 8

// Seen reports whether the message with the given id came before, and what it
// was answered with: nil when it needs no answer, or has none yet. The answer
// is good until the next call of Remember or Trim.
func (d *Duplicates) Seen(now time.Time, id uint16) (answer []byte, dup bool) {
	d.Trim(now)
	at, n := d.find(id)
	if n == 0 {
		return nil, false
	}
	if n == entryHeader {
		return nil, true
	}
	return d.log[at+entryHeader : at+n : at+n], true
}

// Received tells when the message with the given id came first, or was answered
// if that was later: the second in which that was. The zero time: it is not
// remembered.
func (d *Duplicates) Received(id uint16) time.Time {
	at, n := d.find(id)
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint32(d.log[at:])), 0)
}

// Remember notes that a message was received, and the answer that a
// repetition is to get. While the answer still waits for something it is nil,
// and a second Remember puts it in. When memory is full the oldest message is
// forgotten; an answer that is longer than all of it (4 KB) is not kept.
func (d *Duplicates) Remember(now time.Time, id uint16, answer []byte) {
	d.Trim(now)
	if at, n := d.find(id); n > 0 {
		d.log = append(d.log[:at], d.log[at+n:]...)
	}
	if entryHeader+len(answer) > maxRemembered {
		answer = nil
	}
	cut := 0
	for len(d.log)-cut+entryHeader+len(answer) > maxRemembered {
		cut += d.entry(cut)
	}
	d.drop(cut)
	d.log = binary.BigEndian.AppendUint32(d.log, uint32(now.Unix()))
	d.log = binary.BigEndian.AppendUint16(d.log, id)
	d.log = binary.BigEndian.AppendUint16(d.log, uint16(len(answer)))
	d.log = append(d.log, answer...)
}

// Trim forgets what is older than DuplicateLifetime and gives memory back.
func (d *Duplicates) Trim(now time.Time) {
	cut := 0
	for cut < len(d.log) {
		at := int64(binary.BigEndian.Uint32(d.log[cut:]))
		if now.Unix()-at <= int64(DuplicateLifetime/time.Second) {
			break
		}
		cut += d.entry(cut)
	}
	d.drop(cut)
}

// Latest gives the id of the message that was remembered last.
func (d *Duplicates) Latest() (id uint16, ok bool) {
	for at := 0; at < len(d.log); at += d.entry(at) {
		id, ok = binary.BigEndian.Uint16(d.log[at+4:]), true
	}
	return id, ok
}

// Lately is how far above another one an id is at most that was given after it;
// one further above is of a peer that began anew, or has been around.
const Lately = 256

// Overtaken reports whether a message is remembered that the peer sent after the
// one with the given id, by the order of their ids.
func (d *Duplicates) Overtaken(id uint16) bool {
	for at := 0; at < len(d.log); at += d.entry(at) {
		if later := binary.BigEndian.Uint16(d.log[at+4:]); later != id && later-id < Lately {
			return true
		}
	}
	return false
}

// Empty reports whether none is remembered.
func (d *Duplicates) Empty() bool { return len(d.log) == 0 }

// Len returns how many messages are remembered.
func (d *Duplicates) Len() int {
	n := 0
	for at := 0; at < len(d.log); at += d.entry(at) {
		n++
	}
	return n
}

// find returns where the entry of id begins and how long it is; 0 when there
// is none.
func (d *Duplicates) find(id uint16) (at, n int) {
	for at < len(d.log) {
		n := d.entry(at)
		if binary.BigEndian.Uint16(d.log[at+4:]) == id {
			return at, n
		}
		at += n
	}
	return 0, 0
}

// entry returns the length of the entry at the given place.
func (d *Duplicates) entry(at int) int {
	return entryHeader + int(binary.BigEndian.Uint16(d.log[at+6:]))
}

// drop cuts the oldest bytes off, and moves to a smaller array when most of
// the one in use would lie idle.
func (d *Duplicates) drop(cut int) {
	if cut == 0 {
		return
	}
	rest := d.log[cut:]
	switch {
	case len(rest) == 0:
		d.log = nil
	case cap(d.log) > 4*len(rest):
		d.log = append(make([]byte, 0, len(rest)), rest...)
	default:
		d.log = append(d.log[:0], rest...)
	}
}
