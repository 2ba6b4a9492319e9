package socket

import (
	"net/netip"

	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
)

// noWriter is for a gateway without UDP.
type noWriter struct{}

func (noWriter) Write(sends []lane.Send) int { return len(sends) }

// WriterOf makes a writer for a lane: to the one socket, or to that of several
// whose address a datagram is to leave from.
func WriterOf(sockets []Socket) Writer {
	switch len(sockets) {
	case 0:
		return noWriter{}
	case 1:
		return sockets[0].NewWriter()
	}
	w := &sorter{}
	for _, s := range sockets {
		o := newOutlet(s)
		o.writer = s.NewWriter()
		w.to = append(w.to, o)
	}
	return w
}

func newOutlet(s Socket) outlet {
	addr, dual := s.Addr()
	return outlet{addr: addr.Addr(), port: addr.Port(), dual: dual}
}

// sorter is the writer of a lane that answers on several sockets.
type sorter struct{ to []outlet }

type outlet struct {
	addr   netip.Addr // what the socket listens on
	port   uint16
	dual   bool // it speaks IPv4 besides IPv6
	writer Writer
	sends  []lane.Send
}

func (w *sorter) Write(sends []lane.Send) (lost int) {
	for _, s := range sends {
		o := &w.to[w.pick(&s)]
		o.sends = append(o.sends, s)
	}
	for i := range w.to {
		o := &w.to[i]
		lost += o.writer.Write(o.sends)
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

// Overlapping tells whether a datagram to one address could come in at either
// of two sockets with different ports: its answer would not know where to leave.
func Overlapping(a, b Socket) bool {
	p, q := newOutlet(a), newOutlet(b)
	return p.port != q.port && (p.addr == q.addr || p.addr.IsUnspecified() && p.rank(q.addr) > 1 || q.addr.IsUnspecified() && q.rank(p.addr) > 1)
}
