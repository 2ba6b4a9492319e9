package detsim

import (
	"slices"
	"testing"
)

// TestDefencesMatter switches one defence off at a time, in the seed that was
// found to need it: the invariant has to break. Then it is the simulation that
// holds it, and not luck.
func TestDefencesMatter(t *testing.T) {
	keys := load(t)
	for _, c := range []struct {
		without Defence
		seed    uint64
		breaks  []string // one of these
	}{
		{Generation, 1, []string{"nonce"}},
		{GenerationClock, 1, []string{"nonce"}},
		{Fence, 1, []string{"durable"}},
		{Supersession, 1, []string{"one owner"}},
		{Durability, 1, []string{"durable"}},
		{Caution, 1, []string{"event once"}},
		{Reset, 1, []string{"callable"}},
		{Sweep, 1, []string{"swept"}},
	} {
		t.Run(string(c.without), func(t *testing.T) {
			plan := NewPlan(c.seed)
			plan.Without = c.without
			res := Run(keys, plan)
			if !slices.Contains(c.breaks, res.Invariant) {
				t.Errorf("without it, seed %d breaks %q (%s), want one of %q", c.seed, res.Invariant, res.Broken, c.breaks)
			}
			t.Logf("seed %d after %.1f device-hours: %s: %s", c.seed, res.Stats.DeviceTime.Hours(), res.Invariant, res.Broken)
		})
	}
}
