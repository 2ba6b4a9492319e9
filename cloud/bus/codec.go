package bus

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// errMalformed says that a message on the bus is not what this version writes.
var errMalformed = errors.New("bus: malformed message")

// maxAddress is the longest address of a node: its name, and random digits.
const maxAddress = 64 + 1 + 8

// writer appends a message's fields.
type writer struct{ b []byte }

func newWriter(size int) *writer {
	w := &writer{b: make([]byte, 0, size)}
	w.byte(Version)
	return w
}

func (w *writer) byte(v byte)        { w.b = append(w.b, v) }
func (w *writer) uint(v uint64)      { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) int(v int64)        { w.b = binary.AppendVarint(w.b, v) }
func (w *writer) fixed64(v uint64)   { w.b = binary.BigEndian.AppendUint64(w.b, v) }
func (w *writer) device(v device.ID) { w.b = append(w.b, v[:]...) }

func (w *writer) bool(v bool) {
	if v {
		w.byte(1)
	} else {
		w.byte(0)
	}
}

func (w *writer) string(v string) {
	w.uint(uint64(len(v)))
	w.b = append(w.b, v...)
}

func (w *writer) double(v float64) { w.fixed64(math.Float64bits(v)) }

// time keeps nanoseconds; the zero time is the smallest number.
func (w *writer) time(v time.Time) {
	if v.IsZero() {
		w.fixed64(1 << 63)
		return
	}
	w.fixed64(uint64(v.UnixNano()))
}

// reader takes a message's fields; after the first that is not there all are
// zero and err tells.
type reader struct {
	b     []byte
	err   error
	later bool // what is left over is a later version's
}

func newReader(b []byte) *reader {
	r := &reader{b: b}
	if r.byte() != Version {
		r.fail()
	}
	return r
}

// newLastingReader reads a message that every version understands: what a later
// one has added to its end is passed over.
func newLastingReader(b []byte) *reader {
	r := &reader{b: b}
	version := r.byte()
	if version < Version {
		r.fail()
	}
	r.later = version > Version
	return r
}

func (r *reader) fail() {
	r.b, r.err = nil, errMalformed
}

// take gives the next n bytes, or nil.
func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) bool() bool { return r.byte() != 0 }

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) fixed64() uint64 {
	if v := r.take(8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func (r *reader) double() float64 { return math.Float64frombits(r.fixed64()) }

func (r *reader) string() string { return string(r.take(r.uint())) }

// address reads a node's address.
func (r *reader) address() string {
	n := r.uint()
	if n > maxAddress {
		r.fail()
	}
	return string(r.take(n))
}

func (r *reader) device() (id device.ID) {
	copy(id[:], r.take(uint64(len(id))))
	return id
}

func (r *reader) time() time.Time {
	v := int64(r.fixed64())
	if v == math.MinInt64 || r.err != nil {
		return time.Time{}
	}
	return time.Unix(0, v).UTC()
}

// end gives the error of the whole message: bytes left over are one.
func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 && !r.later {
		r.fail()
	}
	return r.err
}
