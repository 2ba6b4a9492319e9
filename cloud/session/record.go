package session

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// recordVersion is the first byte of a Record's blob. A newer one is refused.
const recordVersion = 1

// ErrRecord is what Restore says of a record that it cannot read.
var ErrRecord = errors.New("session: record cannot be read")

// Record is what lasts of a session on UDP.
type Record struct {
	Device     device.ID
	CID        [8]byte // zero for devices without connection ids
	Generation uint32  // the highest that was taken; see wire/dtls
	Blob       []byte  // keys and all the rest; as secret as the keys
}

// Restoration says under which circumstances a record is taken up again.
type Restoration struct {
	// Generation was taken durably for this life of the session.
	Generation uint32
	// Exact tells that the record was written at a planned stop: nothing came
	// after it. Otherwise the session is cautious.
	Exact bool
	Seed  uint64
	Now   time.Time
}

// Record gives what is to be stored. A session on TCP has none.
func (s *Session) Record() Record {
	r := Record{Device: s.id, Generation: max(s.secure.Generation(), s.nextGeneration)}
	if s.secure.CID.Kind != dtls.NoCID {
		r.CID = s.secure.CID.Bytes
	}
	b := append(make([]byte, 0, 512), recordVersion)
	b = append(b, s.id[:]...)
	keys, _ := s.secure.MarshalBinary()
	b = appendBytes(b, keys)
	peer, _ := s.peer.MarshalBinary()
	b = appendBytes(b, peer)
	local, _ := s.local.MarshalBinary()
	b = appendBytes(b, local)
	b = append(b, s.origin[:]...)
	b = binary.BigEndian.AppendUint16(b, s.ids.Current())
	b = append(b, byte(s.phase))
	b = binary.AppendUvarint(b, uint64(s.keepAlive/time.Second))
	b = binary.AppendUvarint(b, uint64(s.lastSeen))
	b = binary.AppendUvarint(b, uint64(s.provenAt))
	b = appendBytes(b, s.hello.Append(nil))
	b = s.appendDescribe(b)
	b = binary.AppendUvarint(b, uint64(len(s.subscriptions)))
	for i := range s.subscriptions {
		b = appendSubscription(b, &s.subscriptions[i])
	}
	r.Blob = b
	return r
}

func (s *Session) appendDescribe(b []byte) []byte {
	var app, system []byte
	if s.describe != nil {
		if s.describe.HasApplication {
			app = spark.AppendApplication(nil, s.describe)
		}
		if s.describe.System != nil {
			system = spark.AppendSystem(nil, s.describe.System)
		}
	}
	return appendBytes(appendBytes(b, app), system)
}

func appendSubscription(b []byte, sub *spark.Subscription) []byte {
	b = appendBytes(b, []byte(sub.Prefix))
	b = appendBytes(b, []byte(sub.Device))
	var flags byte
	if sub.Binary {
		flags |= 1
	}
	if sub.CBOR {
		flags |= 2
	}
	return append(b, byte(sub.Scope), flags)
}

func appendBytes(b, v []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// Restore takes up a session from its record. The first thing that the device
// hears may be the answer to its own next record, or Probe.
func Restore(r Record, in Restoration) (*Session, error) {
	d := reader{b: r.Blob}
	if d.byte() != recordVersion {
		return nil, ErrRecord
	}
	s := &Session{udp: true, random: in.Seed | 1, restored: true, cautious: !in.Exact}
	copy(s.id[:], d.take(len(s.id)))
	keys := d.bytes()
	peerErr := s.peer.UnmarshalBinary(d.bytes())
	localErr := s.local.UnmarshalBinary(d.bytes())
	copy(s.origin[:], d.take(len(s.origin)))
	mid := d.uint16()
	phase := phase(d.byte())
	s.keepAlive = time.Duration(d.uvarint()) * time.Second
	s.lastSeen, s.provenAt = int64(d.uvarint()), int64(d.uvarint())
	hello := d.bytes()
	app, system := d.bytes(), d.bytes()
	n := d.uvarint()
	if n > maxSubscriptions {
		return nil, ErrRecord
	}
	for range n {
		s.subscriptions = append(s.subscriptions, d.subscription())
	}
	if d.bad || len(d.b) != 0 || peerErr != nil || localErr != nil || phase >= closed {
		return nil, ErrRecord
	}
	var err error
	if s.secure, err = dtls.UnmarshalSession(keys); err != nil {
		return nil, errors.Join(ErrRecord, err)
	}
	if err := s.secure.SetGeneration(in.Generation); err != nil {
		return nil, errors.Join(ErrRecord, err)
	}
	if err := s.restoreStart(hello, app, system, phase); err != nil {
		return nil, errors.Join(ErrRecord, err)
	}
	s.ids.Seed(mid + messageIDJump)
	s.word, s.since, s.spokeAt = device.Unknown, in.Now.UnixMilli(), 0
	s.armSilence(in.Now)
	return s, nil
}

// messageIDJump is how far the message ids of a restored session go on past
// the stored one: what was sent since the record was written stays unused for
// the 45 s in which a device would take it for a repetition.
const messageIDJump = 8192

func (s *Session) restoreStart(hello, app, system []byte, p phase) error {
	s.phase = p
	if p == awaitHello || p == claiming {
		s.phase = awaitHello
		return nil
	}
	var err error
	if s.hello, err = spark.ParseHello(hello); err != nil {
		return err
	}
	s.limits = spark.LimitsFor(&s.hello)
	if app == nil && system == nil {
		return nil
	}
	s.describe = &spark.Describe{}
	if app != nil {
		d, err := spark.ParseApplication(app)
		if err != nil {
			return err
		}
		s.describe.Merge(d)
	}
	if system != nil {
		if s.describe.System, err = spark.ParseSystem(system, true); err != nil {
			return err
		}
	}
	return nil
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

// bytes gives the next run of bytes; nil when it is empty.
func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n == 0 || n > uint64(len(r.b)) {
		r.bad = r.bad || n != 0
		return nil
	}
	return r.take(int(n))
}

func (r *reader) subscription() spark.Subscription {
	sub := spark.Subscription{Prefix: string(r.bytes()), Device: string(r.bytes()), Scope: spark.Scope(r.byte())}
	flags := r.byte()
	sub.Binary, sub.CBOR = flags&1 != 0, flags&2 != 0
	return sub
}
