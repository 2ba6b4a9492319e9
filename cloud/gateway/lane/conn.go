package lane

import (
	"encoding/hex"
	"net/netip"
	"time"
	"unique"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/sealed"
)

// conn is a device's connection: first a handshake, then a session, for a
// while both.
type conn struct {
	id   uint64
	slot uint32 // its place in the lane's room

	udp, hasCID bool
	// On UDP: halfOpen until the device may have its Finished, saved from then on.
	halfOpen, saved bool
	held            bool // the table has this connection as the device's
	announced       bool // its owner was told that it is online

	shake  *handshake       // UDP, until it has lingered long enough
	stream *stream          // TCP
	sess   *session.Session // from when the keys are agreed

	device device.ID                 // proven by its key; zero before that
	place  uint32                    // in the timers' heap, from 1; 0: not there
	whose  unique.Handle[account.ID] // see owner
	key    *[]byte                   // SPKI that it showed, while a claim is open
	cid    [8]byte

	try     *device.Attempt // nil when it has ended
	hears   []*interest     // what it subscribed to, where it is indexed
	indexed *indexed        // on UDP without connection id

	shown int64     // Unix milliseconds when the table was told of its state, and
	noted int64     // when the store was
	said  allowance // messages of its own
	due   int64     // Unix milliseconds of the timer; 0: none
}

// handshake is what only a connection on UDP has that shakes hands.
type handshake struct {
	*dtls.ServerHandshake
	gate  netip.AddrPort // where the device was, and under which it is found
	local netip.Addr     // where we are
}

// peer is where the device is.
func (c *conn) peer() netip.AddrPort {
	switch {
	case c.stream != nil:
		return c.stream.peer
	case c.sess != nil:
		return c.sess.Peer()
	case c.shake != nil:
		return c.shake.gate
	}
	return netip.AddrPort{}
}

// owner is whose device it is; "": nobody's.
func (c *conn) owner() account.ID {
	if c.whose == (unique.Handle[account.ID]{}) {
		return ""
	}
	return c.whose.Value()
}

// own makes it the owner's device; "": nobody's.
func (c *conn) own(owner account.ID) {
	c.whose = unique.Handle[account.ID]{}
	if owner != "" {
		c.whose = unique.Make(owner)
	}
}

// stream is the part of a connection that only TCP has.
type stream struct {
	peer  netip.AddrPort
	shake sealed.ServerHandshake
	blob  []byte // what came of the device's blob; nil once it is whole
	split sealed.Splitter
	claim sealed.Claim
	limit int64 // Unix milliseconds when the handshake is given up; 0: it is done
}

// begin starts the record of the connection's attempt.
func (l *Lane) begin(now time.Time, c *conn, from netip.AddrPort) {
	transport := "tcp"
	if c.udp {
		transport = "udp"
	}
	c.try = &device.Attempt{
		ID: l.attemptID(now), Transport: transport, Source: from.String(), Gateway: l.cfg.Node, Started: now.UTC(),
	}
	c.reach(now, device.StageSocket)
}

// attemptID gives an id that sorts by time: 48 bits of milliseconds and 48
// random ones.
func (l *Lane) attemptID(now time.Time) string {
	var b [12]byte
	l.cfg.Random(b[6:])
	ms := now.UnixMilli()
	for i := range 6 {
		b[5-i] = byte(ms >> (8 * i))
	}
	return hex.EncodeToString(b[:])
}

// reach notes a stage of the attempt.
func (c *conn) reach(now time.Time, stage string) {
	if c.try != nil {
		c.try.Stages = append(c.try.Stages, device.Stage{Name: stage, At: now.UTC()})
	}
}

// stages gives what the attempt reached so far.
func (c *conn) stages() []device.Stage {
	if c.try == nil {
		return nil
	}
	return c.try.Stages
}

// succeed ends the attempt well.
func (l *Lane) succeed(now time.Time, c *conn, outs *Outs) {
	if c.try != nil {
		c.try.Outcome = device.Succeeded
		l.settleTry(now, c, outs)
	}
}

// fail ends the attempt with the reason and a sentence for people.
func (l *Lane) fail(now time.Time, c *conn, why device.Reason, detail string, outs *Outs) {
	if c.try == nil {
		return
	}
	c.try.Outcome, c.try.Reason, c.try.Detail = device.Failed, why, detail
	l.settleTry(now, c, outs)
}

func (l *Lane) settleTry(now time.Time, c *conn, outs *Outs) {
	try := c.try
	c.try = nil
	try.Ended = now.UTC()
	if !c.device.IsZero() {
		try.Device, try.Claimed = c.device, false
	}
	l.stats.Attempts[outcomeIndex(try)]++
	l.cfg.Counter.Attempt(try)
	if try.Outcome == device.Failed {
		l.blame(now, c, try.Reason)
	}
	if !l.worthRecording(now, try) {
		l.stats.StrangersUnrecorded++
		return
	}
	outs.add(Out{Kind: RecordTry, Try: try})
	// What a stranger claims to be may not exist: the table is not for it.
	if try.Outcome == device.Failed && !try.Device.IsZero() && (!try.Claimed || try.Reason == device.KeyMismatch) {
		outs.add(Out{Kind: Show, Device: try.Device, Conn: c.id, State: refusal(try)})
	}
}

// worthRecording bounds what those can have us write who have proven nothing.
func (l *Lane) worthRecording(now time.Time, try *device.Attempt) bool {
	switch {
	case try.Device.IsZero():
		return l.strangers.take(now)
	case try.Claimed:
		return l.claims.take(now)
	}
	return true
}

// refusal is the state of a device that knocks and is not let in. The table
// shows it only while nobody holds the device.
func refusal(try *device.Attempt) *device.State {
	word := device.Offline
	if try.Reason.Fault() == device.Hand {
		word = device.Refused
	}
	return &device.State{Word: word, Since: try.Ended, Reason: try.Reason, Transport: try.Transport, Address: try.Source}
}

func outcomeIndex(try *device.Attempt) int {
	if try.Outcome == device.Succeeded {
		return 0
	}
	return 1
}
