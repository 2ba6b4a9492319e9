package lane

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/maphash"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/internal/ferry"
)

// ErrExport is what Adopt says of a connection that it cannot read.
var ErrExport = errors.New("gateway: handed-over connection cannot be read")

// Settle begins or ends the time before a hand-over in which no handshake is
// begun: whoever knocks is not answered and knocks again. Those under way come
// to their end meanwhile, so that few are left to be lost. When it ends, what
// was sent ahead was for nothing.
func (l *Lane) Settle(on bool) {
	if l.settling = on; !on {
		l.ahead, l.replaced = nil, nil
	}
}

// Shaking gives how many handshakes have not come to their end.
func (l *Lane) Shaking() int {
	n := l.halfOpen
	for c := range l.conns.all() {
		if c.stream != nil && c.sess == nil {
			n++
		}
	}
	return n
}

// sent is a connection that another process has already, as it was then.
type sent struct {
	conn uint64 // 0: it has none from that place
	hash uint64 // of its export
}

// Ahead exports, while the lane goes on, connections on UDP of so many places
// from a first one: those that were not exported yet or have changed since. next
// is the place to go on from; 0: that was the last. Export calls each only for
// what has changed after, and Gone names those that are not there any more. So a
// hand-over has little left to do when nobody serves.
//
// It is the bytes that are compared, by a hash of 64 bits: what is not exported
// again would be exported just as it was.
func (l *Lane) Ahead(from, places int, each func(conn uint64, b []byte) error) (next int, err error) {
	end := len(l.room.chunks) * chunk
	if grow := end - len(l.ahead); grow > 0 {
		l.ahead = append(l.ahead, make([]sent, grow)...)
	}
	for ; from < end && places > 0; from, places = from+1, places-1 {
		c := l.room.at(uint32(from))
		if !c.udp || !l.has(c) || !c.passable() {
			continue
		}
		b, known, err := l.export(c)
		if err == nil && !known {
			err = each(c.id, b)
		}
		if err != nil {
			return 0, err
		}
	}
	if from >= end {
		return 0, nil
	}
	return from, nil
}

// export gives a connection's export, which is good until the next, and tells
// whether it is what was sent ahead.
func (l *Lane) export(c *conn) (b []byte, known bool, err error) {
	f := ferry.Ferry{Bytes: l.packing[:0]}
	c.carry(&f)
	if l.packing, err = c.sess.Export(f.Bytes); err != nil || int(c.slot) >= len(l.ahead) {
		return l.packing, false, err
	}
	now := sent{c.id, maphash.Bytes(l.conns.seed, l.packing)}
	before := l.ahead[c.slot]
	if before.conn != 0 && before.conn != c.id {
		l.replaced = append(l.replaced, before.conn)
	}
	known, l.ahead[c.slot] = before == now, now
	return l.packing, known, nil
}

// Gone calls each for every connection that was sent ahead and is to be handed
// over no more. The lane must not be stepped from here on, as with Export.
func (l *Lane) Gone(each func(conn uint64) error) error {
	for _, conn := range l.replaced {
		if err := each(conn); err != nil {
			return err
		}
	}
	l.replaced = nil
	for slot := range l.ahead {
		a := &l.ahead[slot]
		if c := l.room.at(uint32(slot)); a.conn == 0 || c.id == a.conn && l.has(c) && c.passable() {
			continue
		}
		if err := each(a.conn); err != nil {
			return err
		}
		*a = sent{}
	}
	return nil
}

// Export calls each for every connection that another process can go on with,
// and that it does not have already because it was sent ahead: conn is the id, for
// TCP to find the stream by. kept counts those others. What is left out is
// handshakes, and sessions whose key is on no file. Nothing is changed, and b is
// good until each returns. The lane must not be stepped from the first call on,
// unless the hand-over fails.
func (l *Lane) Export(each func(conn uint64, udp bool, b []byte) error) (kept int, err error) {
	for slot := range len(l.room.chunks) * chunk {
		c := l.room.at(uint32(slot))
		if !l.has(c) || !c.passable() {
			continue
		}
		b, known, err := l.export(c)
		switch {
		case err != nil:
		case known:
			kept++
		default:
			err = each(c.id, c.udp, b)
		}
		if err != nil {
			return kept, err
		}
	}
	return kept, nil
}

