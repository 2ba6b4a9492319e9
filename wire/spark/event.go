package spark

import (
	"strings"

	"github.com/cyan-cloud/cyan/wire/coap"
)

const (
	// MaxEventData is the longest data of an event that any device takes, in
	// bytes; Limits tells what a certain one takes.
	MaxEventData = 1024
	// MaxTTL is the longest life of an event, in seconds.
	MaxTTL = 1<<24 - 1
	// DefaultTTL is the life of an event that states none, in seconds.
	DefaultTTL = 60
)

// Content formats of events; devices know no others. Without one, or with one
// that is text, data is UTF-8 text.
const (
	FormatText         = 0
	FormatOctets       = 42
	FormatJSON         = 50
	FormatCBOR         = 60
	FormatParticleJSON = 65001 // JSON, written as CBOR
)

// versionContentFormats is the first system version that writes and reads
// content formats, and has no scopes (Device OS 6.2).
const versionContentFormats = 6200

// Event is something that a device or the cloud has to tell.
type Event struct {
	Name          string // 1..MaxName bytes, slashes included
	Data          []byte // after ParseEvent a view into the message
	HasData       bool   // Data was given
	TTL           uint32 // seconds, at most MaxTTL
	ContentFormat uint16 // meaningless without HasFormat
	HasFormat     bool   // a format was stated; Device OS 6.2 and later does, unless it is text
	Public        bool   // for everybody: letter 'e'. Device OS 6.2 and later has only 'E'
}

// EventLayout is how an event is written; nothing of it is meaning.
type EventLayout struct {
	Split  bool        // one Uri-Path option for each segment of the name, instead of one for all
	Format bool        // state the Content-Format, if the event has one
	Age    AgeEncoding // how to state the TTL
}

// AgeEncoding is how an event's TTL is written.
type AgeEncoding uint8

// Encodings of the TTL, which is the option Max-Age.
const (
	AgeNever      AgeEncoding = iota // left out
	AgeUnlessWide                    // three bytes; left out when it is DefaultTTL
	AgeUnless                        // as few bytes as it takes; left out when it is DefaultTTL
	AgeAlways                        // as few bytes as it takes
)

// DeliveryLayout is how an event is written to a device of the given system
// version (0: before 3.0). Devices before 6.2 expect Uri-Path and payload and
// nothing between: they lose the data behind a Content-Format.
func DeliveryLayout(systemVersion uint16) EventLayout {
	return EventLayout{Format: systemVersion >= versionContentFormats}
}

// PublishLayout is how a device of the given system version (0: before 3.0)
// writes an event.
func PublishLayout(systemVersion uint16) EventLayout {
	if systemVersion >= versionContentFormats {
		return EventLayout{Format: true, Age: AgeUnless}
	}
	return EventLayout{Age: AgeUnlessWide}
}

// AppendEvent appends an event in the given layout, to or from a device. On UDP
// devices send it CON unless told otherwise, and the answer is an
// acknowledgement, never 2.05; on TCP they send it NON.
//
//	[40|50] 02 <id> b1 ['E'|'e'] <name> [Content-Format] [Max-Age] [ff <data>]
//
// The name must be 1..MaxName printable bytes, and when split not begin with a
// slash (ErrName): a device ends the connection on an event without a name.
// Data longer than MaxEventData is ErrTooLong, a TTL above MaxTTL ErrOption.
func AppendEvent(dst []byte, t coap.Type, id uint16, e *Event, l EventLayout) ([]byte, error) {
	if err := checkName(e.Name); err != nil {
		return dst, err
	}
	switch {
	case l.Split && e.Name[0] == '/':
		return dst, ErrName
	case len(e.Data) > MaxEventData:
		return dst, ErrTooLong
	case e.TTL > MaxTTL:
		return dst, ErrOption
	}
	letter := byte('E')
	if e.Public {
		letter = 'e'
	}
	b := begin(dst, t, coap.POST, id, nil, letter)
	if l.Split {
		for segment := range strings.SplitSeq(e.Name, "/") {
			b.Text(coap.URIPath, segment)
		}
	} else {
		b.Text(coap.URIPath, e.Name)
	}
	if l.Format && e.HasFormat {
		b.Uint(coap.ContentFormat, uint32(e.ContentFormat))
	}
	l.Age.append(&b, e.TTL)
	if e.HasData {
		b.Payload(e.Data)
	}
	return b.Bytes()
}

func (a AgeEncoding) append(b *coap.Builder, ttl uint32) {
	switch {
	case a == AgeNever, a != AgeAlways && ttl == DefaultTTL:
	case a == AgeUnlessWide:
		b.Option(coap.MaxAge, []byte{byte(ttl >> 16), byte(ttl >> 8), byte(ttl)})
	default:
		b.Uint(coap.MaxAge, ttl)
	}
}

// ParseEvent reads an event in any layout, to or from a device. The data is a
// view into the message. A name that is empty, too long or not printable is
// ErrName, an option out of range ErrOption; a TTL above MaxTTL is cut to it.
func ParseEvent(m *coap.Message) (Event, error) {
	if Classify(m) != KindEvent {
		return Event{}, ErrKind
	}
	e := Event{TTL: DefaultTTL, Data: m.Payload, HasData: len(m.Payload) > 0}
	letter, _ := m.Option(coap.URIPath)
	e.Public = letter[0] == 'e'
	var err error
	if e.Name, err = eventName(m); err != nil {
		return Event{}, err
	}
	if err := checkName(e.Name); err != nil {
		return Event{}, err
	}
	if _, ok := m.Option(coap.MaxAge); ok {
		age, ok := m.Uint(coap.MaxAge)
		if !ok {
			return Event{}, ErrOption
		}
		e.TTL = min(age, MaxTTL)
	}
	if _, ok := m.Option(coap.ContentFormat); ok {
		format, ok := m.Uint(coap.ContentFormat)
		if !ok || format > 0xffff {
			return Event{}, ErrOption
		}
		e.ContentFormat, e.HasFormat = uint16(format), true
	}
	return e, nil
}

// eventName joins what follows the letter with slashes, as devices do: the name
// of an event or the prefix of a subscription, at most MaxName bytes.
func eventName(m *coap.Message) (string, error) {
	var buf [MaxName]byte
	name := buf[:0]
	segments := 0
	for o := m.Options(); o.Next(); {
		if o.Number != coap.URIPath {
			continue
		}
		segments++
		if segments == 1 {
			continue
		}
		slash := 0
		if segments > 2 {
			slash = 1
		}
		if len(name)+slash+len(o.Value) > MaxName {
			return "", ErrName
		}
		if slash == 1 {
			name = append(name, '/')
		}
		name = append(name, o.Value...)
	}
	return string(name), nil
}
