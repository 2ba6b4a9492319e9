package lane_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/sim"
)

// heir is a lane that is to go on with the connections of another.
type heir struct {
	w    *world
	lane *lane.Lane
	came map[uint64]uint64 // its connections by the ids that they had
	last uint64
}

func (w *world) heir() *heir { return &heir{w: w, lane: lane.New(w.cfg), came: map[uint64]uint64{}} }

func (h *heir) dismiss(was uint64) {
	if id, ok := h.came[was]; ok {
		var outs lane.Outs
		h.lane.Dismiss(id, &outs)
		delete(h.came, was)
	}
}

func (h *heir) adopt(was uint64, udp bool, b []byte) {
	h.w.t.Helper()
	h.dismiss(was)
	var id uint64
	if !udp {
		h.last++
		id = 1<<63 | h.last<<8
	}
	var outs lane.Outs
	id, err := h.lane.Adopt(h.w.now, id, slices.Clone(b), &outs)
	if err != nil {
		h.w.t.Fatalf("connection %x cannot be taken over: %v", was, err)
	}
	if len(outs.Datagrams) > 0 {
		h.w.t.Fatalf("the device of connection %x notices", was)
	}
	h.came[was] = id
}

// ahead hands over what has changed, a few places at a time, between which
// whatever comes in happens.
func (h *heir) ahead(between func()) {
	h.w.t.Helper()
	for at, more := 0, true; more; more = at > 0 {
		next, err := h.w.lane.Ahead(at, 2, func(conn uint64, b []byte) error { h.adopt(conn, true, b); return nil })
		if err != nil {
			h.w.t.Fatal(err)
		}
		at = next
		between()
	}
}

// rest hands over what is left when the lane stands still.
func (h *heir) rest() (kept int) {
	h.w.t.Helper()
	err := h.w.lane.Gone(func(conn uint64) error { h.dismiss(conn); return nil })
	if err == nil {
		kept, err = h.w.lane.Export(func(conn uint64, udp bool, b []byte) error { h.adopt(conn, udp, b); return nil })
	}
	if err != nil {
		h.w.t.Fatal(err)
	}
	return kept
}

// exported is all that a lane would hand over now, by device. It is handed over
// once more for that: what follows from the time alone, as that an answer which
// was not asked for again has arrived, a session notes when it is looked at.
func (h *heir) exported(t testing.TB) map[device.ID][]string {
	t.Helper()
	h.lane.Settle(false) // what went ahead counts for nothing
	next := h.w.heir()
	if _, err := h.lane.Export(func(conn uint64, udp bool, b []byte) error { next.adopt(conn, udp, b); return nil }); err != nil {
		t.Fatal(err)
	}
	l := next.lane
	all := map[device.ID][]string{}
	_, err := l.Export(func(_ uint64, _ bool, b []byte) error {
		id, _, ok := lane.Peek(b)
		if !ok {
			t.Error("an export does not say whose it is")
		}
		all[id] = append(all[id], string(b))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range all {
		slices.Sort(list)
	}
	return all
}

// TestAhead hands a lane over in which anything happens while most of it goes
// ahead. What the heir has at the end is what it has of a hand-over that is made
// all at once, bit for bit.
func TestAhead(t *testing.T) {
	kinds := []string{"udp-6.2", "udp-6.2", "udp-2.3", "udp-1.x", "tcp-2.3"}
	made := map[string][2][]byte{}
	sum := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.made = made
		for i := range 5 {
			w.device(fmt.Sprint("oven", i), generations(t)[kinds[i]], i == 3)
		}
		for _, s := range w.devices {
			w.feel(s, sim.PowerOn{})
		}
		quiet := rapid.Bool().Draw(rt, "quiet")
		if quiet { // otherwise hardly anybody is in before it is over, and stays as it is
			w.run(20 * time.Second)
		}
		acts := w.mischief(rt)
		delete(acts, "restart") // the lane is the one that hands over
		names := slices.Sorted(maps.Keys(acts))
		something := func() {
			for range rapid.IntRange(0, 2).Draw(rt, "acts") {
				acts[rapid.SampledFrom(names).Draw(rt, "act")](rt)
			}
		}
		for range 5 {
			something()
		}
		h := w.heir()
		for range rapid.IntRange(0, 3).Draw(rt, "rounds") {
			h.ahead(something)
		}
		if quiet {
			h.ahead(func() {})
		}
		kept := h.rest()
		sum += kept
		if n := h.lane.Stats().Conns; n != len(h.came) {
			rt.Errorf("the heir has %d connections of %d", n, len(h.came))
		}
		if err := h.lane.Check(); err != nil {
			rt.Error(err)
		}
		w.lane.Settle(false)
		once := w.heir()
		if again := once.rest(); again > 0 {
			rt.Errorf("%d connections are thought to be with an heir that is gone", again)
		}
		if diff := cmp.Diff(once.exported(t), h.exported(t)); diff != "" {
			rt.Errorf("what the heir has, of which %d came ahead (+), and what it should have (-):\n%s", kept, diff)
		}
	})
	t.Logf("%d that went ahead were worth it", sum)
	if sum == 0 {
		t.Error("nothing that went ahead was worth it")
	}
}

// TestAheadPlaces: a connection that went ahead and ended is not left with the
// heir because another has its place.
func TestAheadPlaces(t *testing.T) {
	w := newWorld(t)
	first, second := w.device("oven", generations(t)["udp-6.2"], false), w.device("smoker", generations(t)["udp-6.2"], false)
	w.feel(first, sim.PowerOn{})
	w.run(20 * time.Second)
	h := w.heir()
	h.ahead(func() {})
	first.gone = true
	w.cloud(lane.In{Kind: lane.CloseDevice, Device: first.id, Reason: device.KeyReplaced})
	w.feel(second, sim.PowerOn{})
	w.run(20 * time.Second)
	h.ahead(func() {})
	h.rest()
	if all := h.exported(t); len(all) != 1 || len(all[second.id]) != 1 {
		t.Errorf("the heir has connections of %d devices, want the smoker's alone: %q", len(all), all)
	}
}