func (c *conn) passable() bool {
	return c.sess != nil && !c.sess.Closed() && (c.saved || !c.udp) && !c.device.IsZero()
}

// carry walks over all that a connection is besides its session. A field that
// is new goes to the end.
func (c *conn) carry(f *ferry.Ferry) {
	f.Part(func(f *ferry.Ferry) {
		f.Fixed(c.device[:])
		f.Fixed(c.cid[:])
		f.Flags(&c.udp, &c.hasCID, &c.held, &c.announced)
		owner := c.owner()
		ferry.Words(f, &owner)
		if f.Landing {
			c.own(owner)
		}
		var at indexed
		if c.indexed != nil {
			at = *c.indexed
		}
		peer := c.peer()
		f.Value(&peer)
		f.Value(&at.at)
		f.Value(&at.peer)
		if at.at.IsValid() {
			c.indexed = &at
		}
		ferry.Numbers(f, &c.shown, &c.noted)
		var pending []byte
		if c.stream != nil {
			pending = c.stream.split.Pending()
		}
		if ferry.Words(f, &pending); f.Landing && !c.udp {
			c.stream = &stream{peer: peer}
			// It is less than a frame, or it would not be pending.
			if frame, _, err := c.stream.split.Next(pending); err != nil || frame != nil {
				f.Bad = true
			}
		}
		c.carryTry(f)
		said := max(c.said, 0)
		ferry.Number(f, &said)
		c.said = said
	})
}

func (c *conn) carryTry(f *ferry.Ferry) {
	var try []byte
	if c.try != nil {
		try, _ = json.Marshal(c.try) // it cannot fail: text, numbers and times
	}
	if ferry.Words(f, &try); f.Landing && len(try) > 0 {
		c.try = new(device.Attempt)
		f.Bad = f.Bad || json.Unmarshal(try, c.try) != nil
	}
}

// Adopt takes over a connection from its export, and gives the id that it has
// here. id is the stream's, for TCP. Nothing is sent to the device, which is not
// to notice. Of two connections that both have a device the one that comes later
// is the truth: the other came ahead, and ended since.
func (l *Lane) Adopt(now time.Time, id uint64, b []byte, outs *Outs) (uint64, error) {
	l.room.clean()
	f := ferry.Ferry{Bytes: b, Landing: true}
	c := &conn{id: id}
	c.carry(&f)
	if f.Bad || c.udp != (id == 0) || c.device.IsZero() || l.conns.of(id) != nil {
		return 0, ErrExport
	}
	s, err := session.Adopt(f.Bytes)
	if err != nil {
		return 0, err
	}
	if !s.Device().IsZero() && s.Device() != c.device {
		return 0, ErrExport
	}
	if old := l.byDevice.of(c.device); c.held && old != nil {
		l.Dismiss(old.id, outs)
	}
	s.Share(&l.texts)
	c.sess, c.saved = s, c.udp
	return l.seat(now, c, outs), nil
}

// Dismiss undoes Adopt, as if the connection had never been here.
func (l *Lane) Dismiss(id uint64, outs *Outs) {
	c := l.conns.of(id)
	if c == nil {
		return
	}
	c.try = nil // it is on record elsewhere
	c.sess.Counters = session.Counters{}
	l.end(time.Time{}, c, outs)
}

// seat puts an adopted connection where it belongs.
func (l *Lane) seat(now time.Time, c *conn, outs *Outs) uint64 {
	if c.udp {
		c = l.add(c)
	} else {
		c = l.admit(c)
		l.streams++
	}
	if c.hasCID {
		l.byCID.put(c)
	}
	if c.indexed != nil {
		l.index(c, c.indexed.at, outs)
	}
	if c.held {
		l.byDevice.put(c)
		outs.add(Out{Kind: Take, Device: c.device, Conn: c.id})
	} else {
		l.arriving[c] = struct{}{}
		outs.add(Out{Kind: Arrive, Device: c.device, Conn: c.id})
	}
	l.subscribe(c)
	if c.held {
		st := c.sess.State(now)
		outs.add(Out{Kind: Show, Device: c.device, Conn: c.id, State: &st})
	}
	l.rearm(c)
	return c.id
}

