package lane_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/sim"
)

// remedies lists what was tried with devices that did not answer.
func (w *world) remedies() string {
	var list []string
	for r := device.AskPing; r <= device.Listed; r++ {
		if n := w.drops["remedy "+r.String()]; n > 0 {
			list = append(list, fmt.Sprintf("%s %d", r, n))
		}
	}
	return fmt.Sprint(list)
}

// TestHeldRefusals has a fleet knock at the same moment while the store is
// down. It is refused over ten seconds, so that it does not come again as one;
// refused at once it does.
func TestHeldRefusals(t *testing.T) {
	spread := func(atOnce bool) time.Duration {
		w := newWorld(t)
		w.cfg.RefuseAtOnce = atOnce
		w.lane = lane.New(w.cfg)
		w.down = true
		var fleet []*subject
		for i := range 20 {
			fleet = append(fleet, w.device(fmt.Sprint("oven", i), sim.Config{Application: sim.Oven(0)}, i%2 == 0))
		}
		for _, s := range fleet {
			w.feel(s, sim.PowerOn{})
		}
		refused := map[*subject]bool{}
		var ends []time.Time
		for range 140 {
			w.run(100 * time.Millisecond)
			for _, s := range fleet {
				if s.Failures() > 0 && !refused[s] {
					refused[s] = true
					ends = append(ends, w.now)
				}
			}
		}
		if len(ends) < len(fleet) {
			t.Fatalf("%d of %d devices were refused", len(ends), len(fleet))
		}
		slices.SortFunc(ends, time.Time.Compare)
		return ends[len(fleet)-1].Sub(ends[0])
	}
	if d := spread(false); d < 4*time.Second {
		t.Errorf("held refusals came within %v of each other", d)
	}
	if d := spread(true); d > 2*time.Second {
		t.Errorf("refusals at once came within %v of each other: the test shows nothing", d)
	}
}

// TestOneWayHeals cuts the way to a device for a minute, while the way from it
// is good: it is in limbo, is helped, and can be called again by itself.
func TestOneWayHeals(t *testing.T) {
	for _, tcp := range []bool{false, true} {
		w := newWorld(t)
		cfg := sim.Config{Application: sim.Oven(0)}
		if tcp {
			cfg.Transport = sim.TCP
		}
		oven := w.online("oven", cfg)
		oven.cut = true
		a := w.call(oven, session.Call{Kind: session.Function, Name: "setpitf", Argument: "1"}, 12*time.Second)
		if a != nil && a.Err == nil {
			t.Fatal("a device that hears nothing answered")
		}
		w.run(60 * time.Second)
		oven.cut = false
		w.run(150 * time.Second)
		if err := w.ping(oven); err != nil {
			t.Errorf("tcp %v: after the way was free again for 150 s a ping answers %v; tried: %v", tcp, err, w.remedies())
		}
	}
}

// TestDoubleIdentity moves a device to another address again and again, as two
// boards with one key would: its owner is told, once, and it starts over.
func TestDoubleIdentity(t *testing.T) {
	w := newWorld(t)
	oven := w.online("oven", sim.Config{Application: sim.Oven(0)})
	hellos := len(w.tries)
	w.run(time.Minute - time.Duration(w.now.Second())*time.Second)
	for i := range 7 {
		oven.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i % 2)}), 6000)
		w.feel(oven, sim.Publish{Event: sim.Event{Name: "move", Data: []byte{'0' + byte(i)}}})
		w.run(2 * time.Second)
	}
	w.run(10 * time.Second)
	told := slices.ContainsFunc(w.tries[hellos:], func(a device.Attempt) bool { return a.Reason == device.DoubleIdentity })
	if s := w.lane.Stats(); s.Doubled != 1 || !told {
		t.Errorf("%d were found to be double, and on record %v", s.Doubled, told)
	}
	if err := w.ping(oven); err != nil {
		t.Error("after it started over:", err)
	}
}

// TestTwinsOverTCP has a device take the connection from itself again and
// again, as two with one key do: the owner is told, once, and from then on who
// has the connection keeps it for a while.
func TestTwinsOverTCP(t *testing.T) {
	w := newWorld(t)
	oven := w.online("oven", generations(t)["tcp-2.3"])
	swap := func() {
		oven.socket = 0 // the connection of the other one still stands
		w.reboot(oven, false)
		w.run(3 * time.Second)
	}
	for range 5 {
		swap()
	}
	if s := w.lane.Stats(); s.Doubled != 0 || oven.Phase() != sim.Connected {
		t.Errorf("one that connects five times is taken for two (%d), or is %v", s.Doubled, oven.Phase())
	}
	tries := len(w.tries)
	swap()
	told := slices.ContainsFunc(w.tries[tries:], func(a device.Attempt) bool { return a.Reason == device.DoubleIdentity && a.Transport == "tcp" })
	if s := w.lane.Stats(); s.Doubled != 1 || !told || oven.Phase() == sim.Connected {
		t.Errorf("%d were found to be double, on record %v, and the newest is %v", s.Doubled, told, oven.Phase())
	}
	// The other one is pulled: nobody comes between any more.
	w.run(40 * time.Second)
	if err := w.ping(oven); err != nil {
		t.Error("the newer one alone:", err)
	}
}
