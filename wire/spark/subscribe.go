package spark

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/cyan-cloud/cyan/wire/coap"
)

// Scope is whose events a subscription is for.
type Scope uint8

// Scopes. Device OS 6.2 and later has only ScopeMine, and states none.
const (
	ScopeMine   Scope = iota // those of the subscriber's owner
	ScopeAll                 // public events of everybody
	ScopeDevice              // those of one device
)

var scopeNames = [...]string{ScopeMine: "mine", ScopeAll: "all", ScopeDevice: "device"}

// String returns "mine", "all" or "device".
func (s Scope) String() string {
	if int(s) < len(scopeNames) {
		return scopeNames[s]
	}
	return "unknown"
}

// Subscription is a device's wish for events. There is no message that ends
// one: it lasts as long as the session.
type Subscription struct {
	Prefix string // of the events' names; "" is every event, with ScopeMine only
	Scope  Scope
	Device string // for ScopeDevice: its id in hex, or only the first 12 digits of it
	Binary bool   // takes data of any format (≥ 6.2)
	CBOR   bool   // takes CBOR, and nothing else (≥ 6.2)
}

const deviceHex = 24 // digits of a device id

// ParseSubscription reads a subscription of a device of the given system
// version (0: before 3.0), without which it is not known whose events it is for.
// A prefix that is too long or not printable, or none for everybody's events, is
// ErrName; a device id that is not hex is ErrOption. Device OS before 6.2 keeps
// ids in 13 bytes, and therefore sends the first half of one.
func ParseSubscription(m *coap.Message, systemVersion uint16) (Subscription, error) {
	if Classify(m) != KindSubscribe {
		return Subscription{}, ErrKind
	}
	s := Subscription{Scope: ScopeAll}
	if systemVersion >= versionContentFormats {
		s.Scope = ScopeMine
	}
	for o := m.Options(); o.Next(); {
		if o.Number != coap.URIQuery {
			continue
		}
		switch string(o.Value) {
		case "u":
			s.Scope = ScopeMine
		case "b":
			s.Binary = true
		case "c":
			s.CBOR = true
		}
	}
	if len(m.Payload) > 0 {
		if !isHex(m.Payload) {
			return Subscription{}, ErrOption
		}
		s.Scope, s.Device = ScopeDevice, string(m.Payload)
	}
	var err error
	if s.Prefix, err = eventName(m, nil); err != nil {
		return Subscription{}, err
	}
	return s, s.check()
}

func (s *Subscription) check() error {
	if s.Prefix == "" && s.Scope == ScopeMine {
		return nil
	}
	return checkName(s.Prefix)
}

// isHex reports whether b may be the id of a device, or its beginning.
func isHex(b []byte) bool {
	if len(b) > deviceHex {
		return false
	}
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return true
}

// AppendSubscription appends the subscription of a device of the given system
// version (0: before 3.0): CON on UDP and on TCP before 6.2, NON on TCP since.
//
//	[40|50] 01 <id> b1 'e' [<prefix>] [41 'u'|'b'|'c'] [ff <device id>]
func AppendSubscription(dst []byte, t coap.Type, id uint16, s *Subscription, systemVersion uint16) ([]byte, error) {
	if err := s.check(); err != nil {
		return dst, err
	}
	b := begin(dst, t, coap.GET, id, nil, 'e')
	modern := systemVersion >= versionContentFormats
	if s.Prefix != "" || modern {
		b.Text(coap.URIPath, s.Prefix)
	}
	switch {
	case modern && s.CBOR:
		b.Text(coap.URIQuery, "c")
	case modern && s.Binary:
		b.Text(coap.URIQuery, "b")
	case !modern && s.Scope == ScopeMine:
		b.Text(coap.URIQuery, "u")
	case !modern && s.Scope == ScopeDevice:
		b.Payload([]byte(s.Device))
	}
	return b.Bytes()
}

// SubscriptionsChecksum is what a device compares on resuming a session: when
// it is that of the subscriptions that were acknowledged last, they are not sent
// again. It chains, over the subscriptions in order, the CRC-32 of three little
// endian numbers: the chain so far, CRC-32 of the prefix padded to 64 bytes, and
// CRC-32 of the flags (binary 2, CBOR 4), as Device OS 6.2 does.
func SubscriptionsChecksum(subscriptions []Subscription) uint32 {
	var chain uint32
	for _, s := range subscriptions {
		var prefix [MaxName]byte
		copy(prefix[:], s.Prefix)
		var flags byte
		if s.Binary {
			flags |= 2
		}
		if s.CBOR {
			flags |= 4
		}
		var link [12]byte
		binary.LittleEndian.PutUint32(link[:], chain)
		binary.LittleEndian.PutUint32(link[4:], crc32.ChecksumIEEE(prefix[:]))
		binary.LittleEndian.PutUint32(link[8:], crc32.ChecksumIEEE([]byte{flags}))
		chain = crc32.ChecksumIEEE(link[:])
	}
	return chain
}
