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
	// Seed makes message ids and the spread of retransmissions; it is no secret.
	Seed uint64
	Now  time.Time
}

// phase is how far a session's start-up has come.
type phase uint8

const (
	awaitHello  phase = iota // fresh keys, no Hello yet
	claiming                 // Hello named a device; its key is being asked for
	startUp                  // Hello answered; describe and subscriptions come
	established              // start-up complete
	closed
)

// Session is one device's conversation. It belongs to one goroutine.
type Session struct {
	// Set at New or Restore.
	id     device.ID
	udp    bool
	secure dtls.Session   // on UDP
	stream sealed.Channel // on TCP
	origin [8]byte        // names the session in the ids of its events

	peer   netip.AddrPort
	local  netip.Addr
	random uint64

	phase    phase
	cautious bool // restored after a crash, and no fresh answer yet
	restored bool // from a Record, and nothing heard yet
	doubtID  uint16
	doubtAt  int64 // when the ping doubtID was sent; 0: none was
	movedAt  int64 // when a marked record came last

	// The books of the conversation.
	ids      coap.MessageIDs
	tokens   coap.Tokens
	pending  coap.Exchanges
	answered coap.Duplicates
	calls    []call       // on their way
	waiting  []Call       // until the describe is there
	held     []heldAnswer // until a record is durable

	// What the device told of itself.
	hello         spark.Hello
	limits        spark.Limits
	describe      *spark.Describe // nil until some part came
	subscriptions []spark.Subscription
	blocks        *coap.Assembler // a describe that comes in blocks
	inquiry       *inquiry        // a describe that we asked for
	helloID       uint16          // of the Hello that waits for its claim

	// Unix milliseconds, 0 for never: the end of waiting for Hello or for the
	// describe, and when subscriptions are taken to be complete.
	startDeadline, quietAt int64

	// What is durable: see persist.go.
	version, saving, saved uint32
	retryAt                int64
	nextGeneration         uint32 // taken, and not yet durable; 0: none
	generationAt           uint32 // the version that makes it durable

	eventCount uint64 // on TCP

	presence
}

// New starts a session whose handshake is done. Its first input is the
// device's Hello.
func New(cfg Config) *Session {
	s := &Session{id: cfg.Device, peer: cfg.Peer, local: cfg.Local, random: cfg.Seed | 1}
	if cfg.DTLS != nil {
		s.udp, s.secure = true, *cfg.DTLS
	} else {
		s.stream = *cfg.TCP
	}
	s.origin = s.draw8()
	s.ids.Seed(uint16(s.draw()))
	s.presence.start(cfg.Now, s.udp)
	s.startDeadline = cfg.Now.Add(helloWait).UnixMilli()
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
func (s *Session) Hello() spark.Hello { return s.hello }

// Limits is how long names, arguments and messages for this device may be.
func (s *Session) Limits() spark.Limits { return s.limits }

// Subscriptions is what the device wants to hear. It must not be changed.
func (s *Session) Subscriptions() []spark.Subscription { return s.subscriptions }

// Closed tells whether the session is over.
func (s *Session) Closed() bool { return s.phase == closed }

// Step lets in happen at now and adds to outs what is to be done. now never
// goes back from one step to the next.
func (s *Session) Step(now time.Time, in *In, outs *Outs) {
	if s.phase == closed {
		return
	}
	before := s.word
	switch in.Kind {
	case Packet:
		s.packet(now, in, outs)
	case StartCall:
		s.call(now, in.Call, outs)
	case CancelCall:
		s.cancel(in.CallID)
	case Deliver:
		s.deliver(now, in.Event, outs)
	case Persisted:
		s.persisted(now, in.Token, in.Err, outs)
	case Admit:
		s.admit(now, in.Device, outs)
	case Refuse:
		s.refuse(now, in.Reason, outs)
	case Probe:
		s.probe(now, outs)
	case Close:
		s.reset(now, outs)
		s.close(now, in.Reason, outs)
	case Replace:
		s.close(now, in.Reason, outs)
	case Tick:
	}
	s.expire(now, outs)
	if s.word != before || s.changed {
		s.changed = false
		outs.add(Out{Kind: Changed})
	}
}

// expire does what has come due.
func (s *Session) expire(now time.Time, outs *Outs) {
	if s.phase == closed {
		return
	}
	s.expireExchanges(now, outs)
	s.expireCalls(now, outs)
	s.expireStart(now, outs)
	s.expireSilence(now, outs)
	s.expirePersist(now, outs)
}

// Deadline is when the session wants its next Tick; zero: no time in sight.
func (s *Session) Deadline() time.Time {
	if s.phase == closed {
		return time.Time{}
	}
	next := s.pending.Deadline()
	for _, t := range []int64{s.callDeadline(), s.startDeadline, s.quietAt, s.silenceAt, s.retryAt} {
		next = earlier(next, t)
	}
	return next
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

// close ends the session: whoever waits for it is answered.
func (s *Session) close(now time.Time, reason device.Reason, outs *Outs) {
	if s.phase == closed {
		return
	}
	for len(s.calls) > 0 {
		s.finish(now, 0, Reply{Err: lost(reason)}, outs)
	}
	for _, c := range s.waiting {
		outs.add(Out{Kind: Replied, Reply: Reply{ID: c.ID, Err: lost(reason)}})
	}
	s.waiting, s.held = nil, nil
	s.phase = closed
	s.setWord(now, device.Offline, reason)
	outs.add(Out{Kind: Closed, Reason: reason})
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
