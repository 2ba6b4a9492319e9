// Package memnet is a network in memory: listeners, streams and datagram
// sockets that behave as the kernel's do towards their users, without the
// kernel. Everything waits on condition variables and ordinary timers, so a
// test may run it inside a testing/synctest bubble, where hours of keep-alive
// pass in no time.
//
// The zero Network is ready. Addresses are free text to it: any address may
// be bound, port 0 picks a free one, and hosts are not checked against
// anything.
package memnet

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// ErrInUse tells that somebody listens on the address already.
var ErrInUse = errors.New("memnet: address in use")

// firstFreePort is where ports for those who ask for none begin.
const firstFreePort = 49152

// Network connects those who listen on it with those who dial into it.
type Network struct {
	// Latency is how long a datagram travels; 0 delivers at once. Streams
	// always deliver at once. Set it before use.
	Latency time.Duration
	// Lose decides whether a datagram is lost on its way; nil loses none.
	// Set it before use. It is called by the sender.
	Lose func(from, to netip.AddrPort, datagram []byte) bool

	mu        sync.Mutex
	listeners map[netip.AddrPort]*Listener   // guarded by mu
	sockets   map[netip.AddrPort]*PacketConn // guarded by mu
	taken     uint16                         // guarded by mu; ports given out so far
}

// freePort gives the next port nobody was given. The caller holds mu.
func (n *Network) freePort() uint16 {
	n.taken++
	return firstFreePort + n.taken%(^uint16(0)-firstFreePort)
}

// Listen waits for streams on an address.
func (n *Network) Listen(at netip.AddrPort) (*Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at.Port() == 0 {
		at = netip.AddrPortFrom(at.Addr(), n.freePort())
	}
	if n.listeners[at] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(at), Err: ErrInUse}
	}
	l := &Listener{network: n, at: at}
	l.changed.L = &l.mu
	if n.listeners == nil {
		n.listeners = make(map[netip.AddrPort]*Listener)
	}
	n.listeners[at] = l
	return l, nil
}

// Dial opens a stream from a host to a listening address. Nobody listening,
// or a full backlog, is ECONNREFUSED.
func (n *Network) Dial(from netip.Addr, to netip.AddrPort) (*Conn, error) {
	n.mu.Lock()
	l, source := n.listeners[to], netip.AddrPortFrom(from, n.freePort())
	n.mu.Unlock()
	near, far := pair(source, to)
	if l == nil || !l.offer(far) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: syscall.ECONNREFUSED}
	}
	return near, nil
}

// ListenPacket binds a datagram socket to an address.
func (n *Network) ListenPacket(at netip.AddrPort) (*PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at.Port() == 0 {
		at = netip.AddrPortFrom(at.Addr(), n.freePort())
	}
	if n.sockets[at] != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(at), Err: ErrInUse}
	}
	c := &PacketConn{network: n, at: at}
	c.changed.L = &c.mu
	if n.sockets == nil {
		n.sockets = make(map[netip.AddrPort]*PacketConn)
	}
	n.sockets[at] = c
	return c, nil
}

// alarm is a deadline. Its lock is the one of whoever waits for it.
type alarm struct {
	timer  *time.Timer
	passed bool
}

// set moves the deadline and wakes those who wait, now if it has passed and
// later when it does. The caller holds changed.L.
func (a *alarm) set(at time.Time, changed *sync.Cond) {
	if a.timer != nil {
		a.timer.Stop()
	}
	a.timer, a.passed = nil, false
	changed.Broadcast()
	if at.IsZero() {
		return
	}
	left := time.Until(at)
	if left <= 0 {
		a.passed = true
		return
	}
	var t *time.Timer
	t = time.AfterFunc(left, func() {
		changed.L.Lock()
		defer changed.L.Unlock()
		if a.timer == t { // else it was moved while this was on its way
			a.passed = true
			changed.Broadcast()
		}
	})
	a.timer = t
}
