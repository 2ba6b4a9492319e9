package lane

import (
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/sealed"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// Out is something that the runner of a lane is to do. The fields that a kind
// uses stand beside it. All that it points to is good until the Outs are
// reset.
type Out struct {
	Kind   OutKind
	Conn   uint64         // which connection
	Token  uint32         // Save; Publish: say Kept with it, 0: nobody waits
	Device device.ID      // Show, Take, Drop, TakeNote
	Data   []byte         // SendStream
	Wait   time.Duration  // HoldStream
	Addr   netip.AddrPort // Index, Unindex

	LookUp *Lookup         // LookUp
	Job    *Job            // OpenBlob, MakeReply
	Record *session.Record // Save; Forget: without its blob
	Event  *event.Event    // Publish
	Answer *Answer         // Answered
	State  *device.State   // Show
	Try    *device.Attempt // RecordTry
	Note   *Note           // TakeNote
}

// OutKind is what kind of thing is to be done.
type OutKind uint8

// The kinds of output. Datagrams are apart, in Outs.Datagrams.
const (
	SendStream  OutKind = iota // bytes for the connection
	CloseStream                // end it
	HoldStream                 // read no more of it for so long
	LookUpKey                  // ask the store, and say LookedUp
	OpenBlob                   // have a worker open the blob, and say Opened
	MakeReply                  // have a worker make the reply, and say ReplyMade
	Save                       // store the record, and say Saved
	Forget                     // the record, if it is still stored, is good for nothing any more
	Publish                    // an event, to everybody
	Answered                   // a call has its answer
	Show                       // the device's state is now this
	Take                       // Conn of this lane holds the device now
	Drop                       // and has no part in it any longer
	RecordTry                  // a connection attempt ended
	TakeNote                   // something worth keeping was learnt of the device
	Index                      // datagrams from Addr that name no session are this lane's
	Unindex                    // not any more
	Arrive                     // Conn, which was handed over, has the newest session of the device, and not yet the device
	AskOwner                   // ask the store how far the device's owner lets us go, and say OwnerAllows
)

// Send is a datagram to send.
type Send struct {
	Data  []byte
	To    netip.AddrPort
	Local netip.Addr // from which of our addresses; invalid: any
}

// Lookup is a question to the store: whose key is this, or is it that
// device's.
type Lookup struct {
	Algorithm device.Algorithm
	SPKI      []byte
	Claim     device.ID // zero: whoever holds the key
	// Trust lets a device in that nobody registered, with the key that it
	// showed.
	Trust bool
}

// Job is work on a TCP handshake that takes milliseconds.
type Job struct {
	From  netip.Addr // the device's address
	Shake sealed.ServerHandshake
	Blob  [sealed.BlobSize]byte // OpenBlob
	Key   sealed.DeviceKey      // MakeReply
}

// Answer is a call's answer with what is known of the device.
type Answer struct {
	session.Reply
	State device.State
	Limit int // bytes of the longest argument that the device takes; 0: unknown
}

// Note is what the device's page shows while the device is away.
type Note struct {
	Heard, Handshake time.Time
	Address          string
	Hello            *spark.Hello
	Describe         *device.Describe
}

// Outs collects what a run of steps wants done.
type Outs struct {
	List      []Out
	Datagrams []Send

	session session.Outs
	states  []device.State // of List
}

// Reset empties the lists for use again.
func (o *Outs) Reset() {
	clear(o.List)
	clear(o.Datagrams)
	o.List, o.Datagrams = o.List[:0], o.Datagrams[:0]
	clear(o.states)
	o.states = o.states[:0]
	o.session.Reset()
}

// state keeps st until Reset. When the list grows, earlier ones stay where they
// were.
func (o *Outs) state(st device.State) *device.State {
	o.states = append(o.states, st)
	return &o.states[len(o.states)-1]
}

func (o *Outs) add(out Out) { o.List = append(o.List, out) }

func (o *Outs) send(data []byte, to netip.AddrPort, local netip.Addr) {
	if len(data) == 0 {
		return
	}
	o.Datagrams = append(o.Datagrams, Send{Data: data, To: to, Local: local})
}

func (o *Outs) sendAll(flight [][]byte, to netip.AddrPort, local netip.Addr) {
	for _, d := range flight {
		o.send(d, to, local)
	}
}
