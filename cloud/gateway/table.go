package gateway

import (
	"sync"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// table says which connection has which device, and what state the devices
// are in. It is the one source for what is connected. Lanes write to it when
// something changes, never for a packet; everybody may read.
type table [64]shard

type shard struct {
	mu      sync.RWMutex
	entries map[device.ID]entry // guarded by mu
}

type entry struct {
	lane int
	conn uint64 // 0: nobody has the device
	// writer is the newest connection whose session was offered to the store;
	// 0: the stored one is that of an earlier process.
	writer uint64
	state  device.State
}

func newTable() *table {
	t := new(table)
	for i := range t {
		t[i].entries = map[device.ID]entry{}
	}
	return t
}

func (t *table) shard(id device.ID) *shard { return &t[(id[11]^id[5])%uint8(len(t))] }

// take makes conn of the lane the device's holder and gives who held it
// before.
func (t *table) take(id device.ID, lane int, conn uint64) (before entry) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.entries[id]
	e := before
	e.lane, e.conn = lane, conn
	s.entries[id] = e
	return before
}

// drop ends conn's part in the device, and tells whether it was the holder.
func (t *table) drop(id device.ID, conn uint64) bool {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[id]
	if !ok {
		return false
	}
	held := e.conn == conn
	if held {
		e.conn = 0
	}
	if e.writer == conn {
		e.writer = 0
	}
	s.entries[id] = e
	return held
}

// begin makes conn, whose handshake is done, the one that may store the
// device's session. From then on the session before has nothing to store any
// more: it would put its old keys over the new ones.
func (t *table) begin(id device.ID, conn uint64) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[id]
	e.writer = conn
	s.entries[id] = e
}

// mayStore tells whether conn's session is the newest of the device.
func (t *table) mayStore(id device.ID, conn uint64) bool {
	s := t.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.entries[id]
	return e.writer == 0 || e.writer == conn
}

// show sets the device's state, unless another connection holds it.
func (t *table) show(id device.ID, conn uint64, st device.State) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[id]
	if e.conn != 0 && e.conn != conn {
		return
	}
	e.state = st
	s.entries[id] = e
}

// holder gives the device's entry; ok tells whether anything is known of it.
func (t *table) holder(id device.ID) (e entry, ok bool) {
	s := t.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, ok = s.entries[id]
	return e, ok
}

// count gives how many devices are connected, and how many are in limbo.
func (t *table) count() (connected, limbo int) {
	for i := range t {
		s := &t[i]
		s.mu.RLock()
		for _, e := range s.entries {
			if e.conn != 0 && e.state.Connected() {
				connected++
				if e.state.Word == device.Limbo {
					limbo++
				}
			}
		}
		s.mu.RUnlock()
	}
	return connected, limbo
}
