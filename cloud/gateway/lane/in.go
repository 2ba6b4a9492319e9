package lane

import (
	"net/netip"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/sealed"
)

// In is what happens to a lane. The fields that a kind uses stand beside it.
type In struct {
	Kind   InKind
	Data   []byte         // Datagram, StreamData: bytes; good until the step returns
	From   netip.AddrPort // Datagram, StreamOpened: the device's side
	Local  netip.Addr     // Datagram: our side; invalid: unknown
	Conn   uint64         // Stream…, LookedUp, Opened, Accepted, Saved, Supersede: which connection
	Token  uint32         // Saved, Kept
	Err    error          // LookedUp, Opened, Accepted, Saved, StreamClosed
	Device device.ID      // CallDevice, CancelCall, ProbeDevice, CloseDevice, OwnerChanged
	Reason device.Reason  // CloseDevice, Supersede
	Owner  account.ID     // OwnerChanged
	// Restart is what the owner wants done with a device that does not answer
	// (OwnerAllows).
	Restart device.Restarting
	CallID  uint64 // CancelCall

	Call  *session.Call // CallDevice
	Event *event.Event  // Happened
	Found *Found        // LookedUp
	Claim *sealed.Claim // Opened
	Reply *Accepted     // ReplyMade
	Row   *Restored     // Restore
}

// InKind is what kind of thing happens to a lane.
type InKind uint8

// The kinds of input.
const (
	Tick         InKind = iota // the time has come that Deadline named
	Datagram                   // on the UDP port
	StreamOpened               // a device connected by TCP
	StreamData                 // and sent something
	StreamClosed               // and is gone
	LookedUp                   // the store told whose a key is
	Opened                     // a worker opened a device's TCP blob
	ReplyMade                  // a worker made our reply to it
	Saved                      // the store has, or has not, the record
	Kept                       // the history has, or has not, the event
	CallDevice                 // somebody calls a device
	CancelCall                 // and has gone
	Happened                   // an event for the devices that asked for it
	Supersede                  // another connection has the device now: let go of Conn
	ProbeDevice                // show that the device answers
	CloseDevice                // end its session, for a reason
	OwnerAllows                // what AskOwner asked
	OwnerChanged               // somebody claimed the device or let it go
	Restore                    // a stored session to take up again
)

// Found is what the store knows of a key, or of the device that claims it.
type Found struct {
	Device device.ID
	Owner  account.ID
	Known  bool // the device is registered with this key
	Other  bool // the device is registered with another key
}

// Accepted is the reply to a device on TCP, and the channel behind it.
type Accepted struct {
	Bytes [sealed.ReplySize]byte
	Keys  sealed.Channel
}

// Restored is a session of an earlier process.
type Restored struct {
	Record session.Record
	How    session.Restoration
	Owner  account.ID
}
