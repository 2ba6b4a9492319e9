package roster_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// TestTakeUp believes in every bit of a session only if a planned stop has
// stored it a short while ago, and gives it to the lane that datagrams find.
func TestTakeUp(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	keys := dtls.Session{ReadEpoch: 1, WriteEpoch: 1, CID: dtls.CID{Kind: dtls.DraftCID, Bytes: [8]byte{6}}}
	last := session.New(session.Config{Device: device.ID{11: 1}, DTLS: &keys, Now: now}).LastRecord()
	for name, c := range map[string]struct {
		change func(*store.SessionRow)
		at     int
		exact  bool
	}{
		"a planned stop":                     {func(*store.SessionRow) {}, 2, true},
		"that was long ago":                  {func(r *store.SessionRow) { r.Updated = now.Add(-time.Hour) }, 2, false},
		"another process had it since":       {func(r *store.SessionRow) { r.Stored++ }, 2, false},
		"no record of a planned stop":        {func(r *store.SessionRow) { r.Blob = nil }, 2, false},
		"without a connection id, by device": {func(r *store.SessionRow) { r.CID = [8]byte{} }, 1, true},
	} {
		row := roster.RowOf(&last, now.Add(-time.Second))
		row.Stored, row.Generation = last.Generation, last.Generation+1
		c.change(&row)
		at, in := roster.TakeUp(&row, 4, 7, now)
		if how := in.Row.How; at != c.at || how.Exact != c.exact || how.Generation != last.Generation+1 || how.Seed != 7 {
			t.Errorf("%s: lane %d, %+v; want lane %d, exact %v", name, at, how, c.at, c.exact)
		}
	}
}

// TestOffer lets the newest session of a device be stored and no other, until
// it has ended.
func TestOffer(t *testing.T) {
	tab, id := roster.New(), device.ID{1}
	offers := []struct {
		conn   uint64
		begins bool
		want   bool
	}{{1, false, true}, {1, true, true}, {1, false, true}, {2, true, true}, {1, false, false}, {2, false, true}}
	for i, o := range offers {
		if got := tab.Offer(id, o.conn, o.begins); got != o.want {
			t.Errorf("offer %d, of connection %d: %v, want %v", i, o.conn, got, o.want)
		}
	}
	tab.Drop(id, 2)
	if !tab.Offer(id, 1, false) {
		t.Error("after the newer session's end the older may not be stored")
	}
}

// TestGuide sends datagrams where their sessions are, and handshakes where
// their address hashes to.
func TestGuide(t *testing.T) {
	from := netip.MustParseAddrPort("192.0.2.7:1000")
	g := roster.Guide{Lanes: 4, Table: roster.New(), Index: roster.NewIndex(), Hash: func(netip.AddrPort) uint64 { return 5 }}
	record := func(kind byte, epoch byte, body ...byte) []byte {
		return append([]byte{kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0}, body...)
	}
	id := device.ID{1, 2, 3}
	named := append(record(254, 1, 0, 20), make([]byte, 20)...)
	named = append(append(named, id[:]...), byte(len(id)))
	withCID := record(25, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 16)
	withCID = append(withCID, make([]byte, 16)...)
	plain := append(record(23, 1, 0, 20), make([]byte, 20)...)
	check := func(name string, data []byte, want int, knocks bool) {
		t.Helper()
		if at, knock := g.Route(data, from); at != want || knock != knocks {
			t.Errorf("%s goes to lane %d, knocks %v; want %d, %v", name, at, knock, want, knocks)
		}
	}
	hello := append(record(22, 0, 0, 4), make([]byte, 4)...)
	check("a hello", hello, 1, true)
	check("what is no record", []byte("GET / HTTP/1.1"), 1, false)
	check("a record with a connection id", withCID, 3, false)
	check("one from an address that nobody knows", plain, 1, false)
	check("one with a device's id that nobody has", named, 1, false)
	g.Index.Set(from, 2)
	g.Table.Take(id, 3, 9)
	check("one from a known address", plain, 2, false)
	check("one with a device's id", named, 3, false)
	check("a hello from a known address", hello, 1, true)
}
