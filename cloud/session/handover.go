package session

import (
	"errors"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/session/offer"
	"github.com/cyan-cloud/cyan/internal/ferry"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/sealed"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// ExportVersion is the first byte of an export. A process that does not know
// it takes no session over, and the one that has them keeps them.
const ExportVersion = 2

// ErrExport is what Adopt says of an export that it cannot read.
var ErrExport = errors.New("session: export cannot be read")

// Export appends the whole session as it is, for another process that goes on
// with it while this one never steps it again: keys with their exact sequence
// numbers and windows, the books of messages, what is under way and what waits.
// It is as secret as the keys, and changes nothing: a session whose hand-over
// fails goes on here.
func (s *Session) Export(dst []byte) ([]byte, error) {
	f := ferry.Ferry{Bytes: append(dst, ExportVersion)}
	s.carry(&f)
	if f.Bad {
		return dst, ErrExport
	}
	return f.Bytes, nil
}

// Adopt takes a session over from its export. No generation is taken: nobody
// else uses the one that it has. A write that was under way is the other
// process's no more, so it is made again.
func Adopt(b []byte) (*Session, error) {
	if len(b) == 0 || b[0] != ExportVersion {
		return nil, ErrExport
	}
	s := &Session{}
	f := ferry.Ferry{Bytes: b[1:], Landing: true}
	s.carry(&f)
	_, sound := parseSubscriptions(s.subscriptions.get())
	if f.Bad || len(f.Bytes) != 0 || !sound || s.phase >= closed || s.udp() && !s.secure.Server {
		return nil, ErrExport
	}
	if s.saving != 0 {
		if s.desk == nil {
			s.desk = new(desk)
		}
		s.saving, s.desk.clock.retryAt = 0, max(s.desk.clock.retryAt, 1)
	}
	return s, nil
}

// carry walks over all that a session is. A field that is new goes to the end
// of its part.
func (s *Session) carry(f *ferry.Ferry) {
	f.Part(s.carryKeys)
	f.Part(s.carryBooks)
	f.Part(s.carrySaid)
	f.Part(s.carryClock)
	f.Part(s.durability.carry)
	f.Part(s.presence.carry)
	f.Part(s.Counters.carry)
	f.Part(s.carryDesk)
}

func (s *Session) carryKeys(f *ferry.Ferry) {
	f.Fixed(s.id[:])
	f.Fixed(s.origin[:])
	tcp := s.stream != nil
	f.Flags(&tcp)
	switch {
	case !tcp:
		f.Value((*secure)(&s.secure))
	case f.Landing:
		s.stream = new(sealed.Channel)
		fallthrough
	default:
		f.Value(s.stream)
	}
	f.Value(&s.peer)
	local := s.local.get()
	f.Value(&local)
	s.local = share(local)
	ferry.Numbers(f, &s.random, &s.seq)
}

// secure is a dtls.Session that can be carried.
type secure dtls.Session

func (s *secure) AppendBinary(dst []byte) ([]byte, error) { return dtls.Session(*s).AppendBinary(dst) }

func (s *secure) UnmarshalBinary(b []byte) error {
	v, err := dtls.UnmarshalSession(b)
	*s = secure(v)
	return err
}

func (s *Session) carryBooks(f *ferry.Ferry) {
	ferry.Number(f, &s.lastID)
	f.Value(&s.tokens)
}

func (s *Session) carrySaid(f *ferry.Ferry) {
	var hello, subscriptions []byte
	if h := s.Hello(); h.Size > 0 {
		hello = h.Append(nil)
	}
	if ferry.Words(f, &hello); f.Landing && len(hello) > 0 {
		h, err := spark.ParseHello(hello)
		s.introduce(h)
		f.Bad = f.Bad || err != nil
	}
	known := s.knowsApplication()
	f.Flags(&known)
	if known {
		s.carryApplication(f)
	}
	subscriptions = []byte(s.subscriptions.get())
	ferry.Words(f, &subscriptions)
	s.subscriptions = share(string(subscriptions))
}

func (s *Session) carryApplication(f *ferry.Ferry) {
	functions, variables := s.application().Parts()
	ferry.Words(f, &functions)
	ferry.Words(f, &variables)
	if f.Landing {
		text, ok := offer.Join(functions, variables)
		f.Bad = f.Bad || !ok
		app := string(text)
		s.app = &app
	}
}

func (s *Session) carryClock(f *ferry.Ferry) {
	ferry.Numbers(f, &s.helloID, &s.pingID)
	ferry.Number(f, &s.phase)
	ferry.Number(f, &s.avoid)
	f.Flags(&s.restored, &s.cautious, &s.helloNON, &s.pinged, &s.changed, &s.asked, &s.reasked, &s.doubted)
}

func (d *durability) carry(f *ferry.Ferry) {
	ferry.Numbers(f, &d.version, &d.saving, &d.saved, &d.nextGeneration, &d.generationAt, &d.greetAt)
	ferry.Numbers(f, &d.savedID, &d.savingID)
}

func (p *presence) carry(f *ferry.Ferry) {
	reason := p.reason.get()
	ferry.Words(f, &reason)
	p.reason = share(reason)
	ferry.Numbers(f, &p.since, &p.lastSeen, &p.provenAt, &p.until, &p.spokeAt, &p.silenceAt, &p.ackedAt)
	ferry.Numbers(f, &p.ackedID, &p.keepAlive, &p.lower)
	ferry.Number(f, &p.repeats)
	ferry.Number(f, &p.word)
}

func (c *Counters) carry(f *ferry.Ferry) {
	ferry.Numbers(f, &c.Dropped, &c.Malformed, &c.Duplicates, &c.Late, &c.Moves, &c.Unsent, &c.Undelivered)
}

// carryDesk carries what the session is busy with; nothing for an idle one.
func (s *Session) carryDesk(f *ferry.Ferry) {
	busy := s.desk != nil
	f.Flags(&busy)
	if !busy {
		return
	}
	if f.Landing {
		s.desk = &desk{}
	}
	d := s.desk
	ferry.List(f, &d.calls, maxCalls, carryCall)
	ferry.List(f, &d.waiting, maxCalls, carryWaiting)
	ferry.List(f, &d.held, maxHeld, func(f *ferry.Ferry, h *heldAnswer) {
		ferry.Number(f, &h.version)
		ferry.Number(f, &h.id)
		ferry.Words(f, &h.message)
		f.Flags(&h.event)
	})
	// Whether an event was kept is told to the process that it came to: the
	// device says it again.
	d.held = slices.DeleteFunc(d.held, func(h heldAnswer) bool { return f.Landing && h.event })
	ferry.List(f, &d.stale, 256, func(f *ferry.Ferry, t *staleToken) {
		ferry.Number(f, &t.until)
		ferry.Number(f, &t.token)
	})
	d.blocks, d.fetch = carryBlocks(f, d.blocks), carryBlocks(f, d.fetch)
	ferry.Numbers(f, &d.climb.since, &d.climb.at, &d.deaf.since)
	ferry.Number(f, &d.climb.rung)
	ferry.Numbers(f, &d.climb.tries, &d.deaf.calls)
	f.Flags(&d.deaf.shown)
	f.Value(&d.ids)
	f.Value(&d.pending)
	f.Value(&d.answered)
	c := &d.clock
	ferry.Numbers(f, &c.startDeadline, &c.quietAt, &c.doubtAt, &c.movedAt, &c.retryAt)
	ferry.Number(f, &c.doubtID)
	ferry.Numbers(f, &c.climbed, &c.flaps.minute)
	ferry.Number(f, &c.flaps.moves)
}

func carryCall(f *ferry.Ferry, c *call) {
	ferry.Number(f, &c.id)
	ferry.Words(f, &c.name)
	ferry.Numbers(f, &c.sent, &c.deadline)
	ferry.Number(f, &c.message)
	ferry.Number(f, &c.kind)
	ferry.Number(f, &c.flags)
	ferry.Number(f, &c.is)
	ferry.Number(f, &c.token)
	f.Flags(&c.acked)
	ferry.Numbers(f, &c.after)
	f.Flags(&c.ordered)
}

func carryWaiting(f *ferry.Ferry, c *Call) {
	ferry.Number(f, &c.ID)
	ferry.Number(f, &c.Kind)
	ferry.Words(f, &c.Name)
	ferry.Words(f, &c.Argument)
	ferry.Number(f, &c.Flags)
	f.Flags(&c.On)
	deadline := c.Deadline.UnixMilli()
	ferry.Number(f, &deadline)
	if f.Landing {
		c.Deadline = time.UnixMilli(deadline)
	}
}

// carryBlocks carries a describe of which some blocks are there.
func carryBlocks(f *ferry.Ferry, b *blocks) *blocks {
	some := b != nil
	f.Flags(&some)
	if !some {
		return nil
	}
	if f.Landing {
		b = &blocks{body: coap.Assembler{Max: spark.MaxDescribe}}
	}
	f.Value(&b.body)
	ferry.Words(f, &b.etag)
	ferry.Number(f, &b.at)
	return b
}
