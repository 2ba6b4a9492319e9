package sse

import (
	"bytes"
	"errors"
	"strings"
)

// ErrTooLong says that a frame, or a line of it, exceeds the decoder's bound.
// The stream cannot be read on.
var ErrTooLong = errors.New("sse: frame too long")

// DefaultMaxFrame is the bound of a frame whose decoder names none, in bytes.
const DefaultMaxFrame = 1 << 20

// Frame is one thing that stood in a stream: an event, or a comment.
type Frame struct {
	Comment bool   // Data is a comment's text; the other fields are empty
	Event   string // the event's name; empty: it had none
	ID      string // of its id line, if it had one
	Data    string // the data lines, joined by LF
}

// Decoder turns a stream, as it comes in pieces, into frames. The zero value
// is ready.
type Decoder struct {
	// MaxFrame bounds what is kept of a frame, in bytes; zero: DefaultMaxFrame.
	MaxFrame int

	buf     []byte // not yet read
	started bool   // the byte order mark has been looked for
	afterCR bool   // the last line ended in CR: a LF that follows belongs to it
	err     error

	event, id string
	data      strings.Builder
	hasData   bool
	last      string
}

// LastID is the last id that came, with an event or alone: where a reader asks
// to go on. Empty: none came.
func (d *Decoder) LastID() string { return d.last }

// Write takes the next piece of the stream. It keeps no more than a frame:
// call Next until it has no more before each Write. The error is ErrTooLong.
func (d *Decoder) Write(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	if len(d.buf) > d.bound() {
		return 0, d.fail()
	}
	d.buf = append(d.buf, p...)
	return len(p), nil
}

// Next gives the next frame, if a whole one has come. The error is
// ErrTooLong.
func (d *Decoder) Next() (f Frame, ok bool, err error) {
	for d.err == nil {
		line, ok := d.line()
		if !ok {
			if len(d.buf) > d.bound() {
				_ = d.fail() // Next gives it
			}
			break
		}
		if f, ok := d.take(line); ok {
			return f, true, nil
		}
	}
	return Frame{}, false, d.err
}

func (d *Decoder) bound() int {
	if d.MaxFrame > 0 {
		return d.MaxFrame
	}
	return DefaultMaxFrame
}

func (d *Decoder) fail() error {
	d.err = ErrTooLong
	d.buf = nil
	d.data.Reset()
	return d.err
}

// line takes the next whole line from the buffer; it is valid until Write.
func (d *Decoder) line() (line []byte, ok bool) {
	if !d.started && !d.skipMark() {
		return nil, false
	}
	if d.afterCR && len(d.buf) > 0 {
		d.afterCR = false
		if d.buf[0] == '\n' {
			d.buf = d.buf[1:]
		}
	}
	i := bytes.IndexAny(d.buf, "\r\n")
	if i < 0 {
		return nil, false
	}
	line, d.afterCR = d.buf[:i], d.buf[i] == '\r'
	d.buf = d.buf[i+1:]
	return line, true
}

// skipMark drops a byte order mark at the start of the stream, and tells
// whether enough has come to know.
func (d *Decoder) skipMark() bool {
	const mark = "\xef\xbb\xbf"
	if len(d.buf) < len(mark) && strings.HasPrefix(mark, string(d.buf)) {
		return false
	}
	d.buf = bytes.TrimPrefix(d.buf, []byte(mark))
	d.started = true
	return true
}

// take reads one line, and gives the frame that it ends.
func (d *Decoder) take(line []byte) (f Frame, ok bool) {
	if len(line) == 0 {
		return d.dispatch()
	}
	if line[0] == ':' {
		return Frame{Comment: true, Data: string(line[1:])}, true
	}
	field, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(field) {
	case "event":
		d.event = string(value)
	case "id":
		if !bytes.ContainsRune(value, 0) {
			d.id = string(value)
		}
	case "data":
		if d.hasData {
			d.data.WriteByte('\n')
		}
		d.hasData = true
		d.data.Write(value)
	}
	if d.data.Len()+len(d.event)+len(d.id) > d.bound() {
		_ = d.fail() // Next gives it
	}
	return Frame{}, false
}

// dispatch ends the frame; one without data is dropped.
func (d *Decoder) dispatch() (f Frame, ok bool) {
	f, ok = Frame{Event: d.event, ID: d.id, Data: d.data.String()}, d.hasData
	if d.id != "" {
		d.last = d.id
	}
	d.event, d.id, d.hasData = "", "", false
	d.data.Reset()
	return f, ok
}
