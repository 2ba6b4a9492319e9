package session

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/coap"
)

// How long a device may be silent. Device OS pings after 15 s of silence on
// TCP, after 25 s on Wi-Fi and Ethernet, after 23 minutes on cellular networks.
const (
	keepAliveTCP      = 15 * time.Second
	keepAliveUDP      = 25 * time.Second
	keepAliveCellular = 23 * time.Minute

	silenceTCP   = 40 * time.Second // a stream without a byte for this long is dead
	silenceSlack = 35 * time.Second // past its keep-alive a device on UDP is asked
	silenceGrace = 60 * time.Second // and, when it does not answer for this long, gone

	// noRepeat is how long after our acknowledgement a device that did not get
	// it has repeated itself at the latest (4 s, times 1.5, and the way).
	noRepeat = 8 * time.Second
)

// cellular are the platforms with a modem, by platform id.
var cellular = map[uint16]bool{10: true, 13: true, 23: true, 25: true, 26: true, 27: true, 28: true, 35: true}

// presence is what we know of whether the device is there. Times are Unix
// milliseconds; 0 is never.
type presence struct {
	word    device.Word
	reason  device.Reason
	changed bool // State has something new that is worth telling
	asked   bool // the silence was noticed and the device pinged

	since, lastSeen, provenAt, until int64

	// ackedAt is when we last acknowledged something, and ackedID what: when it
	// is not repeated, our acknowledgement arrived.
	ackedAt int64
	ackedID uint16

	keepAlive time.Duration
	spokeAt   int64 // when either side last said something, for learning keepAlive
	silenceAt int64 // when silence is to be looked at

	// Counters for the owner to collect.
	Dropped, Malformed, Duplicates, Moves, Unsent, Undelivered uint32
}

func (p *presence) start(now time.Time, udp bool) {
	p.word, p.since, p.keepAlive = device.Connecting, now.UnixMilli(), keepAliveTCP
	if udp {
		p.keepAlive = keepAliveUDP
	}
	p.spokeAt = p.since
}

func (s *Session) setWord(now time.Time, w device.Word, why device.Reason) {
	if s.word == w && s.reason == why {
		return
	}
	s.word, s.reason, s.since, s.changed = w, why, now.UnixMilli(), true
}

// State tells what is known of the device at now.
func (s *Session) State(now time.Time) device.State {
	s.settleProof(now)
	transport := "tcp"
	if s.udp {
		transport = "udp"
	}
	st := device.State{
		Word: s.word, Since: moment(s.since), Reason: s.reason, LastSeen: moment(s.lastSeen), ProvenAt: moment(s.provenAt),
		KeepAlive: s.keepAlive, Transport: transport, Until: moment(s.until),
	}
	if s.peer.IsValid() {
		st.Address = s.peer.String()
	}
	return st
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// heard notes that an authentic record came: whatever we thought, the device
// is there. Whether it hears us is another matter.
func (s *Session) heard(now time.Time) {
	s.lastSeen, s.asked = now.UnixMilli(), false
	s.armSilence(now)
	if s.phase == established && s.word != device.Online && s.word != device.Limbo {
		s.until = 0
		s.setWord(now, device.Online, device.ReasonNone)
	}
}

// proved notes that the device answered a message of ours.
func (s *Session) proved(now time.Time) {
	s.provenAt = now.UnixMilli()
	if s.word == device.Limbo {
		s.setWord(now, device.Online, device.ReasonNone)
	}
}

// acknowledged notes that we answered a confirmable message of the device's.
func (s *Session) acknowledged(now time.Time, id uint16) {
	s.settleProof(now)
	s.ackedAt, s.ackedID = now.UnixMilli(), id
}

// repeated notes that a device sent again what we answered: the answer did
// not arrive.
func (s *Session) repeated(id uint16) {
	s.Duplicates++
	if s.ackedAt != 0 && s.ackedID == id {
		s.ackedAt = 0
	}
}

// settleProof turns an acknowledgement that was not asked for again into
// proof that the device hears us.
func (s *Session) settleProof(now time.Time) {
	if s.udp && s.ackedAt != 0 && now.UnixMilli()-s.ackedAt >= noRepeat.Milliseconds() {
		s.provenAt = max(s.provenAt, s.ackedAt)
		s.ackedAt = 0
	}
}

// learn takes the device's ping for the measure of its keep-alive: it comes
// when nothing was said for that long.
func (s *Session) learn(now time.Time) {
	gap := time.Duration(now.UnixMilli()-s.spokeAt) * time.Millisecond
	if s.spokeAt != 0 && gap > 2*time.Second {
		s.keepAlive = gap.Round(time.Second)
		s.armSilence(now)
	}
}

func (s *Session) armSilence(now time.Time) {
	wait := silenceTCP
	if s.udp {
		wait = s.keepAlive + silenceSlack
	}
	s.silenceAt = now.Add(wait).UnixMilli()
}

// expireSilence looks at a device that has said nothing for longer than its
// keep-alive: on TCP the stream is dead; on UDP it is asked first, and its
// session is kept for when it is back.
func (s *Session) expireSilence(now time.Time, outs *Outs) {
	if s.silenceAt == 0 || now.UnixMilli() < s.silenceAt || s.phase == closed {
		return
	}
	switch {
	case !s.udp:
		s.close(now, device.KeepAliveMissed, outs)
	case s.phase == established && s.word != device.Asleep && !s.asked:
		s.asked = true
		s.silenceAt = now.Add(silenceGrace).UnixMilli()
		s.probe(now, outs)
	default:
		s.silenceAt = 0
		if s.word == device.Online || s.word == device.Limbo {
			s.setWord(now, device.Offline, device.KeepAliveMissed)
			s.failCalls(now, outs)
		}
	}
}

// probe pings the device, unless a ping is on its way.
func (s *Session) probe(now time.Time, outs *Outs) {
	for _, c := range s.calls {
		if c.kind == Ping {
			return
		}
	}
	s.call(now, Call{Kind: Ping, Deadline: now.Add(silenceGrace)}, outs)
}

// ping sends an empty confirmable message and gives its id.
func (s *Session) ping(now time.Time, outs *Outs) (uint16, error) {
	id, err := s.ids.Next(now)
	if err != nil {
		return 0, err
	}
	var buf [4]byte
	s.request(now, id, 0, false, coap.AppendEmpty(buf[:0], coap.Confirmable, id), outs)
	return id, nil
}
