package web

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// However the requests of an address come, no window has more than its bound,
// and what the header promises is kept.
func TestMeterBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bound := rapid.IntRange(1, 5).Draw(t, "bound")
		m := newMeter(bound, time.Minute)
		now := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
		var first time.Time // of the window
		passed, promised := 0, -1
		for i := range rapid.IntRange(1, 50).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "seconds")) * time.Second)
			if first.IsZero() || now.Sub(first) >= time.Minute {
				first, passed, promised = now, 0, -1
			}
			q := m.count("one", now)
			if !q.exceeded {
				passed++
			}
			if passed > bound || q.exceeded && promised > 0 || !q.exceeded && promised == 0 {
				t.Fatalf("%d of %d passed, %d were promised, exceeded %v", passed, bound, promised, q.exceeded)
			}
			if want := first.Add(time.Minute).Sub(now); q.reset != want || q.remaining != bound-passed {
				t.Fatalf("%+v, want %d and %v", q, bound-passed, want)
			}
			promised = q.remaining
			if other := m.count(fmt.Sprint(i), now); other.exceeded {
				t.Fatal("another address has to wait")
			}
		}
	})
}

// What is remembered has a bound; those whose window is over make room.
func TestMeterIsBounded(t *testing.T) {
	m := newMeter(1, time.Minute)
	now := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	for n := range maxVisitors + 10 {
		m.count(fmt.Sprint(n), now)
	}
	if len(m.visitors) != maxVisitors {
		t.Errorf("%d are remembered", len(m.visitors))
	}
	if !m.count("0", now).exceeded {
		t.Error("who was counted is forgotten")
	}
	m.count("new", now.Add(time.Minute))
	if len(m.visitors) != 1 {
		t.Errorf("%d are remembered later", len(m.visitors))
	}
}
