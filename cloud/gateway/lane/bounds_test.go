package lane_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/sim"
)

// hello is the first datagram of a device, whoever sends it.
func (w *world) hello(s *subject) []byte {
	w.t.Helper()
	now := w.now
	var in sim.Input = sim.PowerOn{}
	for range 20 {
		for _, out := range s.Step(now, in) {
			switch out := out.(type) {
			case sim.Send:
				return out.Data
			case sim.Open:
				in = sim.Opened{}
			}
		}
		if _, opened := in.(sim.Opened); !opened {
			in, now = sim.Tick{}, s.Deadline()
		}
	}
	w.t.Fatal("the device says nothing")
	return nil
}

// stranger is an address of which nobody has heard before.
func stranger(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, byte(n >> 8), byte(n)}), uint16(1024+n>>16))
}

// TestHelloFlood sends hellos from addresses that do not exist: each is
// answered with less than it brought, and nothing is kept of any.
func TestHelloFlood(t *testing.T) {
	w := newWorld(t).with(func(cfg *lane.Config) { cfg.HelloRate = -1 })
	hello := w.hello(w.device("oven", sim.Config{}, false))
	step := func(n int) {
		in := lane.In{Kind: lane.Datagram, Data: hello, From: stranger(n), Local: doorstep}
		w.lane.Step(w.now, &in, &w.outs)
		if len(w.outs.List) != 0 || len(w.outs.Datagrams) != 1 || len(w.outs.Datagrams[0].Data) > len(hello) {
			t.Fatalf("hello %d led to %d outs and %d datagrams", n, len(w.outs.List), len(w.outs.Datagrams))
		}
		w.outs.Reset()
	}
	step(0)
	const floods = 100_000
	before := heap()
	for n := range floods {
		step(n)
	}
	if grown := heap() - before; grown > 64<<10 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	want := lane.Stats{Datagrams: floods + 1, Cookies: floods + 1}
	if got := w.lane.Stats(); got != want {
		t.Errorf("after the flood %+v, want %+v", got, want)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestHalfOpenCap fills the places for handshakes with devices whose answer
// from the store does not come: more are not begun, and every place comes back.
func TestHalfOpenCap(t *testing.T) {
	w := newWorld(t).with(func(cfg *lane.Config) { cfg.HalfOpen = 2 })
	w.slow = 50 * time.Second
	for i := range 3 {
		w.feel(w.device(fmt.Sprint("oven", i), sim.Config{}, false), sim.PowerOn{})
	}
	w.run(5 * time.Second)
	if s := w.lane.Stats(); s.HalfOpen != 2 || s.Conns != 2 || s.HalfOpenFull == 0 || w.drops[lane.DropHalfOpen] != int(s.HalfOpenFull) {
		t.Errorf("with three handshakes: %+v, dropped %v", s, w.drops)
	}
	for _, s := range w.devices {
		s.gone = true
	}
	w.run(100 * time.Second)
	if s := w.lane.Stats(); s.HalfOpen != 0 || s.Conns != 0 {
		t.Errorf("when all are gone: %+v", s)
	}
	for _, try := range w.tries {
		if try.Outcome != device.Failed || try.Reason != device.KeyStoreUnavailable {
			t.Errorf("attempt %s, reason %q, want it laid at our store (%s)", try.Outcome, try.Reason, try.Detail)
		}
	}
	w.slow = 0
	w.reboot(w.devices[0], false)
	w.run(10 * time.Second)
	if w.devices[0].Phase() != sim.Connected {
		t.Errorf("then a device is %v", w.devices[0].Phase())
	}
}

// TestBeginsAgain is a device that begins anew from the same address while the
// store still works on its last try, over and over: each try is recorded, and
// there is never more than one.
func TestBeginsAgain(t *testing.T) {
	w := newWorld(t)
	oven := w.device("oven", sim.Config{}, false)
	oven.stays, w.slowSave = true, 30*time.Second
	w.feel(oven, sim.PowerOn{})
	for range 10 {
		w.run(3 * time.Second)
		w.reboot(oven, false)
		if s := w.lane.Stats(); s.Conns > 1 || s.HalfOpen > 1 {
			t.Fatalf("%+v, want one connection at most", s)
		}
	}
	w.slowSave = 0
	w.run(30 * time.Second)
	if s := w.lane.Stats(); oven.Phase() != sim.Connected || s.HalfOpen != 0 || s.Conns != 1 {
		t.Errorf("at last the device is %v: %+v", oven.Phase(), s)
	}
	if n := len(w.tries); n != 11 || w.tries[10].Outcome != device.Succeeded {
		t.Errorf("%d attempts recorded, want 10 that failed and one that did not", n)
	}
}

// TestUnprovenCap has two strangers say nothing after the handshake where there
// is a place for one.
func TestUnprovenCap(t *testing.T) {
	w := newWorld(t).with(func(cfg *lane.Config) { cfg.Unproven = 1 })
	for i := range 2 {
		w.feel(w.device(fmt.Sprint("stranger", i), sim.Config{Behaviour: sim.Silent}, true), sim.PowerOn{})
	}
	w.run(5 * time.Second)
	if s := w.lane.Stats(); s.Unproven != 1 || s.UnprovenFull == 0 || s.HalfOpen != 0 {
		t.Errorf("with two strangers: %+v", s)
	}
	for _, s := range w.devices {
		s.gone = true
	}
	w.run(2 * time.Minute)
	if s := w.lane.Stats(); s.Unproven != 0 || s.Conns != 0 || len(w.saved) != 0 {
		t.Errorf("when both are gone: %+v, %d records stored", s, len(w.saved))
	}
}

// TestClaims is a stranger with many keys that says each time that it is
// another device: what it invents is not shown, and only some of it recorded.
func TestClaims(t *testing.T) {
	w := newWorld(t)
	shown := 0
	for i := range 120 {
		s := w.device(fmt.Sprint("stranger", i), sim.Config{}, true)
		w.feel(s, sim.PowerOn{})
		w.run(time.Second)
		s.gone = true
	}
	w.run(2 * time.Minute)
	for _, line := range w.lines("stranger") {
		if len(line) > 1 && line[1] == "is" {
			shown++
		}
	}
	if s := w.lane.Stats(); shown != 0 || s.Unproven != 0 || s.Conns != 0 {
		t.Errorf("%d states of devices that do not exist were shown; %+v", shown, s)
	}
	if len(w.tries) == 0 || len(w.saved) != 0 {
		t.Errorf("%d attempts recorded, %d sessions stored", len(w.tries), len(w.saved))
	}
}

// TestStreamsCap lets no more streams in than there are places.
func TestStreamsCap(t *testing.T) {
	w := newWorld(t).with(func(cfg *lane.Config) { cfg.Streams = 2 })
	for n := range 3 {
		w.cloud(lane.In{Kind: lane.StreamOpened, Conn: 1<<63 | uint64(n), From: stranger(n)})
	}
	if s := w.lane.Stats(); s.OpenStreams != 2 || s.StreamsFull != 1 || w.drops[lane.DropStreams] != 1 {
		t.Errorf("with three streams: %+v", s)
	}
	w.cloud(lane.In{Kind: lane.StreamClosed, Conn: 1 << 63})
	w.cloud(lane.In{Kind: lane.StreamOpened, Conn: 1<<63 | 9, From: stranger(9)})
	w.run(time.Minute)
	if s := w.lane.Stats(); s.OpenStreams != 0 || s.Conns != 0 || s.StreamsFull != 1 {
		t.Errorf("a minute later: %+v", s)
	}
}

// TestStrangers records some of what is not our protocol, and counts it all.
func TestStrangers(t *testing.T) {
	w := newWorld(t)
	for n := range 1000 {
		w.cloud(lane.In{Kind: lane.Datagram, Data: []byte("GET / HTTP/1.1\r\n\r\n"), From: stranger(n)})
	}
	if s := w.lane.Stats(); s.NotOurs != 1000 || s.StrangersUnrecorded != 900 || len(w.tries) != 100 {
		t.Errorf("%+v, %d attempts recorded, want 100", s, len(w.tries))
	}
	w.run(time.Second)
	w.cloud(lane.In{Kind: lane.Datagram, Data: []byte("GET"), From: stranger(1)})
	if len(w.tries) != 101 {
		t.Error("a second later none is recorded again")
	}
}

// TestLateDatagrams plays a superseded session's records again, after it: they
// are counted and nothing is answered.
func TestLateDatagrams(t *testing.T) {
	for _, name := range []string{"udp-6.2", "udp-2.3"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			oven := w.device("oven", generations(t)[name], false)
			type sent struct {
				data []byte
				from netip.AddrPort
			}
			var late []sent
			w.tap = func(data []byte, from netip.AddrPort) { late = append(late, sent{slices.Clone(data), from}) }
			w.feel(oven, sim.PowerOn{})
			w.run(20 * time.Second)
			w.tap = nil
			w.reboot(oven, false)
			w.run(60 * time.Second) // the handshakes have lingered
			before, addr := w.lane.Stats(), oven.addr
			for _, d := range late {
				if data := d.data; data[4] == 1 { // epoch
					w.lane.Step(w.now, &lane.In{Kind: lane.Datagram, Data: data, From: d.from, Local: doorstep}, &w.outs)
				}
			}
			if n := len(w.outs.Datagrams) + len(w.outs.List); n != 0 {
				t.Errorf("late datagrams led to %d outs", n)
			}
			after := w.lane.Stats()
			if n := after.UnknownSession - before.UnknownSession; n == 0 || after.Conns != 1 {
				t.Errorf("%d of %d late datagrams counted; %+v", n, len(late), after)
			}
			w.outs.Reset()
			if a := w.call(oven, session.Call{Kind: session.Ping}, time.Second); a.Err != nil || oven.addr != addr {
				t.Errorf("then a ping answers %v", a.Err)
			}
		})
	}
}
