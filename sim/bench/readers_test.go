package bench

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/wire/sse"
)

// A mark is counted once, however the stream is cut.
func TestCounter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{
			"\nevent: ", "event: ", "\n", "\n\n", "\nevent", ": a\ndata: {}\n", ":ok\n\n", "x",
		})).Draw(t, "text"), ""))
		mark := []byte("\nevent: ")
		c := counter{mark: mark}
		got := 0
		for rest := text; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			got += c.count(rest[:n])
			rest = rest[n:]
		}
		if want := bytes.Count(text, mark); got != want {
			t.Fatalf("%q: %d, want %d", text, got, want)
		}
	})
}

// Events are counted and their delays noted, however the stream is cut.
func TestStamped(t *testing.T) {
	const events = 10 * sample
	began := time.Now()
	data := make([]byte, eventSize)
	var text []byte
	for range events {
		putStamp(data, began)
		text = sse.AppendFrame(text, "bench/1/tick", []byte(`{"data":"`+strings.ReplaceAll(string(data), "\x00", "x")+`","ttl":60}`))
		text = sse.AppendComment(text, "")
	}
	rapid.Check(t, func(t *rapid.T) {
		rs := &readers{began: began}
		take := rs.stamped()
		for rest := text; len(rest) > 0; {
			n := min(rapid.IntRange(1, 300).Draw(t, "cut"), len(rest))
			take(rest[:n])
			rest = rest[n:]
		}
		if got := rs.received.Load(); got != events {
			t.Fatalf("%d events, want %d", got, events)
		}
		if got := rs.times.Count(); got != events/sample {
			t.Fatalf("%d delays, want %d", got, events/sample)
		}
		if d := rs.times.Quantile(1); d < 0 || d > time.Minute*10 {
			t.Fatalf("a delay of %v", d)
		}
	})
}

func TestStamp(t *testing.T) {
	began := time.Now().Add(-time.Hour)
	data := make([]byte, eventSize)
	putStamp(data, began)
	if d, ok := readStamp(data, began); !ok || d < 0 || d > time.Minute {
		t.Errorf("read back: %v, %v", d, ok)
	}
	for _, bad := range []string{"", "0123", "zzzzzzzzzzzzzzzz"} {
		if _, ok := readStamp([]byte(bad), began); ok {
			t.Errorf("%q is a stamp", bad)
		}
	}
}

// A window of two events to three streams: what is under way is never more,
// and what is lost does not stop the flow for ever.
func TestFlow(t *testing.T) {
	rs := &readers{began: time.Now()}
	f := newFlow(rs, 2, 3)
	var said []int
	say := func(n int, data []byte) {
		if len(data) != eventSize {
			t.Errorf("an event of %d bytes", len(data))
		}
		said = append(said, n)
	}
	now := time.Now()
	f.moved = now
	steps := []struct {
		name     string
		received int64
		passed   time.Duration
		want     []int
	}{
		{"the window is empty", 0, 0, []int{0, 1}},
		{"nothing came", 0, time.Millisecond, nil},
		{"one event is through", 3, time.Millisecond, []int{2}},
		{"half of one came", 4, time.Millisecond, nil},
		{"the rest is lost", 4, 2 * forgive, []int{3, 4}},
		{"what is under way now is through", 10, time.Millisecond, []int{5, 6}},
	}
	for _, s := range steps {
		rs.received.Store(s.received)
		now = now.Add(s.passed)
		said = nil
		f.step(now, say)
		if diff := cmp.Diff(s.want, said); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
	}
}
