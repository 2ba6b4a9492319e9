package gateway

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

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

// packed is an entry of the table in 66 bytes and without pointers: with a
// million devices everything else would be seen in the memory, and in the time
// of every collection.
type packed struct {
	conn, writer               number
	since, seen, proven, until instant
	ip                         [16]byte
	port                       uint16
	keepAlive                  uint16 // seconds
	word                       device.Word
	reason, transport          uint8 // among the words, from 1; 0: none
	lane                       uint8
	kind                       addressKind
}

// addressKind is how an address is held.
type addressKind uint8

const (
	noAddress addressKind = iota
	ipv4
	ipv6
	otherAddress // among the words
)

// number is a uint64 that may lie anywhere.
type number [8]byte

func (n *number) get() uint64  { return binary.LittleEndian.Uint64(n[:]) }
func (n *number) set(v uint64) { binary.LittleEndian.PutUint64(n[:], v) }

// instant is a time in Unix milliseconds; 0: the zero time.
type instant [6]byte

func (i *instant) set(t time.Time) {
	var b [8]byte
	if !t.IsZero() {
		binary.LittleEndian.PutUint64(b[:], uint64(t.UnixMilli()))
	}
	copy(i[:], b[:])
}

func (i *instant) get() time.Time {
	if *i == (instant{}) {
		return time.Time{}
	}
	var b [8]byte
	copy(b[:], i[:])
	return time.UnixMilli(int64(binary.LittleEndian.Uint64(b[:]))).UTC()
}

// words are the few texts that stand in states, and the addresses that are not
// just numbers.
type words struct {
	list  []string
	other map[device.ID]string
}

// number gives a text's place, from 1; there are never more than there are
// reasons and transports.
func (w *words) number(text string) uint8 {
	if text == "" {
		return 0
	}
	at := slices.Index(w.list, text)
	if at < 0 && len(w.list) < 255 {
		at = len(w.list)
		w.list = append(w.list, text)
	}
	return uint8(at + 1)
}

func (w *words) text(number uint8) string {
	if number == 0 {
		return ""
	}
	return w.list[number-1]
}

// pack puts a device's state into p. Times are kept to the millisecond.
func (w *words) pack(p *packed, id device.ID, st *device.State) {
	p.word, p.reason, p.transport = st.Word, w.number(string(st.Reason)), w.number(st.Transport)
	p.since.set(st.Since)
	p.seen.set(st.LastSeen)
	p.proven.set(st.ProvenAt)
	p.until.set(st.Until)
	p.keepAlive = uint16(min(st.KeepAlive/time.Second, 1<<16-1))
	w.packAddress(p, id, st.Address)
}

func (w *words) packAddress(p *packed, id device.ID, text string) {
	if p.kind == otherAddress {
		delete(w.other, id)
	}
	p.kind, p.ip, p.port = noAddress, [16]byte{}, 0
	if text == "" {
		return
	}
	a, err := netip.ParseAddrPort(text)
	switch {
	case err != nil || a.Addr().Zone() != "" || a.Addr().Is4In6():
		p.kind = otherAddress
		if w.other == nil {
			w.other = map[device.ID]string{}
		}
		w.other[id] = strings.Clone(text)
		return
	case a.Addr().Is4():
		p.kind = ipv4
	default:
		p.kind = ipv6
	}
	p.ip, p.port = a.Addr().As16(), a.Port()
}

func (w *words) unpack(p *packed, id device.ID) device.State {
	return device.State{
		Word: p.word, Since: p.since.get(), Reason: device.Reason(w.text(p.reason)), LastSeen: p.seen.get(), ProvenAt: p.proven.get(),
		KeepAlive: time.Duration(p.keepAlive) * time.Second, Transport: w.text(p.transport), Address: w.address(p, id), Until: p.until.get(),
	}
}

func (w *words) address(p *packed, id device.ID) string {
	switch p.kind {
	case noAddress:
		return ""
	case otherAddress:
		return w.other[id]
	}
	a := netip.AddrFrom16(p.ip)
	if p.kind == ipv4 {
		a = a.Unmap()
	}
	return netip.AddrPortFrom(a, p.port).String()
}
