package storm

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/sim"
)

// TestJudge has four devices live through a storm: one healthy that stays, one
// that is dropped, one that comes back, and one that does not.
func TestJudge(t *testing.T) {
	f := newFleet(t.Context(), nil, make(keys, 4))
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }
	f.moved(0, at(-9), sim.Connected)
	f.moved(1, at(-8), sim.Connected)
	f.moved(1, at(-7), sim.Opening) // before the storm it is nobody's business
	f.moved(1, at(-7), sim.Connected)
	f.arm(time.Time{}, sim.TCP, sim.UDP)
	f.moved(2, at(0), sim.Opening)
	f.moved(3, at(.2), sim.Opening)
	f.moved(1, at(1), sim.Opening)
	f.moved(2, at(6), sim.Opening)
	f.moved(3, at(6.5), sim.Opening)
	f.moved(2, at(7), sim.Connected)
	f.moved(2, at(8), sim.Opening) // it was back, and went
	c := Case{NotBack: 1}
	f.judge(&c, []int{2, 3}, 60*time.Second)
	want := Case{
		Figures: Figures{P50: 7, P99: 60, Full: 60, Rate: 0, Dropped: 1}, Healthy: 2, NotBack: 1, Peak: 2, Tries: 6, Returning: 2,
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("what is made of it (+):\n%s", diff)
	}
	if missing := f.wait([]int{0}, 0); missing != 0 {
		t.Errorf("a device that is connected is waited for")
	}
}
