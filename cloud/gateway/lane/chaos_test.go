package lane_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/sim"
)

// TestChaos lets anything happen in any order: after every single step the
// lane's books have to be right, and at the end, when all is well again, every
// device that is on file has to be back.
func TestChaos(t *testing.T) {
	kinds := []string{"udp-6.2", "udp-2.3", "tcp-2.3", "udp-1.x", "tcp-1.x"}
	made := map[string][2][]byte{}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.made = made
		w.with(func(cfg *lane.Config) { cfg.HalfOpen, cfg.Unproven, cfg.Streams = 3, 2, 3 })
		for i := range 4 {
			cfg := generations(t)[rapid.SampledFrom(kinds).Draw(rt, "kind")]
			w.device(fmt.Sprint("oven", i), cfg, i == 3)
		}
		for _, s := range w.devices {
			w.feel(s, sim.PowerOn{})
		}
		rt.Repeat(w.mischief(rt))
		w.heal()
		for _, s := range w.devices[:3] {
			if err := w.ping(s); err != nil || s.Phase() != sim.Connected {
				rt.Errorf("%s is %v, and a ping answers %v\n%s", s.name, s.Phase(), err, w.log.String())
			}
		}
		if n := w.lane.Stats(); n.HalfOpen != 0 || n.Unproven > 1 || n.Conns > 4 {
			rt.Errorf("%+v", n)
		}
	})
}

// mischief is what happens to lanes and devices.
func (w *world) mischief(rt *rapid.T) map[string]func(*rapid.T) {
	which := func(rt *rapid.T) *subject { return w.devices[rapid.IntRange(0, len(w.devices)-1).Draw(rt, "device")] }
	var recorded [][]byte
	w.tap = func(data []byte, _ netip.AddrPort) { recorded = append(recorded, data) }
	w.fate = func() (int, time.Duration) {
		return rapid.SampledFrom([]int{0, 1, 1, 1, 2}).Draw(rt, "copies"), time.Duration(rapid.IntRange(0, 200).Draw(rt, "late")) * time.Millisecond
	}
	acts := map[string]func(*rapid.T){
		"time":    func(rt *rapid.T) { w.run(time.Duration(rapid.IntRange(1, 100_000).Draw(rt, "ms")) * time.Millisecond) },
		"instant": func(rt *rapid.T) { w.run(time.Duration(rapid.IntRange(1, 200).Draw(rt, "ms")) * time.Millisecond) },
		"reboot":  func(rt *rapid.T) { w.reboot(which(rt), rapid.Bool().Draw(rt, "memory")) },
		"move": func(rt *rapid.T) {
			w.move(which(rt), stranger(rapid.IntRange(0, 3).Draw(rt, "address")))
		},
		"deafen":  func(rt *rapid.T) { s := which(rt); s.cut = !s.cut },
		"store":   func(rt *rapid.T) { w.down, w.full = rapid.Bool().Draw(rt, "down"), rapid.Bool().Draw(rt, "full") },
		"slow":    func(rt *rapid.T) { w.slowSave = time.Duration(rapid.IntRange(0, 60).Draw(rt, "s")) * time.Second },
		"restart": func(*rapid.T) { w.restart() },
		"again": func(rt *rapid.T) {
			if len(recorded) > 0 {
				from := stranger(rapid.IntRange(0, 3).Draw(rt, "from"))
				w.cloud(lane.In{Kind: lane.Datagram, Data: rapid.SampledFrom(recorded).Draw(rt, "datagram"), From: from})
			}
		},
		"call": func(rt *rapid.T) {
			w.calls++
			w.cloud(lane.In{Kind: lane.CallDevice, Device: which(rt).id, Call: &session.Call{
				ID: w.calls, Kind: session.CallKind(rapid.IntRange(0, 4).Draw(rt, "kind")), Name: "echo", Deadline: w.now.Add(9 * time.Second),
			}})
		},
		"tell": func(rt *rapid.T) {
			s := which(rt)
			w.cloud(rapid.SampledFrom([]lane.In{
				{Kind: lane.CancelCall, Device: s.id, CallID: w.calls},
				{Kind: lane.OwnerChanged, Device: s.id, Owner: account.ID(rapid.SampledFrom([]string{"", "maker", "buyer"}).Draw(rt, "owner"))},
				{Kind: lane.CloseDevice, Device: s.id, Reason: device.KeyReplaced},
				{Kind: lane.ProbeDevice, Device: s.id},
				{Kind: lane.Supersede, Conn: uint64(rapid.IntRange(0, 20).Draw(rt, "conn")) << 8},
				{Kind: lane.Happened, Event: &event.Event{Name: "oven/lid", Owner: "maker", Public: rapid.Bool().Draw(rt, "public")}},
			}).Draw(rt, "in"))
		},
		"astray": func(rt *rapid.T) { // answers that nobody waits for
			conn := uint64(rapid.IntRange(0, 20).Draw(rt, "conn")) << 8
			token := uint32(rapid.IntRange(1, 9).Draw(rt, "token"))
			w.cloud(rapid.SampledFrom([]lane.In{
				{Kind: lane.Saved, Conn: conn, Token: token},
				{Kind: lane.Saved, Conn: conn, Token: token, Err: fault.Errorf(fault.Conflict, "later")},
				{Kind: lane.Opened, Conn: 1<<63 | conn},
				{Kind: lane.ReplyMade, Conn: 1<<63 | conn},
				{Kind: lane.StreamData, Conn: 1<<63 | conn, Data: []byte("GET ")},
				{Kind: lane.StreamClosed, Conn: 1<<63 | conn},
			}).Draw(rt, "in"))
		},
	}
	return acts
}

// move gives a device an address, perhaps one that another had until now.
func (w *world) move(s *subject, to netip.AddrPort) {
	for _, other := range w.devices {
		if other != s && other.addr.Addr() == to.Addr() {
			other.addr = s.addr
		}
	}
	s.addr = to
}

// heal makes all well again, and waits.
func (w *world) heal() {
	w.fate, w.down, w.full, w.slowSave = nil, false, false, 0
	for _, s := range w.devices {
		s.cut = false
	}
	w.devices[3].gone = true // the one on no file
	w.run(10 * time.Minute)
}
