package sim

import (
	"errors"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// talk is the present conversation with the server: one connection's books.
// Only the counters of ids and tokens outlive it.
type talk struct {
	link      link // nil without a connection
	ids       coap.MessageIDs
	token     byte // of the latest request
	pending   []pending
	exchanges coap.Exchanges // UDP: what is repeated until it is acknowledged
	received  remembered     // UDP
	ping      pinger
	answer    *coap.Splitter // a describe that the server fetches block by block
	etag      byte
}

// purpose is what a confirmable message was for.
type purpose uint8

const (
	forNothing purpose = iota
	forHello
	forSystem
	forApplication
	forSubscription
	forTime
)

// pending is a message that waits for its acknowledgement.
type pending struct {
	id      uint16
	purpose purpose
	startup bool                // the device isn't connected before it is acknowledged
	post    *spark.DescribePart // a describe in blocks
	body    *coap.Splitter
	digest  uint32 // of what the server knows with the acknowledgement
}

func (t *talk) hangUp() {
	t.link, t.pending, t.received, t.answer = nil, nil, nil, nil
	t.exchanges = coap.Exchanges{}
	t.ping.stop()
}

func (t *talk) deadline() time.Time {
	if t.link == nil {
		return time.Time{}
	}
	at := earliest(t.link.deadline(), t.exchanges.Deadline())
	return earliest(at, t.ping.deadline())
}

func (t *talk) nextToken() byte {
	t.token++
	return t.token
}

// opened is called when the socket is there.
func (d *Device) opened() {
	if d.phase != Opening {
		return
	}
	d.enter(Handshaking, ledHandshake)
	if d.cfg.Transport == TCP {
		d.talk.link = newStreamLink(d)
		return
	}
	if d.resumable() {
		d.resume()
		return
	}
	l, flight, err := newDatagramLink(d)
	if err != nil {
		d.end(endHandshake)
		return
	}
	d.talk.link = l
	d.sendAll(flight)
}

// received takes what the socket gave.
func (d *Device) received(data []byte) {
	if d.talk.link == nil || d.cfg.Behaviour == Deaf && d.phase == Connected {
		return
	}
	d.arrived(d.talk.link.receive(d.now, data))
}

// arrived performs what the link made of what the socket gave.
func (d *Device) arrived(a arrival) {
	d.sendAll(a.send)
	if a.up {
		d.established()
	}
	link := d.talk.link
	for _, m := range a.messages {
		if d.talk.link != link {
			return // the message before ended the connection
		}
		d.kept = true
		d.message(m)
	}
	if a.end != nil && d.talk.link == link {
		d.end(*a.end)
	}
}

func (d *Device) sendAll(datagrams [][]byte) {
	for _, b := range datagrams {
		d.emit(Send{b})
	}
}

// talkTimers performs what is due on the connection.
func (d *Device) talkTimers() {
	t := &d.talk
	if t.link == nil {
		return
	}
	if d.passed(t.link.deadline()) {
		d.arrived(t.link.tick(d.now))
	}
	if d.passed(t.exchanges.Deadline()) {
		var failed bool
		t.exchanges.Expire(d.now, coap.DeviceSpan, d.seal, func(coap.Exchange) { failed = true })
		if failed {
			d.end(endUnacked)
		}
	}
	if t.link == nil {
		return
	}
	switch ping, dead := t.ping.tick(d.now); {
	case dead:
		d.end(endPing)
	case ping:
		d.sendPing(false)
	}
}

// seal protects one message and sends it.
func (d *Device) seal(message []byte) {
	if d.talk.link == nil {
		return
	}
	sealed, err := d.talk.link.seal(message)
	switch {
	case errors.Is(err, errUsedUp):
		d.end(endCounter)
		return
	case err != nil:
		d.note(Warn, "can't send: %v", err)
		return
	}
	d.kept = true
	d.trace(">", message)
	d.emit(Send{sealed})
}

// say gives a message an id and sends it. A confirmable one is remembered, and
// on UDP repeated, until it is acknowledged.
func (d *Device) say(t coap.Type, build func(id uint16) ([]byte, error), p pending) bool {
	id, err := d.talk.ids.Next(d.now)
	if err != nil {
		return false
	}
	message, err := build(id)
	if err != nil {
		d.note(Warn, "can't send: %v", err)
		return false
	}
	if t == coap.Confirmable {
		p.id = id
		d.talk.pending = append(d.talk.pending, p)
		if d.cfg.Transport == UDP {
			d.talk.exchanges.Add(d.now, id, 0, false, message, coap.DeviceParams, d.random.Uint32())
		}
	}
	if d.memory != nil {
		d.memory.LastID = id
	}
	d.seal(message)
	return true
}

// message handles one message from the server.
func (d *Device) message(b []byte) {
	m, err := coap.Parse(b)
	if err != nil {
		d.note(Warn, "unreadable message: %v", err)
		return
	}
	d.trace("<", b)
	d.talk.ping.heard(d.now)
	switch {
	case m.Type == coap.Reset:
		if d.cfg.Transport == UDP {
			d.end(endReset)
		}
	case m.Type == coap.Acknowledgement:
		d.acknowledged(&m)
	case m.Code == coap.Content:
		d.setClock(&m)
	case m.Code.Response():
		// An answer that comes by itself settles nothing that we wait for.
		d.confirm(&m)
	default:
		d.request(&m)
	}
}

// acknowledged settles what an acknowledgement is for. On UDP one that is for
// nothing is dropped; TCP looks at the code only.
func (d *Device) acknowledged(m *coap.Message) {
	if d.cfg.Transport == UDP {
		if _, ok := d.talk.exchanges.Acknowledge(m.ID); !ok {
			return
		}
	}
	if m.Code == coap.Content {
		d.setClock(m)
	}
	i := slices.IndexFunc(d.talk.pending, func(p pending) bool { return p.id == m.ID })
	if i < 0 {
		return
	}
	p := d.talk.pending[i]
	d.talk.pending = slices.Delete(d.talk.pending, i, i+1)
	d.settle(p, m.Code.Class() < 4)
}

// setClock takes a 2.05 for the time, as devices do: four bytes at a fixed
// place, whatever they are.
func (d *Device) setClock(m *coap.Message) {
	raw := m.Append(nil)
	if len(raw) < 10 {
		return
	}
	seconds := int64(raw[6])<<24 | int64(raw[7])<<16 | int64(raw[8])<<8 | int64(raw[9])
	level := Info
	clock := time.Unix(seconds, 0).UTC()
	if clock.Year() < 2020 {
		level = Warn
	}
	d.note(level, "clock set to %s", clock.Format(time.RFC3339))
}

// confirm acknowledges a message that asks for it.
func (d *Device) confirm(m *coap.Message) {
	if m.Type == coap.Confirmable {
		d.reply(m, coap.AppendEmpty(nil, coap.Acknowledgement, m.ID))
	}
}

// reply sends the acknowledgement of m and remembers it for duplicates.
func (d *Device) reply(m *coap.Message, ack []byte) {
	if d.cfg.Transport == UDP {
		d.talk.received.add(d.now, m.ID, ack)
	}
	d.seal(ack)
}

// ownID is the message id of an acknowledgement that Device OS builds without
// looking at the request's: on TCP those of pings and signals, and everywhere
// that of a key change.
func (d *Device) ownID() uint16 {
	id, err := d.talk.ids.Next(d.now)
	if err != nil {
		return d.talk.ids.Current()
	}
	return id
}

// duplicateLifetime is how long a device knows a server's message id again.
const duplicateLifetime = 45 * time.Second

// remembered holds the confirmable messages that came from the server and
// what each was acknowledged with. Within 45 s another message with the same
// id gets that acknowledgement once more and is not carried out, whatever is
// in it. Oldest first.
type remembered []answered

type answered struct {
	at  time.Time
	id  uint16
	ack []byte // nil: none was sent
}

// find returns the answer to the message with that id, if it came already.
func (r *remembered) find(now time.Time, id uint16) (ack []byte, ok bool) {
	old := 0
	for old < len(*r) && now.Sub((*r)[old].at) >= duplicateLifetime {
		old++
	}
	*r = (*r)[old:]
	for _, a := range *r {
		if a.id == id {
			return a.ack, true
		}
	}
	return nil, false
}

func (r *remembered) add(now time.Time, id uint16, ack []byte) {
	*r = append(*r, answered{now, id, ack})
}
