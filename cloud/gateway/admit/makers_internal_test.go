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
	for i := range 2*maxSeen + 10 {
		m.Note(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 7)
	}
	if len(m.seen)+len(m.before) > 2*maxSeen {
		t.Errorf("%d addresses are remembered", len(m.seen)+len(m.before))
	}
}
