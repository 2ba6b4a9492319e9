package roster

import (
	"net/netip"
	"sync"
)

// Index tells which lane has the session of a device without a
// connection id, by its address. It changes when such a session begins, moves
// or ends; every datagram of such a device is looked up in it.
type Index struct {
	mu    *sync.RWMutex
	lanes map[netip.AddrPort]int // guarded by mu
}

// NewIndex makes one that is empty.
func NewIndex() Index {
	return Index{mu: new(sync.RWMutex), lanes: map[netip.AddrPort]int{}}
}

// Get gives the lane of an address.
func (x *Index) Get(a netip.AddrPort) (lane int, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	lane, ok = x.lanes[a]
	return lane, ok
}

// Set makes the address the lane's.
func (x *Index) Set(a netip.AddrPort, lane int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.lanes[a] = lane
}

// Unset forgets the address, if it is the lane's still.
func (x *Index) Unset(a netip.AddrPort, lane int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.lanes[a] == lane {
		delete(x.lanes, a)
	}
}
