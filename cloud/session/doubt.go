package session

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// In milliseconds: how often a device is asked to convince a cautious session,
// or told to start over, and for how long marked records may be away and still
// be of one return. (A device repeats a message after at most 24 s.)
const (
	doubtEvery   = 1000
	contactEvery = 30_000
)

// convinced tells whether the record ends the session's caution: it answers a
// message that was sent after the restart, so it cannot be a record from before
// played again. Every other record is dropped, and its sender pinged; what a
// device really wants to say it says again in a record of its own. The ping is
// the same each time, so that an answer which is long on its way counts too.
func (s *Session) convinced(now time.Time, in *In, outs *Outs) bool {
	m, err := coap.Parse(outs.plain)
	if err != nil {
		return false
	}
	if m.Type == coap.Acknowledgement && (s.desk.clock.doubtAt != 0 && m.ID == s.desk.clock.doubtID || s.desk.pending.Has(m.ID)) {
		s.cautious, s.desk.clock.doubtAt, s.desk.clock.doubtID = false, 0, 0
		// Whatever was sent before this record can now be told from what comes.
		s.secure.Window = dtls.Window{Top: max(in.Record.Seq, s.secure.Window.Top), Mask: ^uint64(0)}
		return true
	}
	if s.desk.clock.doubtAt == 0 {
		if s.desk.clock.doubtID, err = s.nextID(now, outs); err != nil {
			return false
		}
	}
	if ms := now.UnixMilli(); ms-s.desk.clock.doubtAt >= doubtEvery {
		s.desk.clock.doubtAt = ms
		s.sendTo(now, in, coap.Confirmable, s.desk.clock.doubtID, outs)
	}
	return false
}

// startOver tells a device whose start-up was cut short by our restart to
// begin again, wherever it is. We do not know what else it subscribed to, and
// there is no way to ask. The session stays until a new one replaces it, in
// case this record was an old one from somebody else, or the reset is lost.
func (s *Session) startOver(now time.Time, in *In, outs *Outs) {
	if ms := now.UnixMilli(); ms-s.desk.clock.doubtAt >= doubtEvery {
		s.desk.clock.doubtAt = ms
		s.sendTo(now, in, coap.Reset, uint16(s.draw()), outs)
		s.setWord(now, device.Connecting, device.StartupIncomplete)
		s.armSilence(now)
	}
}

// sendTo sends an empty message to where in came from, and believes nothing
// of that.
func (s *Session) sendTo(now time.Time, in *In, t coap.Type, id uint16, outs *Outs) {
	peer, local := s.peer, s.local
	s.peer, s.local = in.From, share(in.Local)
	var buf [4]byte
	s.send(now, coap.AppendEmpty(buf[:0], t, id), outs)
	s.peer, s.local = peer, local
}

// contact tells when a device is back within its session. It marks what it
// sends then until it hears from us; Device OS 3.1 to 3.3 does not, and we do
// not believe marks as long as we are cautious: then it is known by having been
// away and coming from another address.
func (s *Session) contact(now time.Time, marked, moved bool, outs *Outs) {
	ms := now.UnixMilli()
	back := marked && (s.desk.clock.movedAt == 0 || ms-s.desk.clock.movedAt >= contactEvery)
	away := moved && (s.away() || s.word == device.Unknown)
	s.desk.clock.movedAt = 0
	if marked {
		s.desk.clock.movedAt = ms
	}
	if (back || away) && s.phase >= startUp {
		outs.add(Out{Kind: Contact, Reason: device.Resumed})
	}
}
