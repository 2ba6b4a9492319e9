package event

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
)

// What Parse says of bytes that are not an event that Append wrote: they are
// none, or one of another version.
var (
	ErrMalformed = errors.New("event: malformed encoding")
	ErrVersion   = errors.New("event: encoding of another version")
)

// The first byte of an encoded event is the version of the encoding; the
// second has these bits.
const (
	codecVersion = 1

	bitData   = 1 << 0
	bitPublic = 1 << 1
)

// codecHead is the length of the part with fixed positions: version, bits,
// source, content format, time, time to live and device.
const codecHead = 1 + 1 + 1 + 2 + 8 + 8 + 12

// Append appends the event's binary encoding to dst: what the bus and the
// store keep of it.
//
//	version ‖ bits ‖ source ‖ content format (2) ‖ published, ns since 1970 (8) ‖
//	time to live, ns (8) ‖ device (12) ‖ id ‖ owner ‖ name ‖ data
//
// Numbers are big-endian; each of the last four follows its length as a
// varint. A zero time is the smallest number.
func Append(dst []byte, e *Event) []byte {
	var bits byte
	if e.HasData {
		bits |= bitData
	}
	if e.Public {
		bits |= bitPublic
	}
	published := int64(math.MinInt64)
	if !e.Published.IsZero() {
		published = e.Published.UnixNano()
	}
	dst = append(dst, codecVersion, bits, byte(e.Source))
	dst = binary.BigEndian.AppendUint16(dst, e.ContentFormat)
	dst = binary.BigEndian.AppendUint64(dst, uint64(published))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.TTL))
	dst = append(dst, e.Device[:]...)
	dst = appendString(dst, e.ID)
	dst = appendString(dst, string(e.Owner))
	dst = appendString(dst, e.Name)
	return appendString(dst, e.Data)
}

func appendString[T string | []byte](dst []byte, s T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// Parse reads one event that fills b. The event's Data is a view into b.
func Parse(b []byte) (Event, error) {
	if len(b) > 0 && b[0] != codecVersion {
		return Event{}, ErrVersion
	}
	if len(b) < codecHead {
		return Event{}, ErrMalformed
	}
	e := Event{
		HasData:       b[1]&bitData != 0,
		Public:        b[1]&bitPublic != 0,
		Source:        Source(b[2]),
		ContentFormat: binary.BigEndian.Uint16(b[3:]),
		TTL:           time.Duration(binary.BigEndian.Uint64(b[13:])),
	}
	if published := int64(binary.BigEndian.Uint64(b[5:])); published != math.MinInt64 {
		e.Published = time.Unix(0, published).UTC()
	}
	copy(e.Device[:], b[21:])

	var fields [4][]byte
	rest := b[codecHead:]
	for i := range fields {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > uint64(len(rest)-size) {
			return Event{}, ErrMalformed
		}
		fields[i], rest = rest[size:size+int(n)], rest[size+int(n):]
	}
	if len(rest) > 0 || e.Source > FromCloud {
		return Event{}, ErrMalformed
	}
	e.ID, e.Owner, e.Name = string(fields[0]), account.ID(fields[1]), string(fields[2])
	if e.HasData {
		e.Data = fields[3]
	} else if len(fields[3]) > 0 {
		return Event{}, ErrMalformed
	}
	return e, nil
}
