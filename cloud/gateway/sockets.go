package gateway

import (
	"net/netip"
	"sync"

	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
)

// addressIndex tells which lane has the session of a device without a
// connection id, by its address. It changes when such a session begins, moves
// or ends; every datagram of such a device is looked up in it.
type addressIndex struct {
	mu    *sync.RWMutex
	lanes map[netip.AddrPort]int // guarded by mu
}

func newAddressIndex() addressIndex {
	return addressIndex{mu: new(sync.RWMutex), lanes: map[netip.AddrPort]int{}}
}

func (x *addressIndex) get(a netip.AddrPort) (lane int, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	lane, ok = x.lanes[a]
	return lane, ok
}

func (x *addressIndex) set(a netip.AddrPort, lane int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.lanes[a] = lane
}

func (x *addressIndex) unset(a netip.AddrPort, lane int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.lanes[a] == lane {
		delete(x.lanes, a)
	}
}

// noWriter is for a gateway without UDP.
type noWriter struct{}

func (noWriter) write(sends []lane.Send) int { return len(sends) }

// newWriter makes a writer for a lane: to the one socket, or to that of
// several whose address a datagram is to leave from.
func (g *Gateway) newWriter() writer {
	if len(g.sockets) == 1 {
		return g.sockets[0].newWriter()
	}
	w := &sorter{}
	for _, s := range g.sockets {
		o := newOutlet(s)
		o.writer = s.newWriter()
		w.to = append(w.to, o)
	}
	return w
}

func newOutlet(s socket) outlet {
	addr, dual := s.addr()
	return outlet{addr: addr.Addr(), port: addr.Port(), dual: dual}
}

// sorter is the writer of a lane that answers on several sockets.
type sorter struct{ to []outlet }

type outlet struct {
	addr   netip.Addr // what the socket listens on
	port   uint16
	dual   bool // it speaks IPv4 besides IPv6
	writer writer
	sends  []lane.Send
}

func (w *sorter) write(sends []lane.Send) (lost int) {
	for _, s := range sends {
		o := &w.to[w.pick(&s)]
		o.sends = append(o.sends, s)
	}
	for i := range w.to {
		o := &w.to[i]
		lost += o.writer.write(o.sends)
		clear(o.sends)
		o.sends = o.sends[:0]
	}
	return lost
}

// pick finds the socket that listens on the address to send from, or else one
// that listens on every address of its family, or else one that can reach the
// device at all.
func (w *sorter) pick(s *lane.Send) int {
	from := s.Local
	if !from.IsValid() {
		from = s.To.Addr()
	}
	best, rank := 0, 0
	for i := range w.to {
		if r := w.to[i].rank(from.Unmap()); r > rank {
			best, rank = i, r
		}
	}
	return best
}

// rank tells how well the outlet serves to send from an address; 0: not at all.
func (o *outlet) rank(from netip.Addr) int {
	switch {
	case o.addr == from:
		return 4
	case o.addr.Is4() == from.Is4() && o.addr.IsUnspecified():
		return 3
	case o.dual && from.Is4():
		return 2
	case o.addr.Is4() == from.Is4():
		return 1
	}
	return 0
}

// overlapping tells whether a datagram to one address could come in at either
// of two sockets with different ports: its answer would not know where to leave.
func overlapping(a, b socket) bool {
	p, q := newOutlet(a), newOutlet(b)
	return p.port != q.port && (p.addr == q.addr || p.addr.IsUnspecified() && p.rank(q.addr) > 1 || q.addr.IsUnspecified() && q.rank(p.addr) > 1)
}
