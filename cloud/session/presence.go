package session

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

const (
	// noRepeat is how long after our acknowledgement a device that did not get
	// it has repeated itself at the latest (4 s, times 1.5, and the way); twice
	// as long after each repetition.
	noRepeat = 8000 // milliseconds

	// maxRepeats is how many repetitions of what we acknowledged mean that our
	// messages do not arrive. One may be chance.
	maxRepeats = 2

	// secondRepeat is how long after a message came first its repetition is not
	// the first: those come after 4 to 6 s, and 8 s or more behind that.
	secondRepeat = 8 * time.Second

	// lastRepeat is how often a message is repeated at most.
	lastRepeat = 3

	// overdue is how long past the announced time a sleeping device is waited for.
	overdue = 120_000 // milliseconds
)

// presence is what we know of whether the device is there. Times are Unix
// milliseconds; 0 is never.
type presence struct {
	reason                           shared[device.Reason]
	since, lastSeen, provenAt, until int64
	spokeAt                          int64 // when we last sent something
	silenceAt                        int64 // when silence is to be looked at

	// ackedAt is when we last acknowledged the message ackedID, which proves that
	// the device hears us unless it is repeated, as it was so many times.
	ackedAt int64
	ackedID uint16

	// In seconds: the longest silence to expect, and a shorter one that was seen
	// once.
	keepAlive, lower uint16

	repeats uint8
	word    device.Word
}

func (p *presence) start(now time.Time, udp bool) {
	p.word, p.since, p.keepAlive = device.Connecting, now.UnixMilli(), keepAliveTCP
	if udp {
		p.keepAlive = keepAliveUDP
	}
}

func (s *Session) setWord(now time.Time, w device.Word, why device.Reason) {
	if s.word == w && s.reason.get() == why {
		return
	}
	s.word, s.reason, s.since, s.changed = w, share(why), now.UnixMilli(), true
}

// State tells what is known of the device at now.
func (s *Session) State(now time.Time) device.State { return s.state(now, nil) }

// StateIn is State for what is told with every sign of life: its text is one of
// those of outs, and to be cloned by whoever keeps it.
func (s *Session) StateIn(now time.Time, outs *Outs) device.State { return s.state(now, &outs.texts) }

