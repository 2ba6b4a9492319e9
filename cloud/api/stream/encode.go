package stream

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/wire/sse"
)

// encoder turns events into frames in buffers that it uses again. It belongs
// to one goroutine at a time.
type encoder struct {
	frame, data []byte
}

// encode gives the event's frame, which is good until the next one. It is
// written by hand because every event passes here; encoding/json is the oracle
// of its test.
func (c *encoder) encode(e *event.Event) []byte {
	c.data = appendData(c.data[:0], e)
	c.frame = sse.AppendFrame(c.frame[:0], strings.ToValidUTF8(e.Name, "\uFFFD"), c.data)
	return c.frame
}

// appendData appends an event as rest.Event has it, on one line of JSON.
func appendData(dst []byte, e *event.Event) []byte {
	dst = append(dst, `{"data":`...)
	switch media, binary := mediaTypes[e.ContentFormat]; {
	case !e.HasData:
		dst = append(dst, "null"...)
	case binary:
		dst = append(dst, `"data:`+media+`;base64,`...)
		dst = base64.StdEncoding.AppendEncode(dst, e.Data)
		dst = append(dst, '"')
	default:
		dst = appendText(dst, e.Data)
	}
	dst = append(dst, `,"ttl":`...)
	dst = strconv.AppendInt(dst, int64(e.TTL/time.Second), 10)
	dst = append(dst, `,"published_at":`...)
	dst = appendInstant(dst, e.Published)
	dst = append(dst, `,"coreid":"`...)
	if e.Device.IsZero() {
		dst = append(dst, e.Publisher()...)
	} else {
		dst = hex.AppendEncode(dst, e.Device[:])
	}
	dst = append(dst, '"')
	if e.Public {
		dst = append(dst, `,"public":true`...)
	}
	return append(dst, '}')
}

// mediaTypes are the CoAP content formats (RFC 7252 §12.3, RFC 8949 §9.4)
// whose data is not text: it is shown as a data URL.
var mediaTypes = map[uint16]string{
	22: "image/jpeg", 23: "image/png", 42: "application/octet-stream", 60: "application/cbor",
}

// appendText appends text as a JSON string. What is no UTF-8 becomes U+FFFD,
// and the two line ends that JavaScript knows beyond JSON are escaped.
func appendText(dst, text []byte) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(text); {
		b := text[i]
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(text[i:])
			if r != utf8.RuneError && r != '\u2028' && r != '\u2029' || r == utf8.RuneError && size > 1 {
				i += size
				continue
			}
			dst = append(append(dst, text[start:i]...), `\u`...)
			dst = append(dst, digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
			i += size
			start = i
			continue
		}
		if b >= ' ' && b != '"' && b != '\\' {
			i++
			continue
		}
		dst = append(dst, text[start:i]...)
		if short := escapes[b]; short != 0 {
			dst = append(dst, '\\', short)
		} else {
			dst = append(dst, '\\', 'u', '0', '0', digits[b>>4], digits[b&15])
		}
		i++
		start = i
	}
	return append(append(dst, text[start:]...), '"')
}

// escapes are the letters of JSON's short escapes.
var escapes = [utf8.RuneSelf]byte{'"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}

// appendInstant appends a time as rest.Time has it: "2026-05-31T12:00:00.000Z".
func appendInstant(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, "null"...)
	}
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	if year < 0 || year > 9999 {
		return append(dst, "null"...) // such a time cannot be written
	}
	dst = appendDigits(append(dst, '"'), year, 4)
	dst = appendDigits(append(dst, '-'), int(month), 2)
	dst = appendDigits(append(dst, '-'), day, 2)
	dst = appendDigits(append(dst, 'T'), hour, 2)
	dst = appendDigits(append(dst, ':'), minute, 2)
	dst = appendDigits(append(dst, ':'), second, 2)
	dst = appendDigits(append(dst, '.'), t.Nanosecond()/int(time.Millisecond), 3)
	return append(dst, 'Z', '"')
}

// appendDigits appends n in so many digits, with zeros ahead.
func appendDigits(dst []byte, n, digits int) []byte {
	at := len(dst)
	dst = append(dst, "0000"[:digits]...)
	for i := at + digits - 1; i >= at; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}
