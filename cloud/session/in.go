package session

import (
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// In is what happens to a session. The fields that a kind uses stand beside it.
type In struct {
	Kind   InKind
	Record dtls.Record    // Packet, on UDP
	Frame  []byte         // Packet, on TCP: one frame's ciphertext
	From   netip.AddrPort // Packet, on UDP: where it came from
	Local  netip.Addr     // Packet, on UDP: which of our addresses it was sent to
	Call   Call           // StartCall
	CallID uint64         // CancelCall
	Event  *event.Event   // Deliver
	Token  uint32         // Persisted, Kept
	Err    error          // Persisted, Kept: why it was not
	Device device.ID      // Admit: who the device is
	Reason device.Reason  // Refuse, Close
	Remedy device.Remedy  // Remedy
	Kinds  uint8          // Avoid: a bit for each CallKind
	// Restart is how far the device's owner lets us go (Remedy).
	Restart device.Restarting
}

// InKind is what kind of thing happens.
type InKind uint8

// The kinds of input.
const (
	Tick       InKind = iota // the time has come that Deadline named
	Packet                   // the device sent something
	StartCall                // somebody calls the device
	CancelCall               // and does not want the answer any more
	Deliver                  // an event that the device subscribed to
	Persisted                // the store has, or has not, the record asked for
	Kept                     // the event with the token is kept for good, or cannot be
	Admit                    // the device that Claim named may come in
	Refuse                   // it may not, for a reason that the device is told in its own way
	Probe                    // show that the device answers
	Close                    // end the session; a device that can be told is told to start over
	Replace                  // a newer session took over: end without a word
	Remedy                   // the rung that Ailing named may be tried
	Avoid                    // do not ask for these kinds of thing by yourself
)

// Call is something to ask of the device.
type Call struct {
	ID       uint64 // the caller's, unique within the session; zero: nobody waits for the answer
	Kind     CallKind
	Name     string              // of the function or variable
	Argument string              // of the function
	On       bool                // Signal
	Flags    spark.DescribeFlags // Describe: which part, exactly one; zero: the application's
	Deadline time.Time           // zero: 30 s from now
}

// CallKind is what is asked of a device.
type CallKind uint8

// The kinds of call.
const (
	Function CallKind = iota // run a function, get its int32
	Variable                 // read a variable
	Ping                     // a round trip
	Signal                   // shout rainbows, or stop
	Describe                 // say anew what it offers; Described comes before the answer
	Reset                    // reset the network, or itself, as Argument says; it is answered when that is sent
)

// Stage is how far a call came: what is known when no answer is there.
type Stage uint8

// The stages of a call.
const (
	NotConnected    Stage = iota // nothing could be sent
	SentNoAck                    // sent, and the device did not even acknowledge it
	AckedNoResponse              // the device has it; its application did not answer
	Answered
	Queued // waited for the device's describe, and was not sent
)

// String gives the stage as the HTTP API shows it.
func (s Stage) String() string {
	return [...]string{"not_connected", "sent_no_ack", "acked_no_response", "answered", "queued"}[min(s, Queued)]
}
