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

// packet opens what came off the wire and acts on it.
func (s *Session) packet(now time.Time, in *In, outs *Outs) {
	if s.udp() {
		s.record(now, in, outs)
		return
	}
	var err error
	if outs.plain, err = s.stream.Open(outs.plain[:0], in.Frame); err != nil {
		// The old channel has no integrity: whatever cannot be opened ends it,
		// without a word.
		s.close(now, device.Offline, device.Malformed, outs)
		return
	}
	s.seq++
	s.heard(now)
	s.message(now, outs.plain, false, outs)
}

// record opens a DTLS record and acts on what it holds.
func (s *Session) record(now time.Time, in *In, outs *Outs) {
	newest := s.secure.Window.Mask == 0 || in.Record.Seq > s.secure.Window.Top
	var kind dtls.ContentType
	var err error
	if kind, outs.plain, err = s.secure.OpenWith(&outs.schedules, outs.plain[:0], in.Record); err != nil {
		s.Dropped++
		return
	}
	switch {
	case kind == dtls.Alert:
		s.alert(now, outs)
		return
	case s.halfway():
		s.startOver(now, in, outs)
		return
	case s.cautious && !s.convinced(now, in, outs):
		return
	}
	s.seq = in.Record.Seq
	moved := newest && (in.From != s.peer || in.Local != s.local.get())
	if newest {
		s.contact(now, in.Record.Moved, moved, outs)
	}
	if moved {
		s.move(now, in, outs)
	}
	s.heard(now)
	s.message(now, outs.plain, moved || in.Record.Moved, outs)
}

// alert ends the session when the device has ended its own.
func (s *Session) alert(now time.Time, outs *Outs) {
	level, what, err := dtls.ParseAlert(outs.plain)
	if err == nil && (level == dtls.Fatal || what == dtls.CloseNotify) && !s.cautious {
		s.close(now, device.Offline, device.PeerClosed, outs)
	}
}

// move answers from now on where the newest authentic record came from.
func (s *Session) move(now time.Time, in *In, outs *Outs) {
	s.peer, s.local = in.From, share(in.Local)
	s.Moves++
	s.changed = true
	s.flap(now, outs)
	s.persist(outs)
}

// send seals a CoAP message and hands it out.
func (s *Session) send(now time.Time, message []byte, outs *Outs) {
	s.sendAs(now, dtls.ApplicationData, message, outs)
}

func (s *Session) sendAs(now time.Time, t dtls.ContentType, plain []byte, outs *Outs) {
	start := len(outs.bytes)
	var err error
	if s.udp() {
		if s.secure.Remaining() < generationReserve {
			s.takeGeneration(now, outs)
		}
		outs.bytes, err = s.secure.SealWith(&outs.schedules, outs.bytes, t, plain)
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
	s.spokeAt = now.UnixMilli()
	outs.add(Out{Kind: Send, Data: outs.bytes[start:len(outs.bytes):len(outs.bytes)], To: s.peer, Local: s.local.get()})
}

// reset makes a device on UDP discard the session and start over: an
// encrypted reset with any message id does it within a second. On TCP closing
// the stream does.
func (s *Session) reset(now time.Time, outs *Outs) {
	if s.udp() {
		var buf [4]byte
		s.send(now, coap.AppendEmpty(buf[:0], coap.Reset, uint16(s.draw())), outs)
	}
}

// request sends a message of ours that the device has to acknowledge.
func (s *Session) request(now time.Time, id uint16, message []byte, outs *Outs) {
	if s.udp() {
		s.desk.pending.Add(now, id, 0, false, message, coap.DeviceParams, uint32(s.draw()))
	}
	s.send(now, message, outs)
}

// nextID gives the message id for a request. Those behind the stored one are
// used up to the point where the next life of the session would begin.
func (s *Session) nextID(now time.Time, outs *Outs) (uint16, error) {
	if s.udp() {
		switch used := s.lastID - s.savedID; {
		case used >= messageIDJump:
			return 0, coap.ErrNoMessageID
		case used >= messageIDJump/2:
			s.persist(outs)
		}
	}
	ids := &s.desk.ids
	ids.Seed(s.lastID)
	id, err := ids.Next(now)
	s.lastID = ids.Current()
	return id, err
}

// expireExchanges sends again what was not acknowledged in time, and draws the
// conclusion from what never was.
func (s *Session) expireExchanges(now time.Time, outs *Outs) {
	s.desk.pending.Expire(now, coap.CloudSpan,
		func(message []byte) { s.send(now, message, outs) },
		func(e coap.Exchange) { s.unanswered(now, e, outs) })
}

// unanswered is a message of ours that the device did not acknowledge in four
// transmissions: it does not hear us, whatever we hear of it.
func (s *Session) unanswered(now time.Time, e coap.Exchange, outs *Outs) {
	s.doubt(now)
	if i := s.desk.callOf(e.ID); i >= 0 {
		s.finish(now, i, Reply{Err: silent()}, outs)
	}
}
