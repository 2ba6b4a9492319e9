package roster

import (
	"sync"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/internal/dense"
)

// Table says which connection has which device, and what state the devices
// are in. It is the one source for what is connected. Lanes write to it when
// something changes, never for a packet; everybody may read.
type Table [64]shard

type shard struct {
	mu      sync.RWMutex
	entries *dense.Map[device.ID, packed] // guarded by mu, as the next
	words   words
	classes classes
}

// Entry is what the table has of a device; it is held packed.
type Entry struct {
	Lane int
	Conn uint64 // 0: nobody has the device
	// Writer is the newest connection whose session was offered to the store;
	// 0: the stored one is that of an earlier process.
	Writer uint64
	State  device.State
}

// New makes a table in which there is nobody.
func New() *Table {
	t := new(Table)
	for i := range t {
		t[i].entries, t[i].classes = dense.NewMap[device.ID, packed](), newClasses()
	}
	return t
}

func (t *Table) shard(id device.ID) *shard { return &t[(id[11]^id[5])%uint8(len(t))] }

// Take makes conn of the lane the device's holder and gives who held it
// before.
func (t *Table) Take(id device.ID, lane int, conn uint64) (before Entry) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.entries.Put(id)
	before = Entry{Lane: int(p.lane), Conn: p.conn.get()}
	p.lane = uint8(lane)
	s.classes.count(p, -1)
	p.conn.set(conn)
	s.classes.count(p, 1)
	return before
}

// Drop ends conn's part in the device, and tells whether it was the holder.
func (t *Table) Drop(id device.ID, conn uint64) bool {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.entries.At(id)
	if p == nil {
		return false
	}
	held := p.conn.get() == conn
	if held {
		s.classes.count(p, -1)
		s.classes.leave(p)
		p.conn.set(0)
	}
	if p.writer.get() == conn {
		p.writer.set(0)
	}
	return held
}

// Begin makes conn, whose handshake is done, the one that may store the
// device's session. From then on the session before has nothing to store any
// more: it would put its old keys over the new ones.
func (t *Table) Begin(id device.ID, conn uint64) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries.Put(id).writer.set(conn)
}

// Offer tells whether conn may store a record of the device. Whoever begins,
// because its handshake has just been done, may; an older session may not any
// more.
func (t *Table) Offer(id device.ID, conn uint64, begins bool) bool {
	if begins {
		t.Begin(id, conn)
		return true
	}
	return t.MayStore(id, conn)
}

// MayStore tells whether conn's session is the newest of the device.
func (t *Table) MayStore(id device.ID, conn uint64) bool {
	s := t.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.entries.At(id)
	return p == nil || p.writer.get() == 0 || p.writer.get() == conn
}

// Show sets the device's state, unless another connection holds it, and tells
// whether conn does.
func (t *Table) Show(id device.ID, conn uint64, st *device.State) (held bool) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.entries.Put(id)
	holder := p.conn.get()
	if holder == 0 || holder == conn {
		s.classes.count(p, -1)
		s.words.pack(p, id, st)
		s.classes.count(p, 1)
	}
	return holder == conn
}

// Holder gives the device's entry; ok tells whether anything is known of it.
func (t *Table) Holder(id device.ID) (e Entry, ok bool) {
	s := t.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.entries.At(id)
	if p == nil {
		return Entry{}, false
	}
	return Entry{Lane: int(p.lane), Conn: p.conn.get(), Writer: p.writer.get(), State: s.words.unpack(p, id)}, true
}

// Where gives who has the device; conn 0: nobody.
func (t *Table) Where(id device.ID) (lane int, conn uint64) {
	s := t.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := s.entries.At(id); p != nil {
		return int(p.lane), p.conn.get()
	}
	return 0, 0
}

// Away gives what is known of devices that nobody holds.
func (t *Table) Away() map[device.ID]device.State {
	out := map[device.ID]device.State{}
	for i := range t {
		s := &t[i]
		s.mu.RLock()
		for id, p := range s.entries.All() {
			if p.conn.get() == 0 {
				out[id] = s.words.unpack(p, id)
			}
		}
		s.mu.RUnlock()
	}
	return out
}

// Unheard lists the devices of whom somebody has a session and that nobody has
// heard since a crash.
func (t *Table) Unheard() (list []device.ID) {
	for i := range t {
		s := &t[i]
		s.mu.RLock()
		for id, p := range s.entries.All() {
			if p.conn.get() != 0 && p.word == device.Unknown {
				list = append(list, id)
			}
		}
		s.mu.RUnlock()
	}
	return list
}
