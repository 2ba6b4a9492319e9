package session

import (
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/sealed"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// Config is what a new session starts from.
type Config struct {
	// Device is whose key the handshake proved. Zero: the key is on no file,
	// and Hello has to say who it is (Claim).
	Device device.ID
	// DTLS is the session's keys on UDP, TCP those of a stream: exactly one.
	DTLS *dtls.Session
	TCP  *sealed.Channel
	// Peer is where the device is, Local the address of ours that it speaks to
	// (UDP; invalid: whatever the socket has).
	Peer  netip.AddrPort
	Local netip.Addr
	// Seed makes message ids, the spread of retransmissions and the ids of
	// events: it has to be random, and is no secret.
	Seed uint64
	Now  time.Time
}

// phase is how far a session's start-up has come.
type phase uint8

const (
	awaitHello  phase = iota // fresh keys, no Hello yet
	claiming                 // Hello named a device; its key is being asked for
	greeting                 // Hello is answered as soon as the session is durable
	startUp                  // Hello answered; describe and subscriptions come
	established              // start-up complete
	closed
)

// Session is one device's conversation. It belongs to one goroutine.
type Session struct {
	// Set at New or Restore.
	id     device.ID
	origin [8]byte         // names the session in the ids of its events
	lastID uint16          // of the messages that begin with us
	secure dtls.Session    // on UDP
	stream *sealed.Channel // on TCP; nil on UDP

	peer   netip.AddrPort
	local  shared[netip.Addr]
	random uint64

	// The books of the conversation. What is only there while something is
	// under way lies on the desk, which an idle session does not have.
	tokens coap.Tokens
	desk   *desk

	// What the device told of itself.
	hello         shared[spark.Hello] // without its id
	app           *string             // application; nil: it has not said what it offers
	subscriptions shared[string]      // see subscription.go

	seq uint64 // number of the packet at hand

	helloID uint16 // of the Hello that is not yet answered
	pingID  uint16 // of the device's last ping

	phase    phase
	restored bool  // from a Record
	cautious bool  // restored after a crash, and no fresh answer yet
	helloNON bool  // the Hello at hand wants no acknowledgement
	pinged   bool  // pingID is one
	changed  bool  // State has something new that is worth telling
	avoid    uint8 // kinds of request that are not sent: a bit for each CallKind
	asked    bool  // the silence was noticed and the device pinged
	reasked  bool  // the application's describe was missed and asked for
	doubted  bool  // a function was not answered, and the describe asked for since

	durability
	presence
	Counters
}

// Counters count what a session cannot answer for; their owner collects them.
type Counters struct {
	Dropped     uint32 // records that did not open, or were played again
	Malformed   uint32 // messages that made no sense
	Duplicates  uint32 // messages that the device repeated
	Late        uint32 // answers to calls that had been given up
	Moves       uint32 // changes of the device's address
	Unsent      uint32 // messages that could not be sealed
	Undelivered uint32 // events for the device that were dropped
}

// desk is what a session is busy with.
type desk struct {
	ids      coap.MessageIDs // when they were used
	pending  coap.Exchanges  // what the device has not acknowledged
	answered coap.Duplicates // what it may say again

	calls   []call       // on their way
	waiting []Call       // until the describe is there
	held    []heldAnswer // until a record is durable
	stale   []staleToken // of calls that were given up
	blocks  *blocks      // a describe that the device sends in blocks
	fetch   *blocks      // a describe that we get in blocks
	climb   climb        // of the ladder of remedies
	deaf    deafness     // of the application
	clock   clock
}

// clock is what a session notes of the time while it is busy. Unix milliseconds,
// 0 for never.
type clock struct {
	// The end of waiting for Hello or for the describe, and when subscriptions are
	// taken to be complete.
	startDeadline, quietAt int64
	// When the device was last asked to convince us or told to start over, and
	// when a marked record came last.
	doubtAt, movedAt int64
	doubtID          uint16 // of the ping with which a cautious session asks
	retryAt          int64  // when what could not be stored is stored again
	climbed          uint32 // Unix seconds when a climb of the ladder had helped nothing
	flaps            flaps
}

// fresh forgets what is too long ago to matter.
func (c *clock) fresh(now time.Time) {
	if now.UnixMilli()-c.movedAt >= contactEvery {
		c.movedAt = 0
	}
	if now.UnixMilli()-int64(c.climbed)*1000 >= climbEvery {
		c.climbed = 0
	}
	if c.flaps.minute != uint32(now.Unix()/60) {
		c.flaps = flaps{}
	}
}

func (d *desk) empty() bool {
	return len(d.calls)+len(d.waiting)+len(d.held)+len(d.stale) == 0 && d.blocks == nil && d.fetch == nil &&
		d.pending.Len() == 0 && d.answered.Empty() && d.ids == coap.MessageIDs{} && d.climb == climb{} && d.deaf == deafness{} && d.clock == clock{}
}

// New starts a session whose handshake is done. Its first input is the
// device's Hello.
func New(cfg Config) *Session {
	s := &Session{id: cfg.Device, peer: cfg.Peer, local: share(cfg.Local), random: cfg.Seed, desk: new(desk)}
	if cfg.DTLS != nil {
		s.secure = *cfg.DTLS
	} else {
		stream := *cfg.TCP
		s.stream = &stream
	}
	s.origin = s.draw8()
	s.lastID = uint16(s.draw())
	s.savedID = s.lastID
	s.presence.start(cfg.Now, s.udp())
	s.desk.clock.startDeadline = cfg.Now.Add(helloWait).UnixMilli()
	return s
}

// Finished gives the session the keys as they are after the handshake's last
// flight. Until then it has those with which the flight will be sent, which is
// what has to be stored before it goes out.
func (s *Session) Finished(keys dtls.Session) { s.secure = keys }

// Device is who the session belongs to; zero until a claim was admitted.
func (s *Session) Device() device.ID { return s.id }

// Peer is where the device is now.
func (s *Session) Peer() netip.AddrPort { return s.peer }

// Hello is what the device's Hello said; zero before it came.
func (s *Session) Hello() spark.Hello {
	h := s.hello.get()
	if h.HasDeviceID {
		h.DeviceID = s.id
	}
	return h
}

// introduce notes what the device's Hello said. Its id is the session's, or
// will be: without it thousands of devices say the same.
func (s *Session) introduce(h spark.Hello) {
	h.DeviceID = device.ID{}
	s.hello = share(h)
}

// Limits is how long names, arguments and messages for this device may be.
func (s *Session) Limits() spark.Limits {
	h := s.hello.get()
	return spark.LimitsFor(&h)
}

// Closed tells whether the session is over.
func (s *Session) Closed() bool { return s.phase == closed }

// Cautious tells whether the session was restored after a crash and the device
// has not yet shown, by a fresh answer, that it is there.
func (s *Session) Cautious() bool { return s.cautious }

func (s *Session) udp() bool { return s.stream == nil }

// halfway tells of a session whose start-up was cut short by our restart.
func (s *Session) halfway() bool { return s.restored && s.phase != established }

// Step lets in happen at now and adds to outs what is to be done. now never
// goes back from one step to the next.
func (s *Session) Step(now time.Time, in *In, outs *Outs) {
	if s.phase == closed {
		if in.Kind == StartCall {
			refused(&in.Call, NotConnected, lost(s.reason.get()), outs)
		}
		return
	}
	s.sitDown(outs)
	s.perform(now, in, outs)
	s.expire(now, outs)
	s.clearDesk(now, outs)
	if s.changed && s.phase != closed {
		s.changed = false
		outs.add(Out{Kind: Changed})
	}
}

func (s *Session) perform(now time.Time, in *In, outs *Outs) {
	switch in.Kind {
	case Packet:
		s.packet(now, in, outs)
	case StartCall:
		s.call(now, in.Call, outs)
	case CancelCall:
		s.cancel(now, in.CallID)
	case Deliver:
		s.deliver(now, in.Event, outs)
	case Persisted:
		s.persisted(now, in.Token, in.Err, outs)
	case Kept:
		s.kept(now, in.Token, in.Err, outs)
	case Admit:
		s.admit(now, in.Device, outs)
	case Refuse:
		s.refuse(now, in.Reason, outs)
	case Probe:
		s.probe(now, outs)
	case Remedy:
		s.remedy(now, in, outs)
	case Avoid:
		s.avoid = in.Kinds
	case Close:
		s.reset(now, outs)
		s.close(now, device.Offline, in.Reason, outs)
	case Replace:
		s.close(now, device.Offline, in.Reason, outs)
	case Tick:
	}
}

// sitDown gives a session without a desk that of outs for the step.
func (s *Session) sitDown(outs *Outs) {
	if s.desk == nil {
		s.desk = &outs.desk
	}
}

// clearDesk forgets what has waited long enough, and the desk when nothing is
// left on it. A borrowed one on which something stays becomes the session's.
func (s *Session) clearDesk(now time.Time, outs *Outs) {
	s.expireTokens(now)
	s.desk.blocks, s.desk.fetch = s.desk.blocks.fresh(now), s.desk.fetch.fresh(now)
	s.desk.deaf = s.desk.deaf.fresh(now)
	s.desk.clock.fresh(now)
	s.desk.ids.Rest(now)
	switch {
	case s.phase == closed || s.desk.empty():
		s.desk = nil
	case s.desk == &outs.desk:
		own := outs.desk
		s.desk = &own
	}
	outs.desk = desk{}
}

// expire does what has come due. Some of it may end the session.
func (s *Session) expire(now time.Time, outs *Outs) {
	if s.phase == closed {
		return
	}
	s.expireCalls(now, outs) // whose caller has gone is not sent once more
	s.expireExchanges(now, outs)
	s.expirePersist(now, outs)
	s.expireStart(now, outs)
	if s.phase != closed {
		s.expireSilence(now, outs)
		s.expireRemedy(now, outs)
	}
}

// Deadline is when the session wants its next Tick; zero: no time in sight.
func (s *Session) Deadline() time.Time {
	if s.phase == closed {
		return time.Time{}
	}
	var next time.Time
	if d := s.desk; d != nil {
		next = d.pending.Deadline()
		for _, t := range [...]int64{d.deadline(), d.clock.startDeadline, d.clock.quietAt, d.clock.retryAt} {
			next = earlier(next, t)
		}
	}
	return earlier(earlier(next, s.silenceAt), s.proofDeadline())
}

func earlier(a time.Time, ms int64) time.Time {
	if ms == 0 {
		return a
	}
	if b := time.UnixMilli(ms); a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// close ends the session: whoever waits for it is answered. A device that has
// said why it leaves is gone for that reason.
func (s *Session) close(now time.Time, w device.Word, why device.Reason, outs *Outs) {
	if s.phase == closed {
		return
	}
	if s.saidGoodbye() && (why == device.PeerClosed || why == device.KeepAliveMissed) {
		w, why = s.word, s.reason.get()
	}
	s.setWord(now, w, why)
	s.failCalls(now, outs)
	s.desk.pending = coap.Exchanges{}
	s.phase = closed
	outs.add(Out{Kind: Closed, Reason: why})
}

// draw gives the next of a row of well-spread numbers (splitmix64). They only
// spread retransmissions and message ids, and need no secrecy.
func (s *Session) draw() uint64 {
	s.random += 0x9e3779b97f4a7c15
	z := s.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (s *Session) draw8() (b [8]byte) {
	v := s.draw()
	for i := range b {
		b[i] = byte(v >> (8 * i))
	}
	return b
}
