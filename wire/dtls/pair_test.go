package dtls_test

import (
	"bytes"
	"container/heap"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls"
)

// A client and a server in one process, on a clock that only they know.

var (
	peer  = netip.MustParseAddrPort("192.0.2.7:40001")
	begin = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

// random32 is deterministic randomness with a name.
func random32(label string) [32]byte { return sha256.Sum256([]byte(label)) }

func keyOf(t testing.TB, label string) *ecdsa.PrivateKey {
	t.Helper()
	seed := random32(label)
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func configs(t testing.TB) (*dtls.ClientConfig, *dtls.ServerConfig) {
	t.Helper()
	server, device := keyOf(t, "server"), keyOf(t, "device")
	return &dtls.ClientConfig{Key: device, ServerKey: &server.PublicKey}, &dtls.ServerConfig{Key: server}
}

// door is the server as a gateway would drive it, for one peer.
type door struct {
	cfg      *dtls.ServerConfig
	cookies  *dtls.Cookies
	cid      [8]byte
	slowness time.Duration // from Verified to Finish: the disk

	h        *dtls.ServerHandshake
	finishAt time.Time
	session  *dtls.Session
	opened   [][]byte
	dropped  []error
	refusal  error
	begun    int // handshakes
}

func newDoor(cfg *dtls.ServerConfig) *door {
	return &door{cfg: cfg, cookies: &dtls.Cookies{Current: random32("cookie")}, cid: [8]byte{0xc1, 2, 3, 4, 5, 6, 7, 8}}
}

func (d *door) receive(now time.Time, datagram []byte) (send [][]byte) {
	if d.session != nil {
		if r, _, err := dtls.ParseRecord(datagram); err == nil && r.Epoch == 1 {
			t, plaintext, err := d.session.Open(nil, r)
			if err == nil && t == dtls.ApplicationData {
				d.opened = append(d.opened, plaintext)
			}
			if !errors.Is(err, dtls.ErrHandshakeRecord) {
				return nil
			}
		}
	}
	if d.h != nil {
		out, err := d.h.Receive(now, datagram)
		if out.Dropped != nil {
			d.dropped = append(d.dropped, out.Dropped)
		}
		if err != nil {
			d.refusal, d.h = err, nil
		}
		if out.Verified {
			d.finishAt = now.Add(d.slowness)
			if d.slowness == 0 {
				out.Send = append(out.Send, d.finish(now)...)
			}
		}
		if !errors.Is(out.Dropped, dtls.ErrNewHello) {
			return out.Send
		}
	}
	reply, hello, err := d.cfg.Greet(now, peer, d.cookies, datagram, nil)
	switch {
	case err != nil:
		d.dropped = append(d.dropped, err)
		return nil
	case hello == nil:
		return [][]byte{reply}
	}
	d.begun++
	ephemeral := random32(fmt.Sprint("server ephemeral", d.begun))
	h, flight, err := dtls.NewServerHandshake(d.cfg, now, hello, d.cid, dtls.ServerRandom{Random: random32("server random"), Ephemeral: ephemeral})
	if err != nil {
		d.refusal = err
		return flight
	}
	d.h = h
	return flight
}

func (d *door) finish(now time.Time) [][]byte {
	preview := d.h.SessionPreview()
	flight, s, err := d.h.Finish(now)
	if err != nil || s != preview {
		panic(fmt.Sprintf("Finish: %v, preview equal: %v", err, s == preview))
	}
	d.session, d.finishAt = &s, time.Time{}
	return flight
}

func (d *door) deadline() time.Time {
	if d.h == nil {
		return time.Time{}
	}
	if !d.finishAt.IsZero() && d.finishAt.Before(d.h.Deadline()) {
		return d.finishAt
	}
	return d.h.Deadline()
}

func (d *door) tick(now time.Time) (send [][]byte) {
	if d.h == nil {
		return nil
	}
	if !d.finishAt.IsZero() && !now.Before(d.finishAt) {
		return d.finish(now)
	}
	send, err := d.h.Tick(now)
	if err != nil {
		if !errors.Is(err, dtls.ErrHandshakeOver) {
			d.refusal = err
		}
		d.h = nil
	}
	return send
}

// device is the client, which says one word once it is connected and repeats it until it hears an answer.
type device struct {
	h       *dtls.ClientHandshake
	session *dtls.Session
	word    []byte
	wordAt  time.Time
	opened  [][]byte
	dropped []error
	failure error
}

func (d *device) receive(now time.Time, datagram []byte) (send [][]byte) {
	if d.session != nil {
		if r, _, err := dtls.ParseRecord(datagram); err == nil {
			if t, plaintext, err := d.session.Open(nil, r); err == nil && t == dtls.ApplicationData {
				d.opened = append(d.opened, plaintext)
			}
		}
		return nil
	}
	out, err := d.h.Receive(now, datagram)
	if out.Dropped != nil {
		d.dropped = append(d.dropped, out.Dropped)
	}
	if err != nil && d.failure == nil {
		d.failure = err
	}
	if out.Verified {
		s, ok := d.h.Session()
		if !ok {
			panic("verified without a session")
		}
		d.session, d.wordAt = &s, now
	}
	return out.Send
}

func (d *device) deadline() time.Time {
	switch {
	case d.session != nil && len(d.opened) == 0:
		return d.wordAt
	case d.session != nil:
		return time.Time{}
	}
	return d.h.Deadline()
}

func (d *device) tick(now time.Time) (send [][]byte) {
	if d.session != nil {
		d.wordAt = d.wordAt.Add(4 * time.Second)
		record, err := d.session.Seal(nil, dtls.ApplicationData, d.word)
		if err != nil {
			panic(err)
		}
		return [][]byte{record}
	}
	send, err := d.h.Tick(now)
	if err != nil && d.failure == nil {
		d.failure = err
	}
	return send
}

// letter is a datagram on its way.
type letter struct {
	at       time.Time
	order    int
	toServer bool
	bytes    []byte
}

type post []letter

func (p post) Len() int { return len(p) }
func (p post) Less(i, j int) bool {
	return p[i].at.Before(p[j].at) || p[i].at.Equal(p[j].at) && p[i].order < p[j].order
}
func (p post) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *post) Push(x any)   { *p = append(*p, x.(letter)) }
func (p *post) Pop() any {
	old := *p
	x := old[len(old)-1]
	*p = old[:len(old)-1]
	return x
}

// network carries datagrams between one device and one door. route says what becomes of one: when and as what it arrives,
// not at all or several times. Its zero value carries at once.
type network struct {
	route func(now time.Time, toServer bool, datagram []byte) []letter
	tap   func(now time.Time, toServer bool, datagram []byte)

	mail  post
	order int
}

func (n *network) send(now time.Time, toServer bool, datagrams [][]byte) {
	for _, d := range datagrams {
		if n.tap != nil {
			n.tap(now, toServer, d)
		}
		letters := []letter{{at: now, bytes: d}}
		if n.route != nil {
			letters = n.route(now, toServer, d)
		}
		for _, l := range letters {
			l.order, l.toServer, l.bytes = n.order, toServer, bytes.Clone(l.bytes)
			n.order++
			heap.Push(&n.mail, l)
		}
	}
}

// run plays until nothing is left to happen, or until the clock says so. The door answers what it opens.
func (n *network) run(device *device, door *door, first [][]byte, until time.Time) (now time.Time) {
	now = begin
	n.send(now, true, first)
	answered := 0
	for {
		next := time.Time{}
		for _, at := range []time.Time{device.deadline(), door.deadline()} {
			if !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		switch {
		case len(n.mail) > 0 && (next.IsZero() || !n.mail[0].at.After(next)):
			l := heap.Pop(&n.mail).(letter)
			if now = l.at; now.After(until) {
				return now
			}
			if l.toServer {
				n.send(now, false, door.receive(now, l.bytes))
			} else {
				n.send(now, true, device.receive(now, l.bytes))
			}
		case next.IsZero() || next.After(until):
			return now
		default:
			now = next
			if next.Equal(device.deadline()) {
				n.send(now, true, device.tick(now))
			}
			if next.Equal(door.deadline()) {
				n.send(now, false, door.tick(now))
			}
		}
		for ; answered < len(door.opened); answered++ {
			record, err := door.session.Seal(nil, dtls.ApplicationData, append([]byte("re: "), door.opened[answered]...))
			if err != nil {
				panic(err)
			}
			n.send(now, false, [][]byte{record})
		}
	}
}

// connect runs a handshake over a network and returns both ends.
func connect(t testing.TB, client *dtls.ClientConfig, server *dtls.ServerConfig, n *network, until time.Duration) (*device, *door) {
	t.Helper()
	h, first, err := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{Random: random32("client random"), Ephemeral: random32("client ephemeral")})
	if err != nil {
		t.Fatal(err)
	}
	device, door := &device{h: h, word: []byte("hello")}, newDoor(server)
	n.run(device, door, first, begin.Add(until))
	return device, door
}
