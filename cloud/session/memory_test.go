package session_test

import (
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/internal/intern"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// idleBudget is how many bytes an idle session on UDP may take, all in, and
// pieceBudget those in one piece, for which 384 is a size of the allocator's. The
// promise is 1 KiB for everything that the servers keep of a device.
const (
	idleBudget  = 410
	pieceBudget = 384
)

// idle starts a session as a device does, and lets it ping for a while.
func idle(t failer, n int) *session.Session {
	w := newWorld(t)
	id := device.ID{1, byte(n >> 16), byte(n >> 8), byte(n)}
	w.seed = uint64(n)
	w.connect(true, true, true, id)
	w.d.addr = netip.AddrPortFrom(home.Addr(), uint16(n))
	w.do("device hello core", "device describes app", "device subscribes particle", "device subscribes spark",
		"device subscribes hook-response", "device subscribes mine", "tick 5s")
	for range 6 {
		w.pass(25 * time.Second)
		w.do("device pings")
	}
	if st := w.s.State(w.now); st.Word != device.Online {
		t.Fatalf("it is %v", st.Word)
	}
	return w.s
}

func TestIdleSessionIsSmall(t *testing.T) {
	const sessions = 1000
	all := make([]*session.Session, sessions)
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var texts intern.Table // as their lane has it
	idle(t, 0).Share(&texts)
	before := heap()
	for n := range all {
		all[n] = idle(t, n)
		all[n].Share(&texts)
	}
	each := int(heap()-before) / sessions
	t.Logf("%d bytes in one piece, %d bytes of heap for each idle session", unsafe.Sizeof(*all[0]), each)
	if n := unsafe.Sizeof(*all[0]); n > pieceBudget {
		t.Errorf("a session has %d bytes, at most %d are wanted", n, pieceBudget)
	}
	if each > idleBudget {
		t.Errorf("%d bytes for an idle session, at most %d are wanted", each, idleBudget)
	}
	runtime.KeepAlive(all)
}

// BenchmarkPing is what an idle device costs every 25 s.
func BenchmarkPing(b *testing.B) {
	w := established(b)
	var outs session.Outs
	var packets []session.In
	for range b.N {
		message := []byte{0x40, 0, 0, 0}
		id := w.d.id16(w.now)
		w.now = w.now.Add(25 * time.Second)
		message[2], message[3] = byte(id>>8), byte(id)
		packets = append(packets, packet(w, message))
	}
	b.ReportAllocs()
	b.ResetTimer()
	now := begin
	for i := range packets {
		now = now.Add(25 * time.Second)
		w.s.Step(now, &packets[i], &outs)
		outs.Reset()
	}
}

// BenchmarkCall is a function call, sent and answered.
func BenchmarkCall(b *testing.B) {
	w := established(b)
	var outs session.Outs
	now := w.now
	call := session.In{Kind: session.StartCall, Call: session.Call{ID: 1, Kind: session.Variable, Name: "vint"}}
	b.ReportAllocs()
	for range b.N {
		now = now.Add(10 * time.Millisecond)
		outs.Reset()
		w.s.Step(now, &call, &outs)
		if first := outs.List[0]; first.Kind == session.Persist { // message ids are to be stored now and then
			w.s.Step(now, &session.In{Kind: session.Persisted, Token: first.Token}, &session.Outs{})
		}
		_, plain, err := w.d.open(outs.List[len(outs.List)-1].Data)
		if err != nil {
			b.Fatal(err)
		}
		id := w.d.id16(now)
		in := packet(w, []byte{0x51, 0x45, byte(id >> 8), byte(id), plain[4], 0xff, 0, 0, 0, 42})
		outs.Reset()
		w.s.Step(now, &in, &outs)
		if len(outs.List) != 1 || outs.List[0].Reply.Value.Int != 42 {
			b.Fatalf("%+v", outs.List)
		}
	}
}

// packet is what a message of the device's is for the session.
func packet(w *world, message []byte) session.In {
	r, _, err := dtls.ParseRecord(w.d.seal(w.t, message))
	if err != nil {
		w.t.Fatal(err)
	}
	return session.In{Kind: session.Packet, Record: r, From: home, Local: here}
}
