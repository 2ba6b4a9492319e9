package session

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// The clock of the ladder, in milliseconds. A device whose application blocks
// acknowledges nothing for as long; it is not told to start over before that
// may be over.
const (
	rungWait    = 25_000  // for the answer to a ping or a describe: three transmissions
	patience    = 60_000  // from the first doubt to the first reset
	againWait   = 20_000  // from one reset to the next
	climbEvery  = 600_000 // between two climbs of one session that helped nothing
	allowedWait = 10_000  // until the owner of the session is asked again

	resets = 3 // that are sent, in case one is lost
)

// deafCalls is how many calls in a row an application may leave unanswered,
// while the system under it answers, before the device counts as one that
// needs help; deafTime how far apart, in milliseconds, the first and the last
// of them are. That is the patience of remedies, which disturb a device: who
// asks is told of the first such call.
const (
	deafCalls = 3
	deafTime  = 60_000
)

// climb is how far up the ladder a session is whose device does not answer:
//
//	ping ─▶ describe ─▶ reset, or the end of the stream ─▶ restart ─▶ listed
//
// Each rung is tried when the one before has led to nothing. Any proof that the
// device hears us takes it down again.
type climb struct {
	since, at int64 // Unix milliseconds of the first doubt, and of the next rung; at 0: there is none
	rung      device.Remedy
	tries     uint8 // resets
}

// deafness counts the calls that the application has not answered.
type deafness struct {
	since int64 // Unix milliseconds of the first
	calls uint8
	shown bool // the device's state says so
}

// needHelp puts a session in doubt on the ladder.
func (s *Session) needHelp(now time.Time) {
	c := &s.desk.climb
	if c.rung != device.NoRemedy || s.phase != established {
		return // a start-up has a clock of its own
	}
	c.since, c.at, c.rung, c.tries = now.UnixMilli(), now.UnixMilli(), device.AskPing, 0
	if s.desk.clock.climbed != 0 && now.UnixMilli()-int64(s.desk.clock.climbed)*1000 < climbEvery {
		s.list(now)
	}
}

// recovered takes the session off the ladder.
func (s *Session) recovered() {
	if s.desk != nil {
		s.desk.climb = climb{}
	}
}

// expireRemedy takes the next rung when the one before has had its time.
func (s *Session) expireRemedy(now time.Time, outs *Outs) {
	c := &s.desk.climb
	if c.rung == device.NoRemedy || s.phase == closed {
		return
	}
	if s.word != device.Limbo {
		*c = climb{}
		return
	}
	if c.at == 0 || now.UnixMilli() < c.at {
		return
	}
	rung := c.rung
	switch rung {
	case device.AskPing:
		s.probe(now, outs)
		c.rung, c.at = device.AskDescribe, now.UnixMilli()+rungWait
	case device.AskDescribe:
		s.ask(now, spark.DescribeApplication, outs)
		c.rung, c.at = device.StartOver, max(now.UnixMilli()+rungWait, c.since+patience)
		if s.applicationDeaf() {
			c.rung = device.Restart // its system hears us: there is nothing to start over
		}
	case device.StartOver, device.Restart:
		c.at = now.UnixMilli() + allowedWait // unless Remedy comes in before
	}
	outs.add(Out{Kind: Ailing, Remedy: rung})
}

// remedy applies a rung that its owner allows: what disturbs a device is not
// the session's to decide.
func (s *Session) remedy(now time.Time, in *In, outs *Outs) {
	c := &s.desk.climb
	if c.rung == device.NoRemedy || c.rung != in.Remedy || s.word != device.Limbo {
		return
	}
	switch {
	case in.Remedy == device.StartOver && !s.udp():
		s.close(now, device.Offline, device.NoAnswer, outs)
	case in.Remedy == device.StartOver:
		s.reset(now, outs)
		c.at = now.UnixMilli() + againWait
		if c.tries++; c.tries >= resets || s.lastSeen < c.since {
			s.list(now)
		}
	case in.Remedy == device.Restart && in.Restart != device.RestartNever:
		s.restart(now, in.Restart, outs)
		s.list(now)
	case in.Remedy == device.Restart:
		s.list(now)
	}
}

// list ends the climb: nothing more can be done from here. The device's state
// says so until it answers or falls silent.
func (s *Session) list(now time.Time) {
	s.desk.climb = climb{rung: device.Listed, since: s.desk.climb.since}
	s.desk.clock.climbed = uint32(now.Unix())
	s.setWord(now, device.Limbo, device.NeedsHands)
}

// restart sends the event that makes Device OS reset its network, or itself.
func (s *Session) restart(now time.Time, what device.Restarting, outs *Outs) {
	s.deliver(now, &event.Event{
		Name: "spark/device/reset", Data: []byte(what), HasData: true, Source: event.FromCloud,
	}, outs)
}

// unheard notes that the application did not answer a call that its system
// acknowledged. After some of them the device counts as one that does not
// answer, although it can be pinged.
func (s *Session) unheard(now time.Time) {
	d := &s.desk.deaf
	if d.calls == 0 {
		d.since = now.UnixMilli()
	}
	d.calls = min(d.calls+1, deafCalls)
	if d.calls == deafCalls && now.UnixMilli()-d.since >= deafTime && s.word == device.Online {
		d.shown = true
		s.setWord(now, device.Limbo, device.ApplicationSilent)
		s.needHelp(now)
	}
}

// fresh gives d, or nothing when it is long ago.
func (d deafness) fresh(now time.Time) deafness {
	if !d.shown && now.UnixMilli()-d.since >= climbEvery {
		return deafness{}
	}
	return d
}

// told gives how many calls in a row were not answered, and since when.
func (d deafness) told() (calls int, since time.Time) {
	if d.calls == 0 {
		return 0, time.Time{}
	}
	return int(d.calls), moment(d.since)
}

// heardOut notes that the application answered.
func (s *Session) heardOut(now time.Time) {
	was := s.applicationDeaf()
	s.desk.deaf = deafness{}
	if was {
		s.proved(now)
	}
}

// applicationDeaf tells of an application that answers nothing above a system
// that does.
func (s *Session) applicationDeaf() bool {
	return s.desk != nil && s.desk.deaf.shown && s.word == device.Limbo
}

// avoids tells whether a kind of request is not sent to this device by
// ourselves, because it has ended the connection more than once.
func (s *Session) avoids(k CallKind) bool { return s.avoid>>k&1 != 0 }

// maxFlaps is how often in a minute a device may come from another address. A
// bad network makes it move; only two that share an identity go back and forth
// like that.
const maxFlaps = 5

// flaps counts moves to another address.
type flaps struct {
	minute uint32 // of Unix time
	moves  uint8
}

// flap counts a move. Whoever of the two hears the reset has to prove its key
// anew, and with that takes the place of the other.
func (s *Session) flap(now time.Time, outs *Outs) {
	if m := uint32(now.Unix() / 60); m != s.desk.clock.flaps.minute {
		s.desk.clock.flaps = flaps{minute: m}
	}
	if s.desk.clock.flaps.moves++; s.desk.clock.flaps.moves == maxFlaps+1 {
		outs.add(Out{Kind: Doubled})
		s.reset(now, outs)
	}
	s.desk.clock.flaps.moves = min(s.desk.clock.flaps.moves, maxFlaps+1)
}