func (s *Session) state(now time.Time, texts *spark.Texts) device.State {
	s.settleProof(now)
	transport := "tcp"
	if s.udp() {
		transport = "udp"
	}
	st := device.State{
		Word: s.word, Since: moment(s.since), Reason: s.reason.get(), LastSeen: moment(s.lastSeen), ProvenAt: moment(s.provenAt),
		KeepAlive: time.Duration(s.keepAlive) * time.Second, Transport: transport, Until: moment(s.until),
	}
	if s.peer.IsValid() {
		var buf [64]byte // the longest has a zone
		st.Address = texts.Text(s.peer.AppendTo(buf[:0]))
	}
	return st
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// heard notes that an authentic record came. Whether the device hears us is
// another matter.
func (s *Session) heard(now time.Time) {
	s.lastSeen = now.UnixMilli()
	if s.asked {
		// It was silent past its keep-alive and speaks because we asked: it
		// keeps silent for longer than we thought.
		s.asked = false
		s.keepAlive = min(2*s.keepAlive, max(s.keepAlive, keepAliveCellular))
	}
	if !s.saidGoodbye() {
		s.armSilence(now)
	}
}

// present notes that the device said something; news tells that it was nothing
// that it had said before, and no answer. A device that has said goodbye is not
// back because of what it repeats and answers until it is gone.
func (s *Session) present(now time.Time, news bool) {
	switch {
	case s.saidGoodbye() && !news:
	case s.word == device.Offline, s.word == device.Asleep, s.word == device.Unknown:
		s.until = 0
		s.returns(now)
		s.setWord(now, device.Online, device.ReasonNone)
		s.armSilence(now)
	}
}

// returns notes that a device which was silent for too long is heard again. On a
// bad road that may be its last repetition of something, and the next thing that it does to
// begin anew: as of a device in doubt, that nothing is repeated proves nothing before.
func (s *Session) returns(now time.Time) {
	if s.udp() && s.word == device.Offline && s.reason.get() == device.KeepAliveMissed {
		s.ackedAt, s.repeats = now.UnixMilli(), lastRepeat
	}
}

// away tells that the device cannot be reached, as far as we know.
func (s *Session) away() bool { return s.word == device.Offline || s.word == device.Asleep }

func (s *Session) saidGoodbye() bool {
	return s.word == device.Asleep || s.word == device.Offline && s.reason.get() == device.DeviceGoodbye
}

// leave notes a Goodbye.
func (s *Session) leave(now time.Time, g *spark.Goodbye) {
	if g.CloudReason != cloudReasonSleep {
		s.setWord(now, device.Offline, device.DeviceGoodbye)
	} else {
		s.setWord(now, device.Asleep, device.DeviceSleep)
	}
	s.until = 0
	if s.word == device.Asleep && g.SleepSeconds > 0 {
		s.until = now.Add(time.Duration(g.SleepSeconds) * time.Second).UnixMilli()
	}
	s.silenceAt = now.Add(silenceTCP).UnixMilli() // unless the stream ends before
	if s.udp() {
		s.silenceAt = s.overdueAt(now)
	}
}

// overdueAt is when a device that sleeps until a time is missed; 0: never.
func (s *Session) overdueAt(now time.Time) int64 {
	if s.until == 0 {
		return 0
	}
	return max(s.until, now.UnixMilli()) + overdue
}

// proved notes that the device answered a message of ours.
func (s *Session) proved(now time.Time) {
	s.provenAt = now.UnixMilli()
	if s.word == device.Limbo && !s.applicationDeaf() {
		s.setWord(now, device.Online, device.ReasonNone)
		s.recovered()
	}
}

// doubt notes that the device did not answer. What would have proved that it
// hears us, but for the time, does not count any more.
func (s *Session) doubt(now time.Time) {
	s.settleProof(now)
	s.ackedAt = 0
	if s.word == device.Online {
		s.setWord(now, device.Limbo, device.NoAnswer)
		s.needHelp(now)
	}
}

// acknowledged notes that we answered a confirmable message of the device's, the
// first time that it came. A device in doubt may be about to give up and to begin
// anew, and then repeats nothing of before: what it says then is waited for, too.
// What it had said before something that came earlier is a repetition, and may be
// the last, as in repeated.
func (s *Session) acknowledged(now time.Time, id uint16) {
	s.settleProof(now)
	switch {
	case s.word == device.Limbo && s.overtaken(id):
		s.ackedAt, s.ackedID, s.repeats = now.UnixMilli(), id, lastRepeat
	case s.word == device.Limbo && (s.ackedAt == 0 || s.repeats == lastRepeat):
		s.ackedAt, s.ackedID, s.repeats = now.UnixMilli(), id, 1
	case s.ackedAt == 0:
		s.ackedAt, s.ackedID, s.repeats = now.UnixMilli(), id, 0
	}
}

// overtaken tells whether something came that the device had said after the
// message.
func (s *Session) overtaken(id uint16) bool {
	return s.desk.answered.Overtaken(id) || s.pinged && s.pingID != id && s.pingID-id < coap.Lately
}

// repeated notes that a device sent again what we had answered, and now answer
// again: the answer did not arrive. That message is the one to watch. Two that
// are repeated once each may be one gust; but until none is, nothing is proven,
// and of two that are repeated in turns the second repetition of either counts.
// first is when the message came, now where that is not known.
// Of a device in doubt each may be the last repetition that there is: that none
// follows proves nothing before the device has had the time to begin anew.
func (s *Session) repeated(now time.Time, id uint16, first time.Time) {
	switch {
	case s.word == device.Limbo:
		s.ackedAt, s.ackedID, s.repeats = now.UnixMilli(), id, lastRepeat
		return
	case s.ackedAt != 0 && s.ackedID == id:
	case s.ackedAt != 0 && s.repeats > 0:
		s.ackedAt, s.ackedID = now.UnixMilli(), id
		if now.Sub(first) < secondRepeat {
			return
		}
	default:
		s.ackedID, s.repeats = id, 0
	}
	s.ackedAt = now.UnixMilli()
	if s.repeats++; s.repeats >= maxRepeats {
		s.doubt(now)
	}
}

// settleProof turns an acknowledgement that was not asked for again into
// proof that the device hears us.
func (s *Session) settleProof(now time.Time) {
	if at := s.proofAt(); at != 0 && now.UnixMilli() >= at {
		at, s.ackedAt = max(s.ackedAt, s.provenAt), 0
		s.proved(now)
		s.provenAt = at
	}
}

// proofAt is when the acknowledgement that is waited for proves something; 0:
// there is none.
func (s *Session) proofAt() int64 {
	if s.ackedAt == 0 || !s.udp() {
		return 0
	}
	return s.ackedAt + noRepeat<<s.repeats
}

// pingedAgain takes a ping on TCP for proof that the answer to the one before
// arrived: a device that hears nothing for 10 s after a ping hangs up.
func (s *Session) pingedAgain(now time.Time) {
	at := s.ackedAt
	s.ackedAt = now.UnixMilli()
	if at != 0 && now.Sub(time.UnixMilli(at)) >= probeTCP {
		before := s.provenAt
		s.proved(now)
		s.provenAt = max(before, at)
	}
}

// proofDeadline is when a device in doubt is to be looked at; 0: never.
func (s *Session) proofDeadline() int64 {
	if s.word != device.Limbo {
		return 0
	}
	return s.proofAt()
}

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
