package bus

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// CallKind is what is asked of a device.
type CallKind uint8

// The kinds of call.
const (
	Function CallKind = iota + 1 // call the function Name with Argument
	Variable                     // read the variable Name
	Ping                         // ask for a round trip
	Describe                     // ask for a fresh describe; Flags tells which parts
	Signal                       // make the LED shout rainbows (On) or stop it
	Reset                        // have it reset its network or itself, as Argument says; the answer says that it was told
)

// String gives the kind's name as it stands in logs and metrics.
func (k CallKind) String() string {
	switch k {
	case Function:
		return "function"
	case Variable:
		return "variable"
	case Ping:
		return "ping"
	case Describe:
		return "describe"
	case Signal:
		return "signal"
	case Reset:
		return "reset"
	default:
		return "unknown"
	}
}

// Call is one request to one device.
type Call struct {
	Device   device.ID
	Kind     CallKind
	Name     string // function or variable
	Argument string // function
	On       bool   // signal
	Flags    uint8  // describe: 0 means all that start-up asks for
	// Timeout is how long the device has to answer; zero: the gateway's default.
	Timeout time.Duration
	Request string // the request id that ties the logs of all doors together
}

// Stage is how far a call came.
type Stage uint8

// The stages of a call, in order.
const (
	StageUnknown    Stage = iota // nobody can tell
	NotConnected                 // there was no session to send it on
	Queued                       // it waited behind other calls to the same device and was not sent
	SentNoAck                    // it was sent and the device acknowledged nothing
	AckedNoResponse              // the device has it, its application did not answer
	Answered                     // the device answered, be it with an error
)

var stageNames = [...]string{
	StageUnknown: "unknown", NotConnected: "not_connected", Queued: "queued", SentNoAck: "sent_no_ack",
	AckedNoResponse: "acked_no_response", Answered: "answered",
}

// String gives the stage as the HTTP API shows it.
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return stageNames[StageUnknown]
}

// Result is what became of a call. State, Stage and RoundTrip are filled in
// as far as they are known when the call fails, too.
type Result struct {
	Return    int32 // function
	Value     Value // variable
	Online    bool  // ping: the device answered
	State     device.State
	Stage     Stage
	RoundTrip time.Duration // from the last transmission to the answer
	// MaxArgument is the longest function argument that the device takes, in
	// bytes; zero: not known.
	MaxArgument int
	// Unheard are the calls in a row before this one that the device's system
	// acknowledged and its application did not answer; UnheardSince is when the
	// first of them was given up.
	Unheard      int
	UnheardSince time.Time
}
