package link

import (
	"net/netip"
	"slices"
	"time"
)

// Stream names a connection whose bytes arrive complete and in order.
type Stream uint64

// stream is one connection. A side that has closed sends no more; a cut path
// delays its bytes until it is mended.
type stream struct {
	ends [2]netip.AddrPort // who opened it, and whom
	last [2]time.Time      // arrival of the latest packet to each end
	held [2][]Packet       // what waits for a cut path to be mended
	over [2]bool           // the end has closed
}

// Dial opens a stream. The other side gets an Open, and may Write at once.
func (n *Network) Dial(now time.Time, from, to netip.AddrPort) Stream {
	n.last++
	id := n.last
	n.streams[id] = &stream{ends: [2]netip.AddrPort{from, to}}
	n.carry(now, id, from, Open, nil)
	return id
}

// Write sends bytes from one end of a stream. The network keeps a copy. On a
// stream that this end has closed, or that doesn't exist, nothing happens.
func (n *Network) Write(now time.Time, id Stream, from netip.AddrPort, data []byte) {
	n.carry(now, id, from, Bytes, slices.Clone(data))
}

// Close ends a stream: the other side gets a Close after all bytes.
func (n *Network) Close(now time.Time, id Stream, from netip.AddrPort) {
	n.carry(now, id, from, Close, nil)
	if s := n.streams[id]; s != nil {
		s.over[s.end(from)] = true
		if s.over[0] && s.over[1] {
			delete(n.streams, id)
		}
	}
}

// Vanish ends a stream without telling anybody, as a power cut does.
func (n *Network) Vanish(id Stream, from netip.AddrPort) {
	if s := n.streams[id]; s != nil {
		s.over[s.end(from)] = true
	}
}

// Mend sends on what streams held back because their path was cut. It is
// called after SetPath or SetUsual has mended a path.
func (n *Network) Mend(now time.Time) {
	for id := Stream(1); id <= n.last; id++ {
		s := n.streams[id]
		if s == nil {
			continue
		}
		for end := range s.held {
			held := s.held[end]
			s.held[end] = nil
			for _, p := range held {
				n.deliver(now, s, end, p)
			}
		}
	}
}

func (n *Network) carry(now time.Time, id Stream, from netip.AddrPort, kind Kind, data []byte) {
	s := n.streams[id]
	if s == nil || s.over[s.end(from)] {
		return
	}
	n.Stats.Sent++
	end := s.end(from)
	n.deliver(now, s, end, Packet{From: from, To: s.ends[1-end], Kind: kind, Stream: id, Data: data})
}

// deliver puts a packet of a stream on its way behind those before it.
func (n *Network) deliver(now time.Time, s *stream, end int, p Packet) {
	path := n.Path(p.From.Addr(), p.To.Addr())
	if path.Cut || len(s.held[end]) > 0 {
		n.Stats.Cut++
		s.held[end] = append(s.held[end], p)
		return
	}
	delay := path.delay(n.random)
	for happens(n.random, min(path.Loss, 0.9)) {
		n.Stats.Lost++
		delay += Retransmit
	}
	p.At = now.Add(delay)
	if p.At.Before(s.last[end]) {
		p.At = s.last[end]
	}
	s.last[end] = p.At
	n.push(p)
}

// end is 0 for the side that opened the stream and 1 for the other.
func (s *stream) end(from netip.AddrPort) int {
	if from == s.ends[0] {
		return 0
	}
	return 1
}
