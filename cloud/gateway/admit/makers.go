package admit

import (
	"net/netip"
	"sync"
)

// Makers remembers whose devices came from where, so that among those who
// knock the products take turns. Before its handshake nobody knows what a device
// is; from where it was last time is the best that there is to go by. It is safe for
// concurrent use.
type Makers struct {
	mu           sync.RWMutex
	seen, before map[netip.Addr]uint16 // product by address; guarded by mu
}

// maxSeen is how many addresses are remembered before those are forgotten
// that were seen longer ago.
const maxSeen = 1 << 16

// NewMakers makes one that remembers nothing.
func NewMakers() *Makers { return &Makers{seen: map[netip.Addr]uint16{}} }

// Note remembers that a device of the product was at the address.
func (m *Makers) Note(at netip.Addr, product uint16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.seen[at]; !ok && len(m.seen) >= maxSeen {
		m.before, m.seen = m.seen, map[netip.Addr]uint16{}
	}
	m.seen[at] = product
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
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, seen := range []map[netip.Addr]uint16{m.seen, m.before} {
		if product, ok := seen[at]; ok {
			return uint64(product) * 31
		}
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
