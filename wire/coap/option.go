package coap

import "encoding/binary"

// Option is an option's number. Odd numbers are critical: a receiver that does
// not know one refuses the message with 4.02 (RFC 7252, section 5.4.1).
type Option uint16

// Option numbers (RFC 7252, section 5.10; RFC 7959; RFC 7967; RFC 9175).
const (
	IfMatch       Option = 1
	URIHost       Option = 3
	ETag          Option = 4
	IfNoneMatch   Option = 5
	URIPort       Option = 7
	LocationPath  Option = 8
	URIPath       Option = 11
	ContentFormat Option = 12
	MaxAge        Option = 14 // seconds; 60 when absent
	URIQuery      Option = 15
	Accept        Option = 17
	LocationQuery Option = 20
	Block2        Option = 23
	Block1        Option = 27
	Size2         Option = 28
	ProxyURI      Option = 35
	ProxyScheme   Option = 39
	Size1         Option = 60
	NoResponse    Option = 258
	RequestTag    Option = 292
)

// Critical reports whether a receiver has to know the option.
func (o Option) Critical() bool { return o&1 == 1 }

// Options walks a message's options in the order of the wire, which is that of
// their numbers:
//
//	for o := m.Options(); o.Next(); {
//		… o.Number, o.Value
//	}
type Options struct {
	Number Option
	Value  []byte // a view into the message

	rest []byte
}

// Next steps to the next option and reports whether there was one.
func (o *Options) Next() bool {
	if len(o.rest) == 0 {
		return false
	}
	delta, value, n, _ := cutOption(o.rest)
	o.Number += Option(delta)
	o.Value, o.rest = value, o.rest[n:]
	return true
}

// Options returns an iterator that stands before the first option.
func (m *Message) Options() Options { return Options{rest: m.options} }

// Option returns the value of the first option with number n.
func (m *Message) Option(n Option) (value []byte, ok bool) {
	for o := m.Options(); o.Next() && o.Number <= n; {
		if o.Number == n {
			return o.Value, true
		}
	}
	return nil, false
}

// Uint returns the first option with number n as an unsigned integer. It is
// not ok when the option is absent or longer than four bytes.
func (m *Message) Uint(n Option) (v uint32, ok bool) {
	value, ok := m.Option(n)
	if !ok {
		return 0, false
	}
	return ParseUint(value)
}

// Path appends the Uri-Path options to buf, joined by '/', without a leading
// one. Segments are taken as they are: a segment may hold a '/' itself, as the
// names of Device OS events do.
func (m *Message) Path(buf []byte) []byte {
	first := true
	for o := m.Options(); o.Next() && o.Number <= URIPath; {
		if o.Number != URIPath {
			continue
		}
		if !first {
			buf = append(buf, '/')
		}
		first = false
		buf = append(buf, o.Value...)
	}
	return buf
}

// ParseUint reads an option value of the uint format: big endian, at most four
// bytes, nothing at all for 0 (RFC 7252, section 3.2). Leading zeros are
// accepted, as the section asks; a longer value is not ok.
func ParseUint(value []byte) (v uint32, ok bool) {
	if len(value) > 4 {
		return 0, false
	}
	for _, c := range value {
		v = v<<8 | uint32(c)
	}
	return v, true
}

// AppendUint appends v in the uint format, in as few bytes as it takes.
func AppendUint(dst []byte, v uint32) []byte {
	var full [4]byte
	binary.BigEndian.PutUint32(full[:], v)
	skip := 0
	for skip < 4 && full[skip] == 0 {
		skip++
	}
	return append(dst, full[skip:]...)
}

// An option is its distance to the number before and its length, each in a
// nibble, and then its value. 13 and 14 announce one or two more bytes; 15 is
// kept for the payload marker (RFC 7252, section 3.1).
//
//	  0   1   2   3   4   5   6   7
//	+---------------+---------------+
//	|  Option Delta | Option Length |   1 byte
//	+---------------+---------------+
//	|         delta extended        |   0-2 bytes: delta - 13, delta - 269
//	+-------------------------------+
//	|        length extended        |   0-2 bytes: length - 13, length - 269
//	+-------------------------------+
//	|             value             |
//	+-------------------------------+
const (
	extendByte  = 13
	extendShort = 14
	byteBase    = 13
	shortBase   = 269
	maxExtended = shortBase + 0xffff
)

// scan checks the options at the start of b and returns how many bytes they
// take: up to the payload marker or the end.
func scan(b []byte) (int, error) {
	pos, number := 0, 0
	for pos < len(b) && b[pos] != marker {
		delta, _, n, ok := cutOption(b[pos:])
		number += delta
		if !ok || number > 0xffff {
			return 0, ErrOption
		}
		pos += n
	}
	return pos, nil
}

// cutOption reads the option at the start of b, which is not empty, and
// returns the n bytes that it takes.
func cutOption(b []byte) (delta int, value []byte, n int, ok bool) {
	delta, n, ok = extended(b, 1, b[0]>>4)
	if !ok {
		return 0, nil, 0, false
	}
	length, n, ok := extended(b, n, b[0]&15)
	if !ok || length > len(b)-n {
		return 0, nil, 0, false
	}
	end := n + length
	return delta, b[n:end:end], end, true
}

// extended returns what a nibble stands for, and where b goes on behind it.
func extended(b []byte, pos int, nibble byte) (v, next int, ok bool) {
	switch {
	case nibble < extendByte:
		return int(nibble), pos, true
	case nibble == extendByte && pos < len(b):
		return byteBase + int(b[pos]), pos + 1, true
	case nibble == extendShort && pos+1 < len(b):
		return shortBase + int(b[pos])<<8 + int(b[pos+1]), pos + 2, true
	}
	return 0, 0, false
}

// appendOptionHeader appends the bytes before an option's value.
func appendOptionHeader(dst []byte, delta, length int) []byte {
	dst = append(dst, nibble(delta)<<4|nibble(length))
	return appendExtended(appendExtended(dst, delta), length)
}

func nibble(v int) byte {
	switch {
	case v < byteBase:
		return byte(v)
	case v < shortBase:
		return extendByte
	}
	return extendShort
}

func appendExtended(dst []byte, v int) []byte {
	switch {
	case v < byteBase:
		return dst
	case v < shortBase:
		return append(dst, byte(v-byteBase))
	}
	return binary.BigEndian.AppendUint16(dst, uint16(v-shortBase))
}
