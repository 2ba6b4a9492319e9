package detsim

import (
	"encoding/binary"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/test/detsim/schedule"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// tap hears every record between the cloud and its devices, and has all keys:
// it learns them when the cloud stores a session, before the device may
// believe in it.
type tap struct {
	w      *World
	byKeys map[dtls.Keys]*wire
	of     map[device.ID][]*wire // oldest first
	at     map[netip.AddrPort]*wire
	named  map[[8]byte]*wire // by the name that a session has in the store
	used   map[nonce]struct{}
	plain  []byte
}

// nonce is a number that one key may protect one record with.
type nonce struct {
	wire int
	seq  uint64
}

// wire is a session as the tap sees it, and what its device was promised.
type wire struct {
	index    int
	of       *thing
	keys     dtls.Session // the cloud's side
	client   dtls.Session // the device's, with the window of what has arrived there
	learnt   time.Time
	spoke    time.Time // when the device last sealed something with it
	said     map[uint16]saying
	given    facts
	finished bool // the device may have our Finished
	ended    bool // the cloud has ended it
	excused  bool // an old backup took its place
}

// saying is a message of the device that asks for an acknowledgement.
type saying struct {
	kind spark.Kind
	what string // of a subscription its prefix, of an event its number
	app  bool   // a describe of the application
}

// facts are what the cloud has acknowledged of what it was told.
type facts struct {
	hello, app    bool
	subscriptions []string
}

func newTap(w *World) *tap {
	return &tap{
		w: w, byKeys: map[dtls.Keys]*wire{}, of: map[device.ID][]*wire{}, at: map[netip.AddrPort]*wire{},
		named: map[[8]byte]*wire{}, used: map[nonce]struct{}{},
	}
}

// keysOf reads the keys in a record: they stand behind the version and the
// device's id.
func keysOf(blob []byte) (dtls.Session, bool) {
	const front = 1 + len(device.ID{})
	if len(blob) < front {
		return dtls.Session{}, false
	}
	size, n := binary.Uvarint(blob[front:])
	if n <= 0 || uint64(len(blob)-front-n) < size {
		return dtls.Session{}, false
	}
	s, err := dtls.UnmarshalSession(blob[front+n:][:size])
	return s, err == nil
}

// learn takes the keys of a session that the cloud wants to store.
func (p *tap) learn(r *session.Record) {
	s, ok := keysOf(r.Blob)
	if !ok {
		p.w.fail("records", "a session of %s is stored in a form that cannot be read", p.w.nameOf(r.Device))
	}
	x := p.byKeys[s.Keys]
	if x == nil {
		s.Window = dtls.Window{}
		x = &wire{index: len(p.byKeys), of: p.w.byID[r.Device], keys: s, client: s, learnt: p.w.now, said: map[uint16]saying{}}
		x.client.Server = false
		p.byKeys[s.Keys] = x
		p.of[r.Device] = append(p.of[r.Device], x)
	}
	p.named[r.Origin] = x
}

// forgotten notes that a process has ended a session.
func (p *tap) forgotten(r *session.Record) {
	if x := p.named[r.Origin]; x != nil {
		x.ended = true
	}
}

// wireAt finds the session that a record of the cloud's belongs to, and opens
// it; nil: none of those that are known.
func (p *tap) wireAt(to netip.AddrPort, r dtls.Record) (*wire, dtls.ContentType) {
	if x := p.at[to]; x != nil {
		if kind, ok := p.opens(x.client, r); ok {
			return x, kind
		}
	}
	for _, t := range p.w.behind[to.Addr()] {
		for _, x := range slices.Backward(p.of[t.id]) {
			if kind, ok := p.opens(x.client, r); ok {
				p.at[to] = x
				return x, kind
			}
		}
	}
	return nil, 0
}

// opens tries to open a record with a session's keys, whatever was received
// before.
func (p *tap) opens(s dtls.Session, r dtls.Record) (dtls.ContentType, bool) {
	s.Window = dtls.Window{}
	kind, plain, err := s.Open(p.plain[:0], r)
	if errors.Is(err, dtls.ErrHandshakeRecord) {
		return dtls.Handshake, true
	}
	if err != nil {
		return 0, false
	}
	p.plain = plain
	return kind, true
}

// cloudSent looks at what a process sends, and tells whether it may go out.
func (p *tap) cloudSent(n *node, d *lane.Send) bool {
	passes := true
	for rest := d.Data; len(rest) > 0; {
		r, more, err := dtls.ParseRecord(rest)
		if err != nil {
			p.w.fail("wire", "the cloud has sent what is no record")
		}
		rest = more
		if r.Epoch == 0 {
			continue
		}
		x, kind := p.wireAt(d.To, r)
		if x == nil {
			continue // keys that are on no file are never stored
		}
		p.w.stats.Records++
		at := nonce{x.index, uint64(r.Epoch)<<48 | r.Seq}
		if _, again := p.used[at]; again {
			p.w.fail("nonce", "%s has protected a second record to %s with number %x (generation %d) of one key",
				n.name, x.of.name, r.Seq, r.Seq>>dtls.CountBits)
		}
		p.used[at] = struct{}{}
		switch kind {
		case dtls.Handshake:
			x.finished = true
			p.check(x.of.id, "Finished")
		case dtls.ApplicationData:
			x.finished = true // a session whose key was on no file is stored late
			passes = p.answer(n, x) && passes
		}
	}
	return passes
}

// answer looks at a message of the cloud's, opened.
func (p *tap) answer(n *node, x *wire) bool {
	m, err := coap.Parse(p.plain)
	if err != nil {
		p.w.fail("wire", "%s has sent %s what is no message: %v", n.name, x.of.name, err)
	}
	p.w.log.Message(p.w.now.Sub(start), n.name, x.of.name, &m)
	switch m.Type {
	case coap.Reset:
		return p.w.plan.Without != schedule.Reset
	case coap.Acknowledgement:
		if s, ok := x.said[m.ID]; ok && (m.Code == coap.Empty || m.Code.Class() == 2) {
			delete(x.said, m.ID)
			p.acknowledged(x, s, m.Code)
		}
	}
	return true
}

// acknowledged notes what the device may rely on from now on.
func (p *tap) acknowledged(x *wire, s saying, code coap.Code) {
	switch s.kind {
	case spark.KindHello:
		x.given.hello = true
	case spark.KindDescribe:
		if !s.app || code != coap.Changed {
			return
		}
		x.given.app = true
	case spark.KindSubscribe:
		x.given.subscriptions = append(x.given.subscriptions, s.what)
	case spark.KindEvent:
		p.w.stats.Acked++
		p.w.checks.acknowledged(p.w, x.of, s.what)
		return
	default:
		return
	}
	p.check(x.of.id, s.kind.String())
}

// deviceSent looks at what a device sends.
func (p *tap) deviceSent(t *thing, data []byte) {
	r, _, err := dtls.ParseRecord(data)
	if err != nil || r.Epoch == 0 {
		return
	}
	for _, x := range slices.Backward(p.of[t.id]) {
		kind, ok := p.opens(x.keys, r)
		if !ok {
			continue
		}
		x.spoke = p.w.now
		if t.using = x; kind == dtls.ApplicationData {
			p.asks(x)
		}
		return
	}
}

// asks notes a message of the device's that wants to be acknowledged.
func (p *tap) asks(x *wire) {
	m, err := spark.Parse(p.plain)
	if err != nil {
		return
	}
	p.w.log.Message(p.w.now.Sub(start), x.of.name, "the cloud", &m)
	if m.Type != coap.Confirmable || !m.Code.Request() {
		return
	}
	s := saying{kind: spark.Classify(&m)}
	switch s.kind {
	case spark.KindHello:
		if x.of.cfg.Profile.Flags&spark.HelloDescribes == 0 { // it says all its subscriptions again
			x.given.subscriptions = nil
			maps.DeleteFunc(x.said, func(_ uint16, s saying) bool { return s.kind == spark.KindSubscribe })
		}
	case spark.KindDescribe:
		part, err := spark.ParseDescribePost(&m)
		s.app = err == nil && part.Flags&spark.DescribeApplication != 0
	case spark.KindSubscribe:
		sub, err := spark.ParseSubscription(&m, x.of.cfg.Profile.SystemVersion)
		if err != nil {
			return
		}
		s.what = sub.Prefix
	case spark.KindEvent:
		e, err := spark.ParseEvent(&m)
		if err != nil || e.Name != "tick" {
			return
		}
		s.what = string(e.Data)
	}
	x.said[m.ID] = s
}

// deviceHears notes that something arrived that the device can open.
func (p *tap) deviceHears(t *thing, data []byte) {
	for rest := data; len(rest) > 0; {
		r, more, err := dtls.ParseRecord(rest)
		if err != nil {
			return
		}
		rest = more
		if r.Epoch == 0 || t.using == nil {
			continue
		}
		if _, _, err := t.using.client.Open(p.plain[:0], r); err == nil {
			t.heard = p.w.now
		}
	}
}

// reached notes which device behind an address a process hears from.
func (p *tap) reached(from netip.Addr, data []byte) {
	r, _, err := dtls.ParseRecord(data)
	if err != nil || r.Epoch == 0 {
		return
	}
	for _, t := range p.w.behind[from] {
		if t.using == nil {
			continue
		}
		if _, ok := p.opens(t.using.keys, r); ok {
			t.reached = p.w.now
			return
		}
	}
}

// stored is called when what is stored of a device has changed.
func (p *tap) stored(id device.ID) { p.check(id, "a write") }
