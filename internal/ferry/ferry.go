// Package ferry carries values to another process, one way or the other: the
// same walk over them writes and reads, so that the two cannot disagree.
package ferry

import (
	"encoding/binary"
	"time"
)

// Ferry is one crossing. What one side knows and the other does not stands at
// the end of a part: who reads a shorter part has zeros for the rest, who reads
// a longer one leaves it unread.
type Ferry struct {
	Bytes   []byte // written so far, or left to read
	Landing bool   // it reads
	Bad     bool   // something that was read makes no sense, or cannot be written
}

// most bounds one run of bytes.
const most = 64 << 10

// Part carries what fn does as a part of its own.
func (f *Ferry) Part(fn func(f *Ferry)) {
	if !f.Landing {
		at := len(f.Bytes)
		f.Bytes = append(f.Bytes, 0)
		fn(f)
		f.measure(at)
		return
	}
	inner := f.take()
	rest := f.Bytes
	f.Bytes = inner
	fn(f)
	f.Bytes = rest
}

// measure writes the length of what was written behind the byte at a place, to
// where that stands.
func (f *Ferry) measure(at int) {
	n := len(f.Bytes) - at - 1
	if n < 0x80 {
		f.Bytes[at] = byte(n)
		return
	}
	var length [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(length[:], uint64(n))
	f.Bytes = append(f.Bytes, length[1:size]...) // for the room
	copy(f.Bytes[at+size:], f.Bytes[at+1:at+1+n])
	copy(f.Bytes[at:], length[:size])
}

// take reads a run of bytes: a view of what is read.
func (f *Ferry) take() []byte {
	if len(f.Bytes) == 0 {
		return nil // an older writer ends here
	}
	n, size := binary.Uvarint(f.Bytes)
	if size <= 0 || n > uint64(len(f.Bytes)-size) {
		f.Bad, f.Bytes = true, nil
		return nil
	}
	v := f.Bytes[size : size+int(n) : size+int(n)]
	f.Bytes = f.Bytes[size+int(n):]
	return v
}

// Number carries a number that is not negative.
func Number[T ~int64 | ~uint64 | ~uint32 | ~uint16 | ~uint8](f *Ferry, v *T) {
	if !f.Landing {
		f.Bytes = binary.AppendUvarint(f.Bytes, uint64(*v))
		return
	}
	*v = 0
	if len(f.Bytes) == 0 {
		return // an older writer ends here
	}
	n, size := binary.Uvarint(f.Bytes)
	if size <= 0 || uint64(T(n)) != n {
		f.Bad, f.Bytes = true, nil
		return
	}
	*v, f.Bytes = T(n), f.Bytes[size:]
}

// Numbers carries several.
func Numbers[T ~int64 | ~uint64 | ~uint32 | ~uint16 | ~uint8](f *Ferry, list ...*T) {
	for _, v := range list {
		Number(f, v)
	}
}

// Flags carries up to 64 of them.
func (f *Ferry) Flags(list ...*bool) {
	var bits uint64
	for i, v := range list {
		if *v {
			bits |= 1 << i
		}
	}
	Number(f, &bits)
	for i, v := range list {
		*v = bits>>i&1 != 0
	}
}

// Moments carries times to the millisecond, in UTC; the zero time, too.
func (f *Ferry) Moments(list ...*time.Time) {
	for _, t := range list {
		var ms int64
		if !t.IsZero() {
			ms = t.UnixMilli()
		}
		if Number(f, &ms); f.Landing {
			if *t = (time.Time{}); ms != 0 {
				*t = time.UnixMilli(ms).UTC()
			}
		}
	}
}

// Words carries a text, or a copy of bytes.
func Words[T ~string | ~[]byte](f *Ferry, v *T) {
	if !f.Landing {
		f.Bytes = appendBytes(f.Bytes, *v)
		return
	}
	b := f.take()
	if len(b) > most {
		f.Bad, b = true, nil
	}
	*v = T(append([]byte(nil), b...))
}

// Fixed carries bytes whose number both sides know.
func (f *Ferry) Fixed(v []byte) {
	if !f.Landing {
		f.Bytes = appendBytes(f.Bytes, v)
		return
	}
	if b := f.take(); len(b) == len(v) {
		copy(v, b)
	} else {
		f.Bad = true
	}
}

// Carrier is a value that can be written and read as bytes.
type Carrier interface {
	AppendBinary(dst []byte) ([]byte, error)
	UnmarshalBinary(b []byte) error
}

// Value carries what knows how to write and read itself.
func (f *Ferry) Value(v Carrier) {
	if !f.Landing {
		at := len(f.Bytes)
		b, err := v.AppendBinary(append(f.Bytes, 0))
		f.Bytes, f.Bad = b, f.Bad || err != nil
		f.measure(at)
		return
	}
	if v.UnmarshalBinary(f.take()) != nil {
		f.Bad = true
	}
}

// List carries at most so many of something.
func List[T any](f *Ferry, v *[]T, atMost int, each func(f *Ferry, v *T)) {
	n := uint64(len(*v))
	Number(f, &n)
	if !f.Landing {
		for i := range *v {
			each(f, &(*v)[i])
		}
		return
	}
	*v = nil
	if n > uint64(atMost) {
		f.Bad, f.Bytes = true, nil
		return
	}
	for range n {
		var one T
		each(f, &one)
		*v = append(*v, one)
	}
}

func appendBytes[T ~string | ~[]byte](b []byte, v T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}
