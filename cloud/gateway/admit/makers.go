package admit

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
)

// Makers remembers whose devices came from where, so that among those who
// knock the products take turns. Before its handshake nobody knows what a device
// is; from where it was last time is the best that there is to go by. It is safe for
// concurrent use.
type Makers struct {
	seed maphash.Seed
	// By the hash of an address: 48 bits of it, and 16 of the product. Who is noted
	// takes the place of who was there. Half a MiB, of which the system gives what is used.
	seen []atomic.Uint64
}

// places is how many addresses are remembered, at most.
const places = 1 << 16

// NewMakers makes one that remembers nothing.
func NewMakers() *Makers {
	return &Makers{seed: maphash.MakeSeed(), seen: make([]atomic.Uint64, places)}
}

// place gives where an address stands, and what stands there of it. A tag is
// never 0: that is a free place's.
func (m *Makers) place(at netip.Addr) (place *atomic.Uint64, tag uint64) {
	b := at.As16()
	hash := maphash.Bytes(m.seed, b[:])
	return &m.seen[hash%places], hash>>16 | 1
}

// Note remembers that a device of the product was at the address.
func (m *Makers) Note(at netip.Addr, product uint16) {
	place, tag := m.place(at)
	place.Store(tag<<16 | uint64(product))
}

// Heard remembers the same of a device that was noted as text, as lanes do.
func (m *Makers) Heard(address string, product uint16) {
	if at, err := netip.ParseAddr(address); err == nil {
		m.Note(at.Unmap(), product)
	}
}

// Class tells with whom one from the address takes turns: those of the same
// product, or, where that is not known, of the same network (/16 of IPv4, /32 of
// IPv6).
func (m *Makers) Class(at netip.Addr) uint64 {
	at = at.Unmap()
	place, tag := m.place(at)
	if seen := place.Load(); seen>>16 == tag {
		return uint64(uint16(seen)) * 31
	}
	if !at.IsValid() {
		return 0
	}
	b := at.AsSlice()[:2]
	if at.Is6() {
		b = at.AsSlice()[:4]
	}
	class := uint64(1)
	for _, x := range b {
		class = class*131 + uint64(x)
	}
	return class
}
