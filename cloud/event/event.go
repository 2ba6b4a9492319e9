// Package event is the vocabulary of events: what one is, who may see it,
// and which names nobody but the cloud may use. It does no I/O.
package event

import (
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// Limits of an event published through the HTTP API. A device's own limits
// follow from its version.
const (
	MaxName = 64   // bytes
	MaxData = 1024 // bytes
)

// DefaultTTL is the time to live of an event whose publisher named none.
const DefaultTTL = 60 * time.Second

// Event is something that a device, a person or the cloud said.
type Event struct {
	ID      string // the same for every copy of the event, so that a duplicate is recognised
	Name    string
	Data    []byte
	HasData bool // an event without data differs from one with empty data
	// ContentFormat is the CoAP content format of Data; Text where none was given.
	ContentFormat uint16
	TTL           time.Duration
	Public        bool
	Device        device.ID  // who published it; zero when Source tells
	Source        Source     // what sort of publisher
	Owner         account.ID // whose event it is; empty: an unclaimed device's
	Published     time.Time
}

// Text is the content format of plain text.
const Text uint16 = 0

// Source is what sort of publisher an event has.
type Source uint8

// The sources of events.
const (
	FromDevice Source = iota
	FromAPI
	FromCloud
)

// Publisher gives what the HTTP API shows as `coreid`: the device's id,
// "api", or "particle-internal" for the cloud itself, as stock clients know it.
func (e *Event) Publisher() string {
	switch {
	case !e.Device.IsZero():
		return e.Device.String()
	case e.Source == FromAPI:
		return "api"
	default:
		return "particle-internal"
	}
}

// Reserved tells whether only the cloud itself may publish the name: it
// begins with spark or particle, in any case.
func Reserved(name string) bool {
	return hasPrefixFold(name, "spark") || hasPrefixFold(name, "particle")
}

// Forbidden tells whether the name must never reach a device, whoever
// publishes it: spark/device/key/restore would send the device back to its
// factory cloud.
func Forbidden(name string) bool {
	const restore = "spark/device/key"
	return hasPrefixFold(strings.TrimLeft(name, "/"), restore)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// CheckName tells what is wrong with an event name that a person publishes,
// or nil.
func CheckName(name string) error {
	switch {
	case name == "":
		return fault.Errorf(fault.Invalid, "event name is missing")
	case len(name) > MaxName:
		return fault.Errorf(fault.Invalid, "event name is %d bytes long, at most %d are allowed", len(name), MaxName)
	case Reserved(name):
		return fault.Errorf(fault.Denied, "event names beginning with spark or particle are reserved for the cloud").WithCode("reserved_event_name")
	}
	for i := range len(name) {
		if name[i] < 0x20 || name[i] == 0x7f {
			return fault.Errorf(fault.Invalid, "event name has a control character at byte %d", i)
		}
	}
	return nil
}

// Diagnostics is the name under which the cloud tells what a device has said
// of its health.
const Diagnostics = "spark/device/diagnostics/update"

// ClaimCode is the name under which a device says a code that makes it
// somebody's. It travels to the door that claims devices, and is shown to
// nobody.
const ClaimCode = "spark/device/claim/code"

// Filter says which events a subscriber wants. Prefix is compared with case.
type Filter struct {
	Prefix string
	Owner  account.ID // whose events; empty with Public: only public ones
	Device device.ID  // zero: all devices of the owner, and the owner's own
	Public bool       // also public events of others
}

// Match tells whether the subscriber wants, and may see, the event.
func (f *Filter) Match(e *Event) bool {
	if !strings.HasPrefix(e.Name, f.Prefix) {
		return false
	}
	if !f.Device.IsZero() && f.Device != e.Device {
		return false
	}
	if f.Owner != "" && e.Owner == f.Owner {
		return true
	}
	return f.Public && e.Public && !Reserved(e.Name)
}
