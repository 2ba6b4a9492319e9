package spark

import (
	"math"
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
func ParseEvent(m *coap.Message) (Event, error) { return parseEvent(m, nil) }

func parseEvent(m *coap.Message, texts *Texts) (Event, error) {
	if Classify(m) != KindEvent {
		return Event{}, ErrKind
	}
	e := Event{TTL: DefaultTTL, Data: m.Payload, HasData: len(m.Payload) > 0}
	letter, _ := m.Option(coap.URIPath)
	e.Public = letter[0] == 'e'
	var err error
	if e.Name, err = eventName(m, texts); err != nil {
		return Event{}, err
	}
	if err := checkName(e.Name); err != nil {
		return Event{}, err
	}
	age, stated, err := uintOption(m, coap.MaxAge, math.MaxUint32)
	if err != nil {
		return Event{}, err
	}
	if stated {
		e.TTL = min(age, MaxTTL)
	}
	format, stated, err := uintOption(m, coap.ContentFormat, math.MaxUint16)
	if err != nil {
		return Event{}, err
	}
	e.ContentFormat, e.HasFormat = uint16(format), stated
	return e, nil
}

// uintOption reads an option of the uint format; beyond limit it is ErrOption.
func uintOption(m *coap.Message, n coap.Option, limit uint32) (v uint32, stated bool, err error) {
	value, stated := m.Option(n)
	if !stated {
		return 0, false, nil
	}
	v, ok := coap.ParseUint(value)
	if !ok || v > limit {
		return 0, false, ErrOption
	}
	return v, true, nil
}

// eventName joins what follows the letter with slashes, as devices do: the name
// of an event or the prefix of a subscription, at most MaxName bytes.
func eventName(m *coap.Message, texts *Texts) (string, error) {
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
		if segments > 2 {
			name = append(name, '/')
		}
		name = append(name, o.Value...)
		if len(name) > MaxName {
			return "", ErrName
		}
	}
	return texts.Text(name), nil
}

// Names of events that Device OS publishes or reacts to by itself.
const (
	EventMaxBinary      = "spark/hardware/max_binary"       // device: largest image, decimal (≤ 2.x)
	EventChunkSize      = "spark/hardware/ota_chunk_size"   // device: update chunk, decimal (≤ 2.x)
	EventClaimCode      = "spark/device/claim/code"         // device: the 64 characters of a claim code
	EventIdent          = "spark/device/ident/0"            // device (≤ 1.x)
	EventLastReset      = "spark/device/last_reset"         // device: "panic, hard_fault"
	EventSafeMode       = "spark/device/safemode"           // device: runs without its application
	EventKeyError       = "spark/device/key/error"          // device: its keys were damaged
	EventUpdatesEnabled = "particle/device/updates/enabled" // device, at each connect: "true" or "false"
	EventUpdatesForced  = "particle/device/updates/forced"  // both: "true" or "false"
	EventUpdatesPending = "particle/device/updates/pending" // to the device: "true" or "false"
	EventReset          = "spark/device/reset"              // to the device: one of the Reset… words
	EventClaimed        = "spark/device/claim/"             // to the device, as prefix: forget the claim code
	EventKeyRestore     = "spark/device/key/restore"        // to the device, as prefix: see Forbidden
	EventDeviceName     = "particle/device/name"            // device asks, an event of the same name answers
	EventDeviceIP       = "particle/device/ip"              // likewise
	EventDeviceRandom   = "particle/device/random"          // likewise: random bytes
)

// What EventReset may carry.
const (
	ResetSafeMode = "safe mode"
	ResetDFU      = "dfu"
	ResetReboot   = "reboot"
	ResetNetwork  = "network" // reconnect the network (6.2)
)

// Reserved reports whether an event's name belongs to the cloud and the system:
// it begins with "spark" or "particle", in whatever case. Applications and
// people may not publish it.
func Reserved(name string) bool {
	return hasPrefixFold(name, "spark") || hasPrefixFold(name, "particle")
}

// Forbidden reports whether an event must never reach a device, whoever
// published it: spark/device/key/restore, and what begins so, makes a device go
// back to the factory's server key and address, and thus leave us for good.
func Forbidden(name string) bool {
	return hasPrefixFold(name, EventKeyRestore)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
