package coap

import (
	"encoding/binary"
	"math"
	"slices"
)

// The books of a session move to another process with it. Each is exported as
// a few bytes without a version or a length of its own: whoever exports the
// session frames them.

// AppendBinary appends the ids' state, 18 bytes. It returns no error.
//
//	+-----------+----------------------+----------------------+
//	|  last (2) |  lower half used (8) |  upper half used (8) |   unix milliseconds
//	+-----------+----------------------+----------------------+
func (m *MessageIDs) AppendBinary(dst []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint16(dst, m.last)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.used[0]))
	return binary.BigEndian.AppendUint64(dst, uint64(m.used[1])), nil
}

// UnmarshalBinary restores what AppendBinary wrote, or returns ErrExport.
func (m *MessageIDs) UnmarshalBinary(b []byte) error {
	if len(b) != 18 {
		return ErrExport
	}
	m.last = binary.BigEndian.Uint16(b)
	m.used[0] = int64(binary.BigEndian.Uint64(b[2:]))
	m.used[1] = int64(binary.BigEndian.Uint64(b[10:]))
	return nil
}

// AppendBinary appends the tokens' state: the one handed out last, and every
// one in use, a byte each; 1 to 257 bytes. It returns no error.
func (t *Tokens) AppendBinary(dst []byte) ([]byte, error) {
	dst = append(dst, t.last)
	for i := 0; t.used != nil && i < 256; i++ {
		if t.used[i/64]&(1<<(i%64)) != 0 {
			dst = append(dst, byte(i))
		}
	}
	return dst, nil
}

// UnmarshalBinary restores what AppendBinary wrote, or returns ErrExport.
func (t *Tokens) UnmarshalBinary(b []byte) error {
	if len(b) < 1 || len(b) > 257 {
		return ErrExport
	}
	*t = Tokens{last: b[0]}
	for _, token := range b[1:] {
		if t.used == nil {
			t.used = new([4]uint64)
		}
		t.used[token/64] |= 1 << (token % 64)
	}
	return nil
}

const exchangeHeader = 28

// AppendBinary appends the outstanding exchanges, oldest first; nothing when
// there are none. It returns no error: a message is never longer than 65,535
// bytes, because no datagram is.
//
//	+-----------+-----------+----------+--------+-----------+---------+
//	| first (8) |  due (8)  | wait (4) | id (2) | token (1) | has (1) |
//	+-----------+-----------+----------+--------+-----------+---------+
//	| sent (1)  | limit (1) |  length (2)  |   message (length)        |
//	+-----------+-----------+--------------+---------------------------+
func (x *Exchanges) AppendBinary(dst []byte) ([]byte, error) {
	for i := range x.open {
		e := &x.open[i]
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.first))
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.due))
		dst = binary.BigEndian.AppendUint32(dst, e.wait)
		dst = binary.BigEndian.AppendUint16(dst, e.id)
		has := byte(0)
		if e.hasToken {
			has = 1
		}
		dst = append(dst, e.token, has, e.sent, e.limit)
		message := e.message[:min(len(e.message), math.MaxUint16)]
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(message)))
		dst = append(dst, message...)
	}
	return dst, nil
}

// UnmarshalBinary restores what AppendBinary wrote, or returns ErrExport. It
// keeps no reference to b.
func (x *Exchanges) UnmarshalBinary(b []byte) error {
	var open []exchange
	for len(b) > 0 {
		if len(b) < exchangeHeader || b[23] > 1 || b[24] == 0 || b[24] > b[25] {
			return ErrExport
		}
		end := exchangeHeader + int(binary.BigEndian.Uint16(b[26:]))
		wait := binary.BigEndian.Uint32(b[16:])
		if len(b) < end || wait == 0 || wait > maxWait {
			return ErrExport
		}
		open = append(open, exchange{
			message:  slices.Clone(b[exchangeHeader:end]),
			first:    int64(binary.BigEndian.Uint64(b)),
			due:      int64(binary.BigEndian.Uint64(b[8:])),
			wait:     wait,
			id:       binary.BigEndian.Uint16(b[20:]),
			token:    b[22],
			hasToken: b[23] == 1,
			sent:     b[24],
			limit:    b[25],
		})
		b = b[end:]
	}
	x.open = open
	return nil
}

// AppendBinary appends the remembered messages in the form in which they are
// held; nothing when there are none. It returns no error.
func (d *Duplicates) AppendBinary(dst []byte) ([]byte, error) {
	return append(dst, d.log...), nil
}

// UnmarshalBinary restores what AppendBinary wrote, or returns ErrExport. It
// keeps no reference to b.
func (d *Duplicates) UnmarshalBinary(b []byte) error {
	if len(b) > maxRemembered {
		return ErrExport
	}
	for rest := b; len(rest) > 0; {
		if len(rest) < entryHeader {
			return ErrExport
		}
		n := entryHeader + int(binary.BigEndian.Uint16(rest[6:]))
		if n > len(rest) {
			return ErrExport
		}
		rest = rest[n:]
	}
	d.log = append([]byte(nil), b...)
	return nil
}

// AppendBinary appends what has come of the body so far. It returns no error.
func (a *Assembler) AppendBinary(dst []byte) ([]byte, error) { return append(dst, a.body...), nil }

// UnmarshalBinary restores what AppendBinary wrote, or returns ErrExport when
// it is longer than Max. It keeps no reference to b.
func (a *Assembler) UnmarshalBinary(b []byte) error {
	if len(b) > a.Max {
		return ErrExport
	}
	a.body = append([]byte(nil), b...)
	return nil
}
