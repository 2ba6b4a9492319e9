package lane

import (
	"crypto/rsa"
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/internal/intern"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// Config is what a lane starts from. It does not change.
type Config struct {
	Node  string // this gateway's name, for the record of attempts
	Index int    // which lane this is
	DTLS  *dtls.ServerConfig
	RSA   *rsa.PrivateKey // the server's key for TCP
	// Random fills b with random bytes that nobody can predict.
	Random func(b []byte)
	// TrustOnFirstUse lets in devices that nobody registered, and keeps the key
	// that they show. Off, they are refused as unknown.
	TrustOnFirstUse bool
	// HelloRate is how many hellos of strangers a second are answered with a
	// cookie, for a second at once. Zero: 4,096, negative: no bound.
	HelloRate int
	// HalfOpen bounds handshakes that have not ended; more are not begun.
	// Zero: 4,096.
	HalfOpen int
	// Unproven bounds sessions whose key is on no file and that have not yet
	// said who they are. Zero: 512.
	Unproven int
	// Streams bounds TCP connections of this lane. Zero: 8,192.
	Streams int
	// PerSource bounds handshakes that have not ended from one address. Zero:
	// 512, negative: no bound.
	PerSource int
	// Failures is how many handshakes from one address may fail in a minute that
	// are laid at the peer; more are not begun. Zero: 600, negative: no bound.
	Failures int
	// DeviceRate is how many messages a second a device may send by itself, for
	// ten seconds at once. Zero: 100, negative: no bound.
	DeviceRate int
	// RefuseAtOnce has devices that we cannot take just now refused at once, and
	// not after a time of chance: for tests that show what that does.
	RefuseAtOnce bool
	// KeepEvents has devices' events acknowledged when they are kept for good.
	KeepEvents bool
	// Counter counts; nil: nobody does.
	Counter Counter
}

// Counter counts what happens at the door.
type Counter interface {
	// Attempt counts a connection attempt that ended.
	Attempt(try *device.Attempt)
	// Dropped counts what was dropped without an answer, by one of the
	// reasons below.
	Dropped(reason string)
	// Cookie counts a hello that was asked to prove its address.
	Cookie()
	// Remedy counts what was tried with a device that does not answer.
	Remedy(r device.Remedy)
}

// Why something was dropped without an answer.
const (
	DropUnknownSession = "unknown_session" // a record whose keys we do not have
	DropNotOurs        = "not_ours"        // not DTLS
	DropNotHello       = "not_hello"       // a handshake that does not begin with a hello
	DropHandshake      = "bad_handshake"   // part of a handshake that makes no sense where it stands
	DropUnopened       = "unopened"        // a record that is forged, garbled or played again
	DropMalformed      = "malformed"       // an authentic message that cannot be decoded
	DropHello          = "too_many_hellos" // a stranger's first, when others have had all the cookies of the moment
	DropHalfOpen       = "half_open_full"  // too many handshakes at once
	DropPushedOut      = "pushed_out"      // a handshake whose peer fell silent, for a newer one
	DropSource         = "source_limited"  // too much from one address
	DropTooFast        = "device_too_fast" // more messages of a device than it may send
	DropStreams        = "streams_full"    // too many TCP connections
	DropUnreadable     = "unreadable"      // a stored session that cannot be taken up
	DropStuck          = "stuck_timer"     // the turn of a timer that had not moved: a defect of ours
)

// silent counts nothing.
type silent struct{}

func (silent) Attempt(*device.Attempt) {}
func (silent) Dropped(string)          {}
func (silent) Cookie()                 {}
func (silent) Remedy(device.Remedy)    {}

// Lane owns a share of the devices. It belongs to one goroutine.
type Lane struct {
	cfg   Config
	room  room
	texts intern.Table // what devices offer
	last  uint64       // connection id given last

	conns     book[uint64]
	byCID     book[[8]byte]
	byDevice  book[device.ID]
	byAddr    map[netip.AddrPort]*conn // established, without connection id
	shaking   map[netip.AddrPort]*conn // handshakes, and those that linger
	arriving  map[*conn]struct{}       // key proven, and not yet its device's one connection
	listeners map[account.ID]*audience // who subscribed to anything, by owner
	curious   audience                 // who subscribed to everybody's public events

	held map[*conn]refusalDue // refusals that wait
	ward ward                 // devices that do not answer

	order []*conn // scratch of happened

	// Of a hand-over that is near.
	settling bool     // no handshake is begun
	ahead    []sent   // by place in the room
	replaced []uint64 // sent ahead from places that others have since
	packing  []byte   // scratch of exports

	timers   timers
	lingered int // at most, since the map of them was made
	halfOpen int // handshakes on UDP that have not ended
	unproven int // sessions whose key is on no file
	streams  int // connections on TCP

	opening map[*conn]struct{} // handshakes on UDP and TCP that have not ended
	sources sources            // where they come from
	crowded time.Time          // until then nobody can make room for them

	cookies   dtls.Cookies
	rotateAt  time.Time
	greeted   allowance // cookies that were given
	strangers bucket    // how many attempts by nobody are recorded
	claims    bucket    // and by those who say who they are, and do not prove it
	stats     Stats
	greeting  []byte
}

// Stats counts what a lane did and what it would not do.
type Stats struct {
	// What there is now.
	Conns, HalfOpen, Unproven, OpenStreams, Timers int

	// What there was so far.
	Datagrams, Streams   uint64
	Attempts             [2]uint64 // succeeded, failed
	UnknownSession       uint64    // records whose keys we do not have
	NotOurs              uint64    // datagrams that are not of this protocol
	Cookies              uint64    // handshakes asked to prove their address
	Ungreeted            uint64    // hellos that got no cookie, because others had had them
	HalfOpenFull         uint64
	UnprovenFull         uint64
	StreamsFull          uint64
	PushedOut            uint64 // handshakes that had to make room
	SourceLimited        uint64 // what came from where too much comes from
	TooFast              uint64 // messages of devices that say too much
	StrangersUnrecorded  uint64
	Unreadable           uint64 // stored sessions that could not be taken up
	Stuck                uint64 // timers that were due again at once: a defect of ours
	Dropped, Undelivered uint64 // from sessions that ended
	Held                 uint64 // refusals that were made to wait
	RemediesHeld         uint64 // starts over and restarts that were too many
	Avoided              uint64 // devices that are not asked any more, because that cost them their connection
	Doubled              uint64 // devices whose identity two seem to share
}

// Stats gives the counts as they are now.
func (l *Lane) Stats() Stats {
	s := l.stats
	s.Conns, s.HalfOpen, s.Unproven, s.OpenStreams, s.Timers = l.conns.len(), l.halfOpen, l.unproven, l.streams, len(l.timers.heap)
	return s
}

// New makes a lane without devices.
func New(cfg Config) *Lane {
	if cfg.Counter == nil {
		cfg.Counter = silent{}
	}
	if cfg.HelloRate == 0 {
		cfg.HelloRate = 4096
	}
	if cfg.HalfOpen == 0 {
		cfg.HalfOpen = 4096
	}
	if cfg.Unproven == 0 {
		cfg.Unproven = 512
	}
	if cfg.Streams == 0 {
		cfg.Streams = 8192
	}
	if cfg.PerSource == 0 {
		cfg.PerSource = 512
	}
	if cfg.Failures == 0 {
		cfg.Failures = 600
	}
	if cfg.DeviceRate == 0 {
		cfg.DeviceRate = 100
	}
	l := &Lane{
		cfg: cfg, opening: map[*conn]struct{}{}, sources: newSources(),
		byAddr: map[netip.AddrPort]*conn{}, shaking: map[netip.AddrPort]*conn{},
		arriving:  map[*conn]struct{}{},
		listeners: map[account.ID]*audience{}, held: map[*conn]refusalDue{}, ward: newWard(),
		strangers: bucket{rate: 10, burst: 100}, claims: bucket{rate: 10, burst: 100},
	}
	l.conns = newBook(&l.room, func(c *conn) uint64 { return c.id })
	l.byCID = newBook(&l.room, func(c *conn) [8]byte { return c.cid })
	l.byDevice = newBook(&l.room, func(c *conn) device.ID { return c.device })
	return l
}

// Step lets in happen at now and adds to outs what is to be done. now never
// goes back.
func (l *Lane) Step(now time.Time, in *In, outs *Outs) {
	l.room.clean()
	switch in.Kind {
	case Tick:
		l.tick(now, outs)
	case Datagram:
		l.datagram(now, in, outs)
	case StreamOpened:
		l.streamOpened(now, in, outs)
	case StreamData:
		l.streamData(now, in, outs)
	case StreamClosed:
		l.streamClosed(now, in, outs)
	case LookedUp:
		l.lookedUp(now, in, outs)
	case Opened:
		l.opened(now, in, outs)
	case ReplyMade:
		l.replyMade(now, in, outs)
	case Saved:
		l.recordSaved(now, in, outs)
	case Kept:
		if c := l.conns.of(in.Conn); c != nil && c.sess != nil {
			l.step(now, c, session.In{Kind: session.Kept, Token: in.Token, Err: in.Err}, outs)
		}
	case CallDevice:
		l.callDevice(now, in, outs)
	case CancelCall:
		if c := l.byDevice.of(in.Device); c != nil {
			l.step(now, c, session.In{Kind: session.CancelCall, CallID: in.CallID}, outs)
		}
	case Happened:
		l.happened(now, in.Event, outs)
	case Supersede:
		if c := l.conns.of(in.Conn); c != nil && c.sess != nil {
			l.step(now, c, session.In{Kind: session.Replace, Reason: device.Superseded}, outs)
		}
	case ProbeDevice:
		if c := l.byDevice.of(in.Device); c != nil {
			l.step(now, c, session.In{Kind: session.Probe}, outs)
		}
	case CloseDevice:
		l.closeDevice(now, in.Device, in.Reason, outs)
	case OwnerAllows:
		l.ownerAllows(now, in, outs)
	case OwnerChanged:
		l.ownerChanged(in.Device, in.Owner)
	case Restore:
		l.restore(now, in.Row, outs)
	}
}

// Deadline tells when the lane wants its next Tick; zero: no time in sight.
func (l *Lane) Deadline() time.Time { return l.timers.next() }

// tick serves every connection that is due.
func (l *Lane) tick(now time.Time, outs *Outs) {
	for {
		c := l.timers.pop(now)
		if c == nil {
			return
		}
		l.due(now, c, outs)
		if l.has(c) {
			l.rearm(c)
			if l.timers.putOff(c, now) {
				l.stats.Stuck++
				l.cfg.Counter.Dropped(DropStuck)
			}
		}
	}
}

// due serves a connection whose time has, or may have, come.
func (l *Lane) due(now time.Time, c *conn, outs *Outs) {
	if l.holdDue(now, c, outs) {
		return
	}
	if c.shake != nil && !c.shake.Deadline().After(now) {
		l.shakeDue(now, c, outs)
		if !l.has(c) {
			return
		}
	}
	if c.stream != nil && c.stream.limit != 0 && now.UnixMilli() >= c.stream.limit {
		l.streamLate(now, c, outs)
		return
	}
	if c.sess != nil && !c.sess.Closed() {
		if d := c.sess.Deadline(); !d.IsZero() && !d.After(now) {
			l.step(now, c, session.In{Kind: session.Tick}, outs)
		}
	}
}

// rearm sets the connection's timer for whatever comes first.
func (l *Lane) rearm(c *conn) {
	var first time.Time
	note := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if h, held := l.held[c]; held {
		l.timers.arm(c, time.UnixMilli(h.at))
		return
	}
	if c.shake != nil {
		note(c.shake.Deadline())
	}
	if c.stream != nil && c.stream.limit != 0 {
		note(time.UnixMilli(c.stream.limit))
	}
	if c.sess != nil {
		note(c.sess.Deadline())
	}
	l.timers.arm(c, first)
}

// add takes a new connection into the lane under a new id, as admit does.
func (l *Lane) add(c *conn) *conn {
	l.last++
	c.id = l.last<<8 | uint64(l.cfg.Index)
	return l.admit(c)
}

// admit takes a new connection into the lane, and gives where it is from now on.
func (l *Lane) admit(c *conn) *conn {
	c = l.room.admit(c)
	l.conns.put(c)
	return c
}

// has tells whether a connection has not ended.
func (l *Lane) has(c *conn) bool { return l.conns.of(c.id) == c }

// end takes a connection out of the lane and out of every index.
func (l *Lane) end(now time.Time, c *conn, outs *Outs) {
	if !l.has(c) {
		return
	}
	l.fail(now, c, device.ServerInternal, "the attempt ended without a reason", outs)
	l.leaveHalfOpen(c)
	l.settleClaim(c)
	l.timers.remove(c)
	l.conns.drop(c)
	delete(l.held, c)
	if c.hasCID {
		l.byCID.drop(c)
	}
	l.unindex(c, outs)
	l.forgetShake(c)
	delete(l.arriving, c)
	l.byDevice.drop(c)
	l.room.leave(c)
	l.unsubscribe(c)
	if c.sess != nil {
		l.stats.Dropped += uint64(c.sess.Dropped)
		l.stats.Undelivered += uint64(c.sess.Undelivered)
	}
	if !c.device.IsZero() {
		outs.add(Out{Kind: Drop, Device: c.device, Conn: c.id})
		c.held = false
	}
	if c.stream != nil {
		l.streams--
		outs.add(Out{Kind: CloseStream, Conn: c.id})
	}
}

// leaveHalfOpen gives back the place of a handshake.
func (l *Lane) leaveHalfOpen(c *conn) {
	l.arrived(c)
	if c.halfOpen {
		l.halfOpen--
		c.halfOpen = false
	}
}

// settleClaim gives back the place of an unproven session.
func (l *Lane) settleClaim(c *conn) {
	if c.key != nil {
		l.unproven--
		c.key = nil
	}
}
