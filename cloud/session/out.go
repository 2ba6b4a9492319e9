package session

import (
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// Out is something that the owner of the session is to do. The fields that a
// kind uses stand beside it.
type Out struct {
	Kind   OutKind
	Data   []byte         // Send: a whole datagram, or bytes of the stream
	To     netip.AddrPort // Send, on UDP
	Local  netip.Addr     // Send, on UDP: which of our addresses to send from
	Token  uint32         // Persist; Publish: say Kept with it, 0: nobody waits
	Event  event.Event    // Publish, Told; Owner is left to the owner of the session
	System *spark.System  // Described, when it is the system's part that is new; the session does not keep it
	Reply  Reply          // Replied
	Device device.ID      // Claim
	Stage  string         // Reached: one of device.Stage…
	At     time.Time      // Reached: when, for what shows only later; zero: now
	Reason device.Reason  // Closed, Contact
	Remedy device.Remedy  // Ailing
}

// OutKind is what kind of thing is to be done.
type OutKind uint8

// The kinds of output.
const (
	Send      OutKind = iota // write these bytes
	Persist                  // store Record and say Persisted with the token
	Publish                  // the device published an event
	Replied                  // a call has its answer
	Claim                    // an unknown key says that it is this device: Admit or Refuse it
	Reached                  // the device's attempt to connect reached a stage; StageOnline ends it
	Contact                  // the device is back within a session that was there: a connect without handshake
	Changed                  // State gives something new
	Described                // Describe, Hello or Subscriptions give something new
	Closed                   // the session is over, and State says why; it takes no more input
	Ailing                   // the device does not answer, and this is tried; StartOver and Restart wait for Remedy
	Asked                    // the device is asked what it offers, and nobody called for that
	Doubled                  // two seem to share the device's identity: its address goes back and forth
	Told                     // the device told or asked the cloud something by an event that is nobody else's
)

// Reply is a call's answer.
type Reply struct {
	ID    uint64 // the call's
	Value spark.Value
	Stage Stage
	Took  time.Duration
	Err   error // a *fault.Error; nil when the device answered as it should
	// Unheard are the calls in a row, as far as they are counted, that the device's
	// system acknowledged and its application did not answer; UnheardSince is when
	// the first of them was given up.
	Unheard      int
	UnheardSince time.Time
}

// Outs collects what a step, or a run of steps, wants done. Bytes to send
// stand in a buffer of its own that is used again after Reset: no step
// allocates for sending once the buffer has grown.
type Outs struct {
	List []Out
	// KeepEvents says that events are kept for good: those that a device wants
	// acknowledged are, when Kept says so. Reset leaves it.
	KeepEvents bool

	bytes []byte // what is to be sent or published
	plain []byte // the packet at hand, opened
	texts spark.Texts
	desk  desk // lent to a session for one step

	schedules dtls.Schedules // of busy sessions
}

// Reset empties the list and makes the buffer free for use again; bytes of
// earlier outs are no longer good.
func (o *Outs) Reset() {
	clear(o.List)
	o.List, o.bytes = o.List[:0], o.bytes[:0]
}

func (o *Outs) add(out Out) { o.List = append(o.List, out) }
