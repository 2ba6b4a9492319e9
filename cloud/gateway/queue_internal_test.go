package gateway

import (
	"net/netip"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/socket"
)

// knockFrom is a part of a handshake that makes no sense: the lane counts it.
func knockFrom(at string, knock bool) input {
	p := packets.Get().(*socket.Packet)
	return input{In: lane.In{Kind: lane.Datagram, Data: p.Data[:0], From: netip.MustParseAddrPort(at)}, buffer: p, knock: knock}
}

// TestKnocksWait lets those who are connected go before those who knock, a few
// of these in at a time, and nobody in who has waited too long.
func TestKnocksWait(t *testing.T) {
	g := &Gateway{makers: admit.NewMakers()}
	r := &runner{g: g, lane: lane.New(lane.Config{}), queue: newQueue()}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	served := 0
	for i := range 40 {
		in := knockFrom("192.0.2.7:1000", i%2 == 0) // every second one is part of a handshake
		if !r.waits(now, &in) {
			served++
			packets.Put(in.buffer)
		}
	}
	if want := 20 + admit.KnocksAtOnce; served != want || r.queue.Len() != 20-admit.KnocksAtOnce {
		t.Errorf("%d were served and %d wait, want %d served", served, r.queue.Len(), want)
	}
	for range 3 * admit.KnocksAtOnce {
		in := knockFrom("192.0.2.7:1000", true)
		r.waits(now, &in)
	}
	if in := knockFrom("192.0.2.7:1000", true); !r.waits(now, &in) {
		t.Error("one overtakes those who wait")
	}
	before := r.lane.Stats().Datagrams
	if more := r.letIn(now); !more || r.lane.Stats().Datagrams-before != admit.KnocksAtOnce {
		t.Errorf("%d are let in at once, more %v", r.lane.Stats().Datagrams-before, more)
	}
	before = r.lane.Stats().Datagrams
	for r.letIn(now.Add(admit.KnockPatience + time.Millisecond)) {
	}
	if n := r.lane.Stats().Datagrams - before; n != 0 || r.queue.Len() != 0 {
		t.Errorf("%d are let in who have asked again since, %d still wait", n, r.queue.Len())
	}
}

// TestBench gives handshakes that were begun before those that were not, turns
// to each product, and up who waited too long.
func TestBench(t *testing.T) {
	b := newBench()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for i := range 3 {
		b.put(now, 1, task{conn: uint64(i + 1), kind: lane.OpenBlob})
	}
	b.put(now, 2, task{conn: 10, kind: lane.OpenBlob})
	b.put(now, 1, task{conn: 20, kind: lane.MakeReply})
	at := now
	for i, want := range []uint64{20, 1, 10, 2, 3} {
		if i == 4 {
			at = now.Add(admit.BenchPatience + time.Second)
		}
		got, _, late, ok := b.take(func() time.Time { return at })
		if got.conn != want || late != (i == 4) || !ok {
			t.Errorf("take %d gives %d, late %v, %v; want %d", i, got.conn, late, ok, want)
		}
	}
	b.close()
	if _, _, _, ok := b.take(time.Now); ok {
		t.Error("a bench that is shut gives work")
	}
}
