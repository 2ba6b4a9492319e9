package lane

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTimers compares the heap with a list that is searched from end to end.
func TestTimers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h timers
		var conns [8]conn
		want := map[*conn]int64{} // what it is due at; absent: not armed
		start := time.Unix(1_790_000_000, 700)
		moment := func(label string) time.Time {
			return start.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, label)) * 300 * time.Microsecond)
		}
		which := rapid.IntRange(0, len(conns)-1)
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				next := time.Time{}
				for _, ms := range want {
					if at := time.UnixMilli(ms); next.IsZero() || at.Before(next) {
						next = at
					}
				}
				if got := h.next(); !got.Equal(next) || len(h.heap) != len(want) {
					t.Fatalf("%d timers, the next at %v; want %d, at %v", len(h.heap), got, len(want), next)
				}
				for i, c := range h.heap {
					if int(c.place) != i+1 {
						t.Fatalf("the timer in place %d says %d", i+1, c.place)
					}
				}
			},
			"arm": func(t *rapid.T) {
				c, at := &conns[which.Draw(t, "conn")], moment("at")
				h.arm(c, at)
				ms := at.UnixMilli() + 1 // never whole, because of the start
				if due, ok := want[c]; !ok || ms < due {
					want[c] = ms
				}
				if time.UnixMilli(c.due).Before(at) && c.due == ms {
					t.Fatalf("armed for %v, it comes up at %v", at, time.UnixMilli(c.due))
				}
			},
			"disarm": func(t *rapid.T) {
				c := &conns[which.Draw(t, "conn")]
				h.arm(c, time.Time{})
				delete(want, c)
			},
			"pop": func(t *rapid.T) {
				now := moment("now")
				c := h.pop(now)
				for other, ms := range want {
					if c == nil && ms <= now.UnixMilli() || c != nil && ms < want[c] {
						t.Fatalf("%d is due at %d, and at %d came %v", which.Draw(t, "any"), ms, now.UnixMilli(), other.due)
					}
				}
				if c != nil && want[c] > now.UnixMilli() {
					t.Fatalf("at %d came one that is due at %d", now.UnixMilli(), want[c])
				}
				delete(want, c)
			},
		})
	})
}

func TestBucket(t *testing.T) {
	b := bucket{rate: 2, burst: 3}
	now := time.Unix(1_790_000_000, 0)
	for i, step := range []struct {
		wait time.Duration
		want bool
	}{
		{0, true},
		{0, true},
		{0, true},
		{0, false}, // the burst is used up
		{400 * time.Millisecond, false},
		{100 * time.Millisecond, true},
		{0, false},
		{time.Hour, true}, // no more than a burst is saved up
		{0, true},
		{0, true},
		{0, false},
	} {
		now = now.Add(step.wait)
		if got := b.take(now); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

// TestStuckTimer arms a timer for the time at which it was served: it must
// not come up again within the same tick.
func TestStuckTimer(t *testing.T) {
	var h timers
	var stuck, fine conn
	now := time.UnixMilli(1_790_000_000_000)
	h.arm(&stuck, now)
	h.arm(&fine, now.Add(time.Millisecond))
	if !h.putOff(&stuck, now) || h.putOff(&fine, now) {
		t.Error("the one that is due is put off, and no other")
	}
	if c := h.pop(now); c != nil {
		t.Error("a timer came up again at once")
	}
	if got := time.UnixMilli(stuck.due); !got.Equal(now.Add(stuckWait)) {
		t.Errorf("put off until %v", got)
	}
}
