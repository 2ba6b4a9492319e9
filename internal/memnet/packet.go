package memnet

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// inbox is how many datagrams wait in a socket; more are dropped, as a full
// kernel buffer does.
const inbox = 1024

// PacketConn is a datagram socket. It is a net.PacketConn, and it also has
// the two methods of *net.UDPConn that carry addresses by value.
type PacketConn struct {
	network *Network
	at      netip.AddrPort

	mu      sync.Mutex
	changed sync.Cond
	waiting []datagram // guarded by mu; at most inbox
	dropped int        // guarded by mu; for want of room
	closed  bool       // guarded by mu
	readBy  alarm      // guarded by mu
}

type datagram struct {
	from    netip.AddrPort
	payload []byte
}

// ReadFromUDPAddrPort waits for a datagram and copies as much of it as fits.
func (c *PacketConn) ReadFromUDPAddrPort(p []byte) (int, netip.AddrPort, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, netip.AddrPort{}, c.fail("read", net.ErrClosed)
		case c.readBy.passed:
			return 0, netip.AddrPort{}, c.fail("read", os.ErrDeadlineExceeded)
		case len(c.waiting) > 0:
			d := c.waiting[0]
			c.waiting = c.waiting[1:]
			return copy(p, d.payload), d.from, nil
		}
		c.changed.Wait()
	}
}

// WriteToUDPAddrPort sends a datagram. As with UDP, nobody learns whether it
// arrived.
func (c *PacketConn) WriteToUDPAddrPort(p []byte, to netip.AddrPort) (int, error) {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return 0, c.fail("write", net.ErrClosed)
	}
	if lose := c.network.Lose; lose != nil && lose(c.at, to, p) {
		return len(p), nil
	}
	d := datagram{from: c.at, payload: append([]byte(nil), p...)}
	if late := c.network.Latency; late > 0 {
		time.AfterFunc(late, func() { c.network.deliver(d, to) })
	} else {
		c.network.deliver(d, to)
	}
	return len(p), nil
}

// deliver hands a datagram to whoever is bound to its destination now.
func (n *Network) deliver(d datagram, to netip.AddrPort) {
	n.mu.Lock()
	c := n.sockets[to]
	n.mu.Unlock()
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == inbox {
		c.dropped++
		return
	}
	c.waiting = append(c.waiting, d)
	c.changed.Broadcast()
}

// ReadFrom is ReadFromUDPAddrPort for net.PacketConn.
func (c *PacketConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromUDPAddrPort(p)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteTo is WriteToUDPAddrPort for net.PacketConn; to must be a
// *net.UDPAddr.
func (c *PacketConn) WriteTo(p []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, c.fail("write", net.InvalidAddrError("not a UDP address"))
	}
	return c.WriteToUDPAddrPort(p, udp.AddrPort())
}

// Dropped counts the datagrams that found the socket full.
func (c *PacketConn) Dropped() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dropped
}

// Close frees the address and fails whoever is reading.
func (c *PacketConn) Close() error {
	c.network.mu.Lock()
	if c.network.sockets[c.at] == c {
		delete(c.network.sockets, c.at)
	}
	c.network.mu.Unlock()

	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed, c.waiting = true, nil
	c.changed.Broadcast()
	return nil
}

// LocalAddr is the address it is bound to.
func (c *PacketConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.at) }

// SetDeadline is SetReadDeadline: writing never waits.
func (c *PacketConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline sets when reading gives up; the zero time is never.
func (c *PacketConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readBy.set(t, &c.changed)
	return nil
}

// SetWriteDeadline does nothing: writing never waits.
func (c *PacketConn) SetWriteDeadline(time.Time) error { return nil }

func (c *PacketConn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: c.LocalAddr(), Err: err}
}
