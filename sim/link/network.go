package link

import (
	"container/heap"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// Kind is what a packet is.
type Kind uint8

// The kinds of packets. The others than Datagram belong to a stream.
const (
	Datagram Kind = iota
	Open          // somebody wants a stream
	Bytes         // some bytes of it
	Close         // there are no more
)

// Packet is something that arrives.
type Packet struct {
	At       time.Time
	From, To netip.AddrPort
	Kind     Kind
	Stream   Stream // of the kinds that have one
	Data     []byte
}

// Stats counts what became of packets.
type Stats struct {
	Sent, Delivered             int
	Lost, Duplicated, Reordered int
	TooLong, Cut, NoMapping     int
}

// Network carries packets between addresses. It is not safe for use by
// several goroutines.
type Network struct {
	Stats Stats

	random *rand.Rand
	usual  Path
	paths  map[pair]Path
	nat    nat

	queue   queue
	order   uint64 // counts packets, so that those of one time keep their order
	streams map[Stream]*stream
	last    Stream
}

type pair struct{ from, to netip.Addr }

// New returns a network whose paths are all as given, and whose chance comes
// from seed.
func New(seed uint64, usual Path) *Network {
	return &Network{
		random:  rand.New(rand.NewPCG(seed, 0x6c696e6b)),
		usual:   usual,
		paths:   make(map[pair]Path),
		streams: make(map[Stream]*stream),
	}
}

// SetPath changes the path from one host to another, in that direction only,
// for what is sent from now on. Behind a NAT, from and to are the addresses
// that the server sees.
func (n *Network) SetPath(from, to netip.Addr, p Path) { n.paths[pair{from, to}] = p }

// SetUsual changes every path that SetPath was not called for.
func (n *Network) SetUsual(p Path) { n.usual = p }

// Path returns the present path between two hosts.
func (n *Network) Path(from, to netip.Addr) Path {
	if p, ok := n.paths[pair{from, to}]; ok {
		return p
	}
	return n.usual
}

// Send sends a datagram, of which the network keeps a copy.
func (n *Network) Send(now time.Time, from, to netip.AddrPort, data []byte) {
	n.Stats.Sent++
	from, to, ok := n.nat.translate(now, from, to)
	if !ok {
		n.Stats.NoMapping++
		return
	}
	p := n.Path(from.Addr(), to.Addr())
	delay, lost := p.delay(n.random), happens(n.random, p.Loss)
	twice, late := happens(n.random, p.Duplicate), happens(n.random, p.Reorder)
	switch {
	case p.Cut:
		n.Stats.Cut++
		return
	case p.MTU > 0 && len(data) > p.MTU:
		n.Stats.TooLong++
		return
	case lost:
		n.Stats.Lost++
		return
	}
	if late {
		n.Stats.Reordered++
		delay += HoldBack
	}
	packet := Packet{At: now.Add(delay), From: from, To: to, Data: slices.Clone(data)}
	n.push(packet)
	if twice {
		n.Stats.Duplicated++
		packet.At = packet.At.Add(p.delay(n.random))
		n.push(packet)
	}
}

// Deadline returns when the next packet arrives; zero when none is under way.
func (n *Network) Deadline() time.Time {
	if len(n.queue) == 0 {
		return time.Time{}
	}
	return n.queue[0].At
}

// Arrived returns the packets that have arrived by now, in the order in which
// they did. To is the address that the receiver has itself.
func (n *Network) Arrived(now time.Time) []Packet {
	var arrived []Packet
	for len(n.queue) > 0 && !n.queue[0].At.After(now) {
		p := heap.Pop(&n.queue).(entry).Packet
		if p.Kind == Datagram {
			to, ok := n.nat.inward(p.At, p.From, p.To)
			if !ok {
				n.Stats.NoMapping++
				continue
			}
			p.To = to
		}
		n.Stats.Delivered++
		arrived = append(arrived, p)
	}
	return arrived
}

func (n *Network) push(p Packet) {
	n.order++
	heap.Push(&n.queue, entry{p, n.order})
}

// queue is a heap of packets by time of arrival, then by order of sending.
type queue []entry

type entry struct {
	Packet
	order uint64
}

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q queue) Less(i, j int) bool {
	if !q[i].At.Equal(q[j].At) {
		return q[i].At.Before(q[j].At)
	}
	return q[i].order < q[j].order
}

func (q *queue) Push(x any) { *q = append(*q, x.(entry)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
