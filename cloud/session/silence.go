package session

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/coap"
)

// How long a device may be silent. Device OS pings after 15 s of silence on
// TCP, after 25 s on Wi-Fi and Ethernet, after 23 minutes on cellular networks,
// or as its application wants it.
const (
	keepAliveTCP      = 15 // seconds, as the next
	keepAliveUDP      = 25
	keepAliveCellular = 23 * 60
	keepAliveMost     = 12 * 60 * 60 // that is believed

	silenceTCP   = 40 * time.Second // a stream without a byte for this long is dead
	silenceSlack = 35 * time.Second // past its keep-alive a device on UDP is asked
	silenceGrace = 60 * time.Second // and, when it does not answer for this long, gone

	probeUDP = 90 * time.Second // four transmissions
	probeTCP = 10 * time.Second
)

// cellular are the platforms with a modem: a bit for each platform id.
const cellular uint64 = 1<<10 | 1<<13 | 1<<23 | 1<<25 | 1<<26 | 1<<27 | 1<<28 | 1<<35

// learn takes the device's ping for the measure of its keep-alive: it comes
// when the device heard nothing from us for that long. What makes it seem
// longer, such as a ping that was repeated, is believed at once; what makes it
// seem shorter, such as a message of ours that was lost, only the second time.
func (s *Session) learn(now time.Time) {
	gap := now.UnixMilli() - s.spokeAt
	if s.spokeAt == 0 || gap < 2000 {
		return
	}
	seconds := uint16(min((gap+500)/1000, keepAliveMost))
	if s.lower+1 >= seconds && seconds+1 >= s.lower || seconds >= s.keepAlive {
		s.keepAlive, s.lower = seconds, 0
		s.armSilence(now)
		return
	}
	s.lower = seconds
}

func (s *Session) armSilence(now time.Time) {
	wait := silenceTCP
	if s.udp() {
		wait = time.Duration(s.keepAlive)*time.Second + silenceSlack
	}
	s.silenceAt = now.Add(wait).UnixMilli()
}

// expireSilence looks at a device that has said nothing for longer than its
// keep-alive: on TCP the stream is dead; on UDP it is asked first, and its
// session is kept for when it is back.
func (s *Session) expireSilence(now time.Time, outs *Outs) {
	if s.proofDeadline() != 0 {
		s.settleProof(now)
	}
	if s.silenceAt == 0 || now.UnixMilli() < s.silenceAt {
		return
	}
	switch {
	case !s.udp():
		s.close(now, device.Offline, device.KeepAliveMissed, outs)
	case s.phase != established && !s.restored:
		s.silenceAt = 0 // the start-up has a clock of its own
	case s.phase == established && !s.away() && !s.asked:
		s.asked = true
		s.silenceAt = now.Add(silenceGrace).UnixMilli()
		s.probe(now, outs)
	default:
		s.silenceAt, s.until, s.asked = 0, 0, false
		s.setWord(now, device.Offline, device.KeepAliveMissed)
		s.failCalls(now, outs)
		s.desk.pending = coap.Exchanges{}
	}
}

// probe pings the device, unless it sleeps or a ping is on its way.
func (s *Session) probe(now time.Time, outs *Outs) {
	if s.phase < startUp || s.halfway() || s.word == device.Asleep ||
		slices.ContainsFunc(s.desk.calls, func(c call) bool { return c.kind == Ping }) {
		return
	}
	wait := probeUDP
	if !s.udp() {
		wait = probeTCP
	}
	// What it comes to shows in the device's state.
	_ = s.launch(now, Call{Kind: Ping, Deadline: now.Add(wait)}, outs)
}
