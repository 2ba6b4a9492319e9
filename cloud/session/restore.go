package session

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/session/offer"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// Restoration says under which circumstances a record is taken up again.
type Restoration struct {
	// Generation was taken durably for this life of the session.
	Generation uint32
	// Exact tells that the record was written at a planned stop (IsLast):
	// nothing came after it. Otherwise the session is cautious.
	Exact bool
	Seed  uint64 // random, as in Config
	Now   time.Time
}

// messageIDJump is how far the message ids of a restored session go on past
// the stored one: what was sent since the record was written stays unused for
// the 45 s in which a device would take it for a repetition.
const messageIDJump = 8192

// Restore takes up a session from its record. The first thing that the device
// hears may be the answer to its own next record, or Probe.
func Restore(r Record, in Restoration) (*Session, error) {
	d := reader{b: r.Blob}
	if len(r.Blob) > maxRecord || d.byte()&^lastFlag != recordVersion {
		return nil, ErrRecord
	}
	s := &Session{random: in.Seed, restored: true, cautious: !in.Exact}
	copy(s.id[:], d.take(len(s.id)))
	keys := d.bytes()
	peerErr := s.peer.UnmarshalBinary(d.bytes())
	var local netip.Addr
	localErr := local.UnmarshalBinary(d.bytes())
	s.local = share(local)
	copy(s.origin[:], d.take(len(s.origin)))
	messageID := d.uint16()
	s.restorePresence(&d, in.Now)
	said := s.restoreSaid(&d)
	if d.bad || len(d.b) != 0 || peerErr != nil || localErr != nil || said != nil {
		return nil, errors.Join(ErrRecord, said)
	}
	var err error
	if s.secure, err = dtls.UnmarshalSession(keys); err != nil || !s.secure.Server {
		return nil, errors.Join(ErrRecord, err)
	}
	if err := s.secure.SetGeneration(in.Generation); err != nil {
		return nil, errors.Join(ErrRecord, err)
	}
	s.lastID = messageID + messageIDJump + generationIDs(in.Generation)
	s.savedID = s.lastID
	// Answers to calls of an earlier life may still come.
	return s, s.tokens.UnmarshalBinary([]byte{byte(s.draw())})
}

// generationIDs sets the message ids of two lives of a session apart that come
// from one record, because the first did not last until it wrote one: by 48 for
// every second between them, and never as far as the ids before the record's.
func generationIDs(generation uint32) uint16 { return uint16(generation%1024) * 48 }

// restorePresence reads phase, word and times. A device that sleeps or has said
// goodbye is still gone; of any other we know nothing until it is heard.
func (s *Session) restorePresence(d *reader, now time.Time) {
	s.phase, s.word = phase(d.byte()), device.Word(d.byte())
	s.reason = share(device.Reason(d.bytes()))
	s.since, s.lastSeen, s.provenAt, s.until = d.millis(), d.millis(), d.millis(), d.millis()
	seconds := d.uvarint()
	if s.phase >= closed || seconds > keepAliveMost {
		d.bad = true
		return
	}
	s.keepAlive = uint16(seconds)
	if s.saidGoodbye() {
		s.silenceAt = s.overdueAt(now)
		return
	}
	s.word, s.reason, s.since, s.until = device.Unknown, share(device.ReasonNone), now.UnixMilli(), 0
	s.armSilence(now)
}

// restoreSaid reads what the device said of itself. Without knowing what its
// application offers a start-up is not complete.
func (s *Session) restoreSaid(d *reader) error {
	hello := d.bytes()
	if d.byte() != 0 {
		text, ok := offer.Join(string(d.bytes()), string(d.bytes()))
		if !ok {
			return ErrRecord
		}
		app := string(text)
		s.app = &app
	} else if s.phase == established {
		s.phase = startUp
	}
	subscriptions := string(d.bytes())
	s.subscriptions = share(subscriptions)
	if _, ok := parseSubscriptions(subscriptions); !ok {
		return ErrRecord
	}
	if hello == nil {
		s.phase = min(s.phase, startUp)
		return nil
	}
	h, err := spark.ParseHello(hello)
	s.introduce(h)
	return err
}

// reader takes a record apart; after the first thing that does not fit it is
// bad, and gives zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if v := r.take(2); v != nil {
		return binary.BigEndian.Uint16(v)
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// millis reads a time: Unix milliseconds of the next few thousand years.
func (r *reader) millis() int64 {
	v := r.uvarint()
	r.bad = r.bad || v > 1<<47
	return int64(v)
}

// bytes gives the next run of bytes; nil when it is empty.
func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n == 0 || n > uint64(len(r.b)) {
		r.bad = r.bad || n != 0
		return nil
	}
	return r.take(int(n))
}
