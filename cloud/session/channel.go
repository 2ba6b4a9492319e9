package session

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// generationReserve is how many records before the end of a generation the
// next one is asked for.
const generationReserve = 1 << 12

// In milliseconds: how often a cautious session asks, and how long a run of
// marked records is one contact.
const (
	doubtEvery   = 1000
	contactEvery = 3000
)

// packet opens what came off the wire and acts on it.
func (s *Session) packet(now time.Time, in *In, outs *Outs) {
	if !s.udp {
		var err error
		if outs.plain, err = s.stream.Open(outs.plain[:0], in.Frame); err != nil {
			// The old channel has no integrity: whatever cannot be opened ends
			// it, without a word.
			s.close(now, device.Malformed, outs)
			return
		}
		s.heard(now)
		s.message(now, outs.plain, outs)
		return
	}
	newest := s.secure.Window.Mask == 0 || in.Record.Seq > s.secure.Window.Top
	var kind dtls.ContentType
	var err error
	kind, outs.plain, err = s.secure.Open(outs.plain[:0], in.Record)
	if err != nil {
		s.Dropped++
		return
	}
	if kind == dtls.Alert {
		if level, _, err := dtls.ParseAlert(outs.plain); err == nil && level == dtls.Fatal && !s.cautious {
			s.close(now, device.PeerClosed, outs)
		}
		return
	}
	if kind != dtls.ApplicationData {
		return
	}
	if s.restored && s.phase != established {
		s.startOver(now, in, outs)
		return
	}
	if s.cautious && !s.convinced(now, in, outs) {
		return
	}
	if newest && (in.From != s.peer || in.Local != s.local) {
		s.move(now, in, outs)
	}
	s.firstContact(now, in.Record.Moved, outs)
	if s.phase != closed {
		s.heard(now)
		s.message(now, outs.plain, outs)
	}
}

// convinced tells whether the record ends the session's caution: it answers a
// ping that was sent after the restart, so it cannot be a record from before
// played again. Every other record is dropped, and its sender pinged; what a
// device really wants to say it says again in a record of its own.
func (s *Session) convinced(now time.Time, in *In, outs *Outs) bool {
	m, err := coap.Parse(outs.plain)
	if err != nil {
		return false
	}
	if m.Type == coap.Acknowledgement && (s.doubtAt != 0 && m.ID == s.doubtID || s.pending.Has(m.ID)) {
		s.cautious, s.doubtAt = false, 0
		// Whatever was sent before this record can now be told from what comes.
		s.secure.Window = dtls.Window{Top: in.Record.Seq, Mask: ^uint64(0)}
		return true
	}
	if ms := now.UnixMilli(); ms-s.doubtAt >= doubtEvery {
		if id, err := s.ids.Next(now); err == nil {
			s.doubtID, s.doubtAt = id, ms
			s.sendTo(now, in, coap.Confirmable, id, outs)
		}
	}
	return false
}

// startOver tells a device whose start-up was cut short by our restart to
// begin again, wherever it is. We do not know what it subscribed to, and
// there is no way to ask. The session stays until a new one replaces it, in
// case this record was an old one from somebody else.
func (s *Session) startOver(now time.Time, in *In, outs *Outs) {
	if ms := now.UnixMilli(); ms-s.doubtAt >= doubtEvery {
		s.doubtAt = ms
		s.sendTo(now, in, coap.Reset, uint16(s.draw()), outs)
	}
}

// sendTo sends an empty message to where in came from, and believes nothing
// of that.
func (s *Session) sendTo(now time.Time, in *In, t coap.Type, id uint16, outs *Outs) {
	peer, local := s.peer, s.local
	s.peer, s.local = in.From, in.Local
	var buf [4]byte
	s.send(now, coap.AppendEmpty(buf[:0], t, id), outs)
	s.peer, s.local = peer, local
}

// move answers from now on where the newest authentic record came from.
func (s *Session) move(now time.Time, in *In, outs *Outs) {
	s.peer, s.local = in.From, in.Local
	s.Moves++
	s.changed = true
	s.persist(now, outs)
}

// firstContact looks at the first record after a restart of ours, or of the
// device's, which marks what it sends until it hears from us.
func (s *Session) firstContact(now time.Time, moved bool, outs *Outs) {
	ms := now.UnixMilli()
	again := moved && ms-s.movedAt < contactEvery
	if moved {
		s.movedAt = ms
	}
	if !s.restored && (!moved || again) {
		return
	}
	s.restored = false
	if s.phase != established {
		// We do not know what it subscribed to and cannot ask: start over.
		s.reset(now, outs)
		s.close(now, device.StartupIncomplete, outs)
		return
	}
	outs.add(Out{Kind: Contact, Reason: device.Resumed})
}

// send seals a CoAP message and hands it out.
func (s *Session) send(now time.Time, message []byte, outs *Outs) {
	s.sendAs(now, dtls.ApplicationData, message, outs)
}

func (s *Session) sendAs(now time.Time, t dtls.ContentType, plain []byte, outs *Outs) {
	start := len(outs.bytes)
	var err error
	if s.udp {
		if s.secure.Remaining() < generationReserve {
			s.takeGeneration(now, outs)
		}
		outs.bytes, err = s.secure.Seal(outs.bytes, t, plain)
	} else {
		outs.bytes, err = s.stream.Seal(outs.bytes, plain)
	}
	if err != nil {
		// The generation is used up and the next is not durable yet, or the
		// message is too long for a frame: not sent, retransmission may help.
		outs.bytes = outs.bytes[:start]
		s.Unsent++
		return
	}
	outs.add(Out{Kind: Send, Data: outs.bytes[start:len(outs.bytes):len(outs.bytes)], To: s.peer, Local: s.local})
}

// reset makes a device on UDP discard the session and start over: an
// encrypted reset with any message id does it within a second. On TCP closing
// the stream does.
func (s *Session) reset(now time.Time, outs *Outs) {
	if s.udp {
		var buf [4]byte
		s.send(now, coap.AppendEmpty(buf[:0], coap.Reset, uint16(s.draw())), outs)
	}
}

// request sends a message of ours that the device has to acknowledge.
func (s *Session) request(now time.Time, id uint16, token byte, hasToken bool, message []byte, outs *Outs) {
	if s.udp {
		s.pending.Add(now, id, token, hasToken, message, coap.DeviceParams, uint32(s.draw()))
	}
	s.send(now, message, outs)
}

// expireExchanges sends again what was not acknowledged in time, and draws the
// conclusion from what never was.
func (s *Session) expireExchanges(now time.Time, outs *Outs) {
	s.pending.Expire(now,
		func(message []byte) { s.send(now, message, outs) },
		func(e coap.Exchange) { s.unanswered(now, e, outs) })
}

// unanswered is a message of ours that the device did not acknowledge in four
// transmissions: it does not hear us, whatever we hear of it.
func (s *Session) unanswered(now time.Time, e coap.Exchange, outs *Outs) {
	s.failCall(now, e, outs)
	if s.word == device.Online {
		s.setWord(now, device.Limbo, device.NoAnswer)
	}
}
