// Package device is the vocabulary of devices: what one is, what state it is
// in and how it got there. It holds types and rules and does no I/O.
package device

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// ID is a device's identity: 12 bytes burnt into the hardware, shown as 24
// lower-case hex digits.
type ID [12]byte

// ParseID reads 24 hex digits of any case.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 2*len(id) {
		return ID{}, fault.Errorf(fault.Invalid, "device id %.40q: want 24 hexadecimal digits", s)
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, fault.Errorf(fault.Invalid, "device id %.40q: want 24 hexadecimal digits", s)
	}
	return id, nil
}

// String gives the 24 lower-case hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsZero tells whether the id is unset.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText gives the 24 lower-case hex digits.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads 24 hex digits of any case.
func (id *ID) UnmarshalText(b []byte) error {
	v, err := ParseID(string(b))
	if err == nil {
		*id = v
	}
	return err
}

// Device is what the cloud keeps of a device, connected or not.
type Device struct {
	ID         ID
	Name       string     // unique among the owner's devices, ignoring case; may be empty
	Owner      account.ID // empty while nobody has claimed it
	Notes      string     // what the owner has written about it
	Restart    Restarting // how far the owner lets us go when the device does not answer
	ProductID  uint16
	PlatformID uint16
	Firmware   uint16 // version of the product's firmware, from Hello
	System     uint16 // system module version, from Hello; 0 before Device OS 3.0
	Created    time.Time

	// The last that was heard, kept for when the device is gone. Zero times
	// and an empty address mean never.
	LastHeard     time.Time
	LastHandshake time.Time
	LastAddress   string

	// Describe is what the device said it can do, as of DescribedAt.
	Describe    Describe
	DescribedAt time.Time
}

// Describe is what a device offers to be called and read.
type Describe struct {
	Functions []string   `json:"f,omitempty"`
	Variables []Variable `json:"v,omitempty"`
}

// Variable is one readable value of a device's application.
type Variable struct {
	Name string       `json:"n"`
	Type VariableType `json:"t"`
}

// VariableType is how a variable's bytes are to be read: the number that
// stands in the describe.
type VariableType uint8

// The variable types that Device OS knows.
const (
	Bool   VariableType = 1
	Int32  VariableType = 2
	String VariableType = 4
	Double VariableType = 9
)

// String gives the type's name as the HTTP API shows it.
func (t VariableType) String() string {
	switch t {
	case Bool:
		return "bool"
	case Int32:
		return "int32"
	case Double:
		return "double"
	default:
		return "string"
	}
}

// HasFunction tells whether the application registered the function.
func (d *Describe) HasFunction(name string) bool { return slices.Contains(d.Functions, name) }

// Variable finds a variable by name.
func (d *Describe) Variable(name string) (Variable, bool) {
	for _, v := range d.Variables {
		if v.Name == name {
			return v, true
		}
	}
	return Variable{}, false
}

// MaxNotes is how long an owner's notes about a device may be, in bytes.
const MaxNotes = 4096

// ValidName tells whether s can name a device: 1 to 100 printable characters
// without slashes, and not itself a device id.
func ValidName(s string) bool {
	if s == "" || len(s) > 100 || strings.ContainsAny(s, "/\\") {
		return false
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	_, err := ParseID(s)
	return err != nil
}
