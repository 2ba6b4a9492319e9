package admit_test

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
)

// TestBenchEndsWhatItBegan has a handshake that was begun go before all others,
// and those that wait take turns until they are late.
func TestBenchEndsWhatItBegan(t *testing.T) {
	b := admit.NewBench[string](admit.Config{Places: 10, Patience: time.Second})
	for _, s := range []string{"a1", "a2", "a3"} {
		b.Begin(noon, 1, s)
	}
	b.Begin(noon, 2, "b1")
	b.End("begun")
	for i, want := range []string{"begun", "a1", "b1", "a2", "a3"} {
		at := noon.Add(time.Duration(i) * 300 * time.Millisecond)
		got, waited, late, ok := b.Next(at)
		if got != want || late != (i == 4) || !ok || i > 0 && waited != at.Sub(noon) {
			t.Errorf("%d: %s after %v, late %v, %v; want %s", i, got, waited, late, ok, want)
		}
	}
	if _, _, _, ok := b.Next(noon); ok || b.Waiting() != 0 {
		t.Error("there is work on an empty bench")
	}
}

// TestKnocksComeInRounds lets a few in each round, and does not count who is too
// late to be served.
func TestKnocksComeInRounds(t *testing.T) {
	k := admit.NewKnocks[int](admit.Config{Places: 100, Patience: time.Second})
	came := 0
	for i := range 3 * admit.KnocksAtOnce {
		if k.AtOnce(noon) {
			came++
			continue
		}
		at := noon
		if i >= 2*admit.KnocksAtOnce {
			at = noon.Add(time.Second)
		}
		k.Wait(at, 1, i)
	}
	if came != admit.KnocksAtOnce || k.Len() != 2*admit.KnocksAtOnce {
		t.Fatalf("%d come in at once and %d wait", came, k.Len())
	}
	k.Round()
	if k.AtOnce(noon) {
		t.Error("one overtakes those who wait")
	}
	served, late := 0, 0
	for {
		_, tooLate, ok := k.Next(noon.Add(1500 * time.Millisecond))
		if !ok {
			break
		}
		if tooLate {
			late++
		} else {
			served++
		}
	}
	if served != admit.KnocksAtOnce || late != admit.KnocksAtOnce {
		t.Errorf("in one round %d are served and %d are too late", served, late)
	}
}

// TestKnocksRoundEnds ends a round that takes too long, however few came in, and
// begins none without letting one in.
func TestKnocksRoundEnds(t *testing.T) {
	k := admit.NewKnocks[int](admit.Config{Places: 100, Patience: time.Second})
	if !k.AtOnce(noon) || k.AtOnce(noon.Add(admit.KnocksTime+1)) {
		t.Error("the second comes in at once in a round that is over")
	}
	for i := range 3 {
		k.Wait(noon, 1, i)
	}
	now := noon.Add(time.Minute / 100)
	for range 3 {
		k.Round()
		served := 0
		for {
			if _, _, ok := k.Next(now); !ok {
				break
			}
			served++
			now = now.Add(admit.KnocksTime + 1)
		}
		if served != 1 {
			t.Fatalf("%d come in within a round that one fills", served)
		}
	}
}
