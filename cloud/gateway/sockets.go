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
		w.to = append(w.to, outlet{addr: s.addr().Addr().Unmap(), writer: s.newWriter()})
	}
	return w
}

// sorter is the writer of a lane that answers on several sockets.
type sorter struct{ to []outlet }

type outlet struct {
	addr   netip.Addr
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

// pick finds the socket that listens on the address to send from, or on every
// address of its family; the first if there is none.
func (w *sorter) pick(s *lane.Send) int {
	from := s.Local
	if !from.IsValid() {
		from = s.To.Addr()
	}
	wildcard := -1
	for i, o := range w.to {
		switch {
		case o.addr == s.Local:
			return i
		case o.addr.IsUnspecified() && (o.addr.Is6() || from.Unmap().Is4()):
			wildcard = i
		case wildcard < 0 && o.addr.Is4() == from.Unmap().Is4():
			wildcard = i
		}
	}
	return max(wildcard, 0)
}
