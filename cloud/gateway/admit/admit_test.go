package admit_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// TestTurns lets a few of one class in between the many of another.
func TestTurns(t *testing.T) {
	q := admit.New[string](admit.Config{Places: 100, Patience: time.Second})
	for _, s := range []string{"a1", "a2", "a3", "a4"} {
		q.Push(noon, 1, s)
	}
	q.Push(noon, 2, "b1")
	q.Push(noon, 3, "c1")
	q.Push(noon, 2, "b2")
	var got []string
	for {
		s, late, ok := q.Pop(noon.Add(500 * time.Millisecond))
		if !ok {
			break
		}
		if late {
			t.Errorf("%s is late after half its patience", s)
		}
		got = append(got, s)
	}
	if diff := cmp.Diff([]string{"a1", "b1", "c1", "a2", "b2", "a3", "a4"}, got); diff != "" {
		t.Error("(-want +got):\n" + diff)
	}
}

// TestLate gives back who has waited too long, and tells so.
func TestLate(t *testing.T) {
	q := admit.New[int](admit.Config{Places: 10, Patience: time.Second})
	q.Push(noon, 1, 1)
	q.Push(noon.Add(700*time.Millisecond), 1, 2)
	now := noon.Add(1500 * time.Millisecond)
	for i, want := range []bool{true, false} {
		if v, late, ok := q.Pop(now); v != i+1 || late != want || !ok {
			t.Errorf("pop %d gives %d, late %v, %v", i, v, late, ok)
		}
	}
	if q.Waited() != 800*time.Millisecond {
		t.Errorf("the last waited %v", q.Waited())
	}
}

// TestFull turns away those of the class that has most, so that a flood of one
// keeps nobody else out.
func TestFull(t *testing.T) {
	q := admit.New[int](admit.Config{Places: 4, Patience: time.Second})
	for i := range 4 {
		if _, full := q.Push(noon, 1, i); full {
			t.Fatalf("%d finds the queue full", i)
		}
	}
	if away, full := q.Push(noon, 1, 99); !full || away != 99 {
		t.Errorf("one more of the flood: %d is turned away, %v", away, full)
	}
	if away, full := q.Push(noon, 2, 50); !full || away != 3 {
		t.Errorf("one of another class: %d is turned away, %v; want the newest of the flood", away, full)
	}
	if q.Len() != 4 {
		t.Errorf("%d wait in 4 places", q.Len())
	}
}

// TestQueueIsALedger holds against any use that nobody is lost or served twice,
// that each class is served in its order, and that places are bounded.
func TestQueueIsALedger(t *testing.T) {
	type one struct{ class, n int }
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.IntRange(1, 20).Draw(t, "places")
		q := admit.New[one](admit.Config{Places: places, Patience: time.Second})
		inside := map[one]bool{}
		next, last := 0, map[int]int{}
		now := noon
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "ms")) * time.Millisecond)
			if rapid.IntRange(0, 2).Draw(t, "what") > 0 {
				next++
				v := one{rapid.IntRange(0, 5).Draw(t, "class"), next}
				inside[v] = true
				if away, full := q.Push(now, uint64(v.class), v); full {
					if !inside[away] {
						t.Fatalf("%v is turned away and was not there", away)
					}
					delete(inside, away)
				}
			} else if v, _, ok := q.Pop(now); ok {
				if !inside[v] || v.n <= last[v.class] {
					t.Fatalf("%v comes out, after %d of its class", v, last[v.class])
				}
				delete(inside, v)
				last[v.class] = v.n
			} else if len(inside) > 0 {
				t.Fatalf("nobody comes out, and %d are inside", len(inside))
			}
			if q.Len() != len(inside) || q.Len() > places {
				t.Fatalf("%d wait, %d came and did not go, %d places", q.Len(), len(inside), places)
			}
		}
	})
}
