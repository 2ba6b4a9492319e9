package admit

import (
	"net/netip"
	"testing"
)

// TestMakers tells products apart by where their devices were last.
func TestMakers(t *testing.T) {
	m := NewMakers()
	a, b := netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.51.100.2")
	if m.Class(a) != m.Class(b) {
		t.Error("two strangers of one network do not share a turn")
	}
	m.Note(a, 12)
	if m.Class(a) == m.Class(b) {
		t.Error("a known product shares its turn with strangers")
	}
	m.Heard(b.String(), 12)
	if m.Class(a) != m.Class(b) {
		t.Error("two of one product do not share a turn")
	}
}

// TestMakersForget: however many knock, the last are remembered, nobody is taken
// for somebody else, and it takes no more memory.
func TestMakersForget(t *testing.T) {
	m := NewMakers()
	at := func(net byte, i int) netip.Addr { return netip.AddrFrom4([4]byte{net, 0, byte(i >> 8), byte(i)}) }
	stranger := m.Class(at(11, 0))
	for i := range 2 * places {
		last := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if m.Note(last, 7); m.Class(last) != 7*31 {
			t.Fatalf("%v is not remembered", last)
		}
	}
	for i := range 1 << 16 {
		if m.Class(at(11, i)) != stranger {
			t.Fatalf("%v, whom nobody noted, is of a product", at(11, i))
		}
	}
	if n := testing.AllocsPerRun(100, func() { m.Note(at(12, 1), 3) }); n != 0 || len(m.seen) != places {
		t.Errorf("%v allocations, %d places", n, len(m.seen))
	}
}