// Memory calls each for what the lane remembers of devices that do not answer,
// and of sources that fail, so that an upgrade does not give them a fresh start:
// a device that cannot bear a question is not asked three more times, nor told
// three more times to start over. id and cid are the device's and that of its
// connection, if it has one here; of a source they are zero. b is good until each
// returns.
//
// What is not in it is safe to forget. Handshakes that have not ended, and
// sessions whose key is on no file, are not handed over, so there are none to
// count for a source or in all. The buckets that bound what is recorded, and how
// many devices are told to start over, are full again within ten seconds, which is
// sooner than somebody can upgrade often.
func (l *Lane) Memory(now time.Time, each func(id device.ID, cid [8]byte, b []byte) error) error {
	for _, id := range slices.SortedFunc(maps.Keys(l.ward.patients), func(a, b device.ID) int { return bytes.Compare(a[:], b[:]) }) {
		p := l.ward.patients[id]
		if p.over(now) {
			continue
		}
		f, of, from := ferry.Ferry{}, id, netip.Addr{}
		carryMemory(&f, &of, &from, p, new(allowance))
		var cid [8]byte
		if c := l.byDevice.of(id); c != nil {
			cid = c.cid
		}
		if err := each(id, cid, f.Bytes); err != nil {
			return err
		}
	}
	for _, failed := range []map[netip.Addr]allowance{l.sources.before, l.sources.failed} {
		for _, from := range slices.SortedFunc(maps.Keys(failed), netip.Addr.Compare) {
			a := failed[from]
			if a.ahead(now) <= 0 {
				continue
			}
			f := ferry.Ferry{}
			carryMemory(&f, new(device.ID), &from, new(patient), &a)
			if err := each(device.ID{}, [8]byte{}, f.Bytes); err != nil {
				return err
			}
		}
	}
	return nil
}

// Remember takes in a piece of another lane's Memory, as far as there is room.
func (l *Lane) Remember(b []byte) error {
	f := ferry.Ferry{Bytes: b, Landing: true}
	var id device.ID
	var from netip.Addr
	var p patient
	var a allowance
	if carryMemory(&f, &id, &from, &p, &a); f.Bad {
		return ErrExport
	}
	if from.IsValid() {
		l.sources.remember(from, a)
	} else if len(l.ward.patients) < maxPatients {
		l.ward.patients[id] = &p
	}
	return nil
}

// carryMemory carries what is remembered of a device, or of a source.
func carryMemory(f *ferry.Ferry, id *device.ID, from *netip.Addr, p *patient, a *allowance) {
	f.Part(func(f *ferry.Ferry) {
		f.Fixed(id[:])
		f.Value(from)
		ferry.Number(f, a)
		f.Moments(&p.since, &p.askedAt, &p.breakSince, &p.avoidUntil, &p.lostAt, &p.swapSince, &p.keepUntil)
		ferry.Numbers(f, &p.starts, &p.breaks, &p.swaps)
	})
}

// Peek tells whose an exported connection is, and its connection id, so that
// the right lane can adopt it.
func Peek(b []byte) (id device.ID, cid [8]byte, ok bool) {
	f := ferry.Ferry{Bytes: b, Landing: true}
	f.Part(func(f *ferry.Ferry) {
		f.Fixed(id[:])
		f.Fixed(cid[:])
	})
	return id, cid, !f.Bad
}

// Aboard is a device that is connected by a stream, which ends with this
// process unless it is handed over.
type Aboard struct {
	Conn  uint64
	Owner account.ID
	Seen  time.Time // when it last sent something
	Busy  bool      // somebody waits for a call of it
}

// Aboard lists the devices that have a stream, and counts those on UDP, whose
// sessions outlive the process.
func (l *Lane) Aboard(now time.Time) (list []Aboard, stay int) {
	for c := range l.conns.all() {
		switch {
		case c.sess == nil || c.sess.Closed():
		case c.stream != nil:
			list = append(list, Aboard{c.id, c.owner(), c.sess.State(now).LastSeen, c.sess.Calling() > 0})
		case c.saved && c.held:
			stay++
		}
	}
	return list, stay
}

// SendAway ends a connection because this process is going to stop. While
// somebody waits for a call of the device it does not, and says so.
func (l *Lane) SendAway(now time.Time, conn uint64, outs *Outs) (gone bool) {
	c := l.conns.of(conn)
	switch {
	case c == nil || c.sess == nil || c.sess.Closed():
		return true
	case c.sess.Calling() > 0:
		return false
	}
	l.step(now, c, session.In{Kind: session.Close, Reason: device.ServerShutdown}, outs)
	return true
}
