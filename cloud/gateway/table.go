package gateway

import (
	"sync"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/internal/dense"
)

// table says which connection has which device, and what state the devices
// are in. It is the one source for what is connected. Lanes write to it when
// something changes, never for a packet; everybody may read.
type table [64]shard

type shard struct {
	mu      sync.RWMutex
	entries *dense.Map[device.ID, packed] // guarded by mu, as the next
	words   words
}

// entry is what the table has of a device; it is held packed.
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
		t[i].entries = dense.NewMap[device.ID, packed]()
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
	p := s.entries.Put(id)
	before = entry{lane: int(p.lane), conn: p.conn.get()}
	p.lane = uint8(lane)
	p.conn.set(conn)
	return before
}

// drop ends conn's part in the device, and tells whether it was the holder.
func (t *table) drop(id device.ID, conn uint64) bool {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.entries.At(id)
	if p == nil {
		return false
	}
	held := p.conn.get() == conn
	if held {
		p.conn.set(0)
	}
	if p.writer.get() == conn {
		p.writer.set(0)
	}
	return held
}

// begin makes conn, whose handshake is done, the one that may store the
// device's session. From then on the session before has nothing to store any
// more: it would put its old keys over the new ones.
func (t *table) begin(id device.ID, conn uint64) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries.Put(id).writer.set(conn)
}

// mayStore tells whether conn's session is the newest of the device.
func (t *table) mayStore(id device.ID, conn uint64) bool {
	s := t.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.entries.At(id)
	return p == nil || p.writer.get() == 0 || p.writer.get() == conn
}

// show sets the device's state, unless another connection holds it, and tells
// whether conn does.
func (t *table) show(id device.ID, conn uint64, st *device.State) (held bool) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.entries.Put(id)
	holder := p.conn.get()
	if holder == 0 || holder == conn {
		s.words.pack(p, id, st)
	}
	return holder == conn
}

// holder gives the device's entry; ok tells whether anything is known of it.
func (t *table) holder(id device.ID) (e entry, ok bool) {
	s := t.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.entries.At(id)
	if p == nil {
		return entry{}, false
	}
	return entry{lane: int(p.lane), conn: p.conn.get(), writer: p.writer.get(), state: s.words.unpack(p, id)}, true
}

// where gives who has the device; conn 0: nobody.
func (t *table) where(id device.ID) (lane int, conn uint64) {
	s := t.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := s.entries.At(id); p != nil {
		return int(p.lane), p.conn.get()
	}
	return 0, 0
}

// count gives how many devices are connected, and how many are in limbo.
func (t *table) count() (connected, limbo int) {
	for i := range t {
		s := &t[i]
		s.mu.RLock()
		for _, p := range s.entries.All() {
			if p.conn.get() != 0 && (device.State{Word: p.word}).Connected() {
				connected++
				if p.word == device.Limbo {
					limbo++
				}
			}
		}
		s.mu.RUnlock()
	}
	return connected, limbo
}
