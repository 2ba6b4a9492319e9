package gateway

import (
	"net/netip"
	"sync"
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
