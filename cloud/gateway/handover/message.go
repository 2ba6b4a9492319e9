package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// Version is that of the conversation of two processes. Both sides must speak
// the same.
const Version = 2

// packetVersion is that of a packet, and so of orders and reports: whoever gives
// an order may be of another build than the cloud that runs.
const packetVersion = 1

// The bounds of a message.
const (
	MaxBody  = 160 << 10 // bytes: a packet of a socket whose buffer is the system's default
	MaxFiles = 253       // file descriptors: what the kernel takes
)

// Errors of messages.
var (
	ErrMessage = errors.New("handover: message makes no sense")
	ErrVersion = errors.New("handover: the other process speaks another version")
)

// Kind is what a message is.
type Kind uint8

// The kinds of message.
const (
	KindHello      Kind = iota + 1 // newer: Hello
	KindOffer                      // older: Offer, with the data folder's lock and the gate
	KindSockets                    // older: Sockets, with what is listened on
	KindReady                      // newer: its rooms are open
	KindRefuse                     // newer: Refusal; it ends
	KindSession                    // older: connections of devices, those on TCP with their sockets
	KindStream                     // older: an event stream with its socket
	KindState                      // older: states of devices that are not connected
	KindEnd                        // older: End, and that is all
	KindServing                    // newer: Serving
	KindCall                       // older: somebody asks for a device
	KindCancel                     // older: and has gone
	KindStates                     // older: somebody asks how devices are
	KindAnswer                     // newer: what became of a call
	KindEvent                      // older: an event that was published here
	KindChanged                    // older: a device has another owner or key
	KindConnection                 // older: an idle connection of the HTTP API, with its socket
	KindInherited                  // newer: the answer to a call that was on its way
	KindBye                        // older: there is nothing more

	KindOrder  // of a person, to the process that serves: Order
	KindReport // what became of it: Report

	KindMemory // older: what is remembered of devices and sources without a connection
	KindAhead  // older: connections of devices on UDP as they are while it still serves
	KindGone   // older: of those, the ids of what has ended since
)

// Order is what somebody wants of a running cloud.
type Order struct {
	Do     string  `json:"do"`               // one of the constants below
	Binary string  `json:"binary,omitempty"` // upgrade: the program to start; empty: the one that runs, as it is on the disk now
	Rate   float64 `json:"rate,omitempty"`   // drain: devices a second
	Who    string  `json:"who"`              // for the record
}

// What can be ordered.
const (
	DoUpgrade = "upgrade"
	DoDrain   = "drain"
	DoAsk     = "drain?"  // what a drain would do, and how many an upgrade would hand over
	DoUndrain = "undrain" // take it back
)

// Report is what became of an order.
type Report struct {
	Error       string  `json:"error,omitempty"`
	Hint        string  `json:"hint,omitempty"`
	PID         int     `json:"pid,omitempty"` // of the process that serves now
	From        string  `json:"from,omitempty"`
	To          string  `json:"to,omitempty"`
	Sessions    int     `json:"sessions"`
	FreezeMS    float64 `json:"freeze_ms"`
	Disconnects int     `json:"disconnects"`
	Owners      int     `json:"owners,omitempty"`
	Left        int     `json:"left,omitempty"` // drain: devices that are still to go
	Busy        int     `json:"busy,omitempty"` // of those, somebody waits for a call of
	Final       bool    `json:"final"`
}

// Message is one packet.
type Message struct {
	Kind  Kind
	Body  []byte
	Files []*os.File // the receiver's to close
}

// Hello is the newer process's first word.
type Hello struct {
	Version int    `json:"version"`
	Export  int    `json:"export"` // of sessions
	Program string `json:"program"`
	PID     int    `json:"pid"`
}

// Offer is what the older process says of itself.
type Offer struct {
	Hello

	// Clock and Monotonic are its time and the system's monotonic clock at the
	// same moment, in nanoseconds: its clock goes on in the newer one, because
	// the time of a session never goes back.
	Clock     int64 `json:"clock"`
	Monotonic int64 `json:"monotonic"`

	// Bus is its address on the bus of a cluster; empty: the bus is its own.
	Bus string `json:"bus,omitempty"`
}

// Sockets names the sockets that come with it, in their order.
type Sockets struct {
	Labels []string `json:"labels"`
}

// Refusal is why the newer process does not take over.
type Refusal struct {
	Why string `json:"why"`
}

// End counts what was sent.
type End struct {
	Sessions int    `json:"sessions"`
	Streams  int    `json:"streams"`
	LastCall uint64 `json:"last_call"` // ids of calls up to this one are the older's
}

// Serving is what the newer process has taken up.
type Serving struct {
	Sessions int `json:"sessions"`
	Streams  int `json:"streams"`
	// Bus is its address on the bus, if that is the older one's, too.
	Bus string `json:"bus,omitempty"`
}

// encode cannot fail for the shapes above.
func encode(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

// read reads the body of a message that has to be of the kind.
func read(m Message, kind Kind, v any) error {
	if m.Kind == KindRefuse && kind != KindRefuse {
		var r Refusal
		_ = json.Unmarshal(m.Body, &r)
		return &RefusedError{r.Why}
	}
	if m.Kind != kind {
		return fmt.Errorf("%w: kind %d where %d was expected", ErrMessage, m.Kind, kind)
	}
	if err := json.Unmarshal(m.Body, v); err != nil {
		return fmt.Errorf("%w: %w", ErrMessage, err)
	}
	return nil
}

// RefusedError is what the older process gets when the newer does not want.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return "the new process refused: " + e.Why }

// Link is one end of the conversation. Send may be called from several
// goroutines, Receive from one.
type Link interface {
	// Send sends a message with copies of the descriptors, which stay the
	// caller's. It waits no longer than until the deadline that was set.
	Send(kind Kind, body []byte, files ...int) error
	Receive() (Message, error)
	// SetDeadline ends every Send and Receive at t; zero: never.
	SetDeadline(t time.Time) error
}

// Gate is where it is decided which process serves.
type Gate interface {
	// Pass is the newer's: true means that it serves from now on.
	Pass() bool
	// Shut is the older's: true means that the newer never will.
	Shut() bool
}

// closeAll closes files that nobody wants.
func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // it was only a copy
	}
}
