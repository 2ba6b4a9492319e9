package roster

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// packed is an entry of the table in 68 bytes and without pointers: with a
// million devices everything else would be seen in the memory, and in the time
// of every collection.
type packed struct {
	conn, writer               number
	since, seen, proven, until instant
	ip                         [16]byte
	port                       uint16
	keepAlive                  uint16 // seconds
	class                      uint16 // among the shard's classes
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
