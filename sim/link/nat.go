package link

import (
	"net/netip"
	"time"
)

// nat is a router that hides hosts behind its own address. It lets an answer
// in only through a mapping that a datagram from inside has made, and forgets
// a mapping that nobody inside used for a while.
type nat struct {
	hosts   map[netip.Addr]router      // inside host → the router in front of it
	out     map[netip.AddrPort]mapping // inside address → its present mapping
	in      map[netip.AddrPort]netip.AddrPort
	outside map[netip.Addr]bool
	port    uint16
}

type router struct {
	outside netip.Addr
	timeout time.Duration
}

type mapping struct {
	outside netip.AddrPort
	used    time.Time
}

// NAT puts a host behind a router with the given outside address, which
// forgets a mapping timeout after its last use from inside; 0: never.
// Streams pass as if there were none.
func (n *Network) NAT(host, outside netip.Addr, timeout time.Duration) {
	t := &n.nat
	if t.hosts == nil {
		t.hosts = make(map[netip.Addr]router)
		t.out = make(map[netip.AddrPort]mapping)
		t.in = make(map[netip.AddrPort]netip.AddrPort)
		t.outside = make(map[netip.Addr]bool)
		t.port = 20000
	}
	t.hosts[host] = router{outside, timeout}
	t.outside[outside] = true
}

// Rebind makes the router forget the mapping of an inside address: the next
// datagram from there leaves from another port, and what is sent to the old
// one goes nowhere.
func (n *Network) Rebind(inside netip.AddrPort) { n.nat.forget(inside) }

func (t *nat) forget(inside netip.AddrPort) {
	if m, ok := t.out[inside]; ok {
		delete(t.in, m.outside)
		delete(t.out, inside)
	}
}

// translate gives a datagram the source address that the other side sees. A
// datagram to an outside address that nobody holds is refused.
func (t *nat) translate(now time.Time, from, to netip.AddrPort) (_, _ netip.AddrPort, ok bool) {
	r, behind := t.hosts[from.Addr()]
	if !behind {
		_, ok := t.inward(now, from, to)
		return from, to, ok
	}
	m, known := t.out[from]
	if !known || t.expired(r, m, now) {
		t.forget(from)
		t.port++
		m.outside = netip.AddrPortFrom(r.outside, t.port)
		t.in[m.outside] = from
	}
	m.used = now
	t.out[from] = m
	return m.outside, to, true
}

// inward finds who is behind the address that a datagram is for.
func (t *nat) inward(now time.Time, _, to netip.AddrPort) (netip.AddrPort, bool) {
	if !t.outside[to.Addr()] {
		return to, true
	}
	inside, ok := t.in[to]
	if !ok || t.expired(t.hosts[inside.Addr()], t.out[inside], now) {
		return to, false
	}
	return inside, true
}

func (t *nat) expired(r router, m mapping, now time.Time) bool {
	return r.timeout > 0 && now.Sub(m.used) > r.timeout
}
