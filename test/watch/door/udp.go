package door

import (
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
)

// UDP opens a door before the cloud's UDP port at to: every device has a socket
// of its own behind it.
func UDP(t testing.TB, to string) (Door, error) {
	t.Helper()
	d := &udp{behind: map[string]*guest{}}
	d.open = func(at string) (net.PacketConn, error) { return net.ListenPacket("udp", at) } //nolint:noctx // it does not wait
	d.attend = d.read
	return d, d.begin(t, to)
}

type udp struct {
	base[net.PacketConn]

	behind map[string]*guest // guarded by mu, by the device's address
}

// guest is a device, as the cloud knows it.
type guest struct {
	from  net.Addr
	cloud net.Conn
	deaf  atomic.Bool // until its next handshake
}

// handshake and clientHello are what a datagram begins with that begins a
// handshake.
const handshake, clientHello, helloAt = 22, 1, 13

func newcomer(b []byte) bool {
	return len(b) > helloAt && b[0] == handshake && b[helloAt] == clientHello
}

func (d *udp) read(front net.PacketConn) {
	b := make([]byte, 2048)
	for {
		n, from, err := front.ReadFrom(b)
		if err != nil {
			return
		}
		anew := newcomer(b[:n])
		if anew && d.wrong() == Unanswered {
			continue
		}
		g := d.guest(from)
		if g == nil {
			continue
		}
		if anew {
			g.deaf.Store(false)
		}
		_, _ = g.cloud.Write(b[:n]) // a port that nobody has is the cloud's matter
	}
}

// guest finds who sends from an address; nil: the cloud cannot be reached.
func (d *udp) guest(from net.Addr) *guest {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.behind[from.String()]
	if g != nil || d.closed {
		return g
	}
	conn, err := net.Dial("udp", d.to) //nolint:noctx // it does not wait
	if err != nil {
		return nil
	}
	g = &guest{from: from, cloud: conn}
	d.behind[from.String()] = g
	d.all.Go(func() { d.back(g) }) // until Close
	return g
}

// back carries what the cloud says to a device.
func (d *udp) back(g *guest) {
	b := make([]byte, 2048)
	for {
		n, err := g.cloud.Read(b)
		d.mu.Lock()
		front, there, closed := d.front, d.there, d.closed
		d.mu.Unlock()
		switch {
		case closed:
			return
		case err != nil || !there || g.deaf.Load():
			continue // the cloud is away for a while, or the device does not hear
		}
		_, _ = front.WriteTo(b[:n], g.from)
	}
}

func (d *udp) Deafen(share float64) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.behind {
		if rand.Float64() < share {
			g.deaf.Store(true)
			n++
		}
	}
	return n
}

func (d *udp) Close() {
	d.shut()
	d.mu.Lock()
	for _, g := range d.behind {
		_ = g.cloud.Close()
	}
	d.mu.Unlock()
	d.all.Wait()
}
