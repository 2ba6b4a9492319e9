package bustest

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/event"
)

// collect subscribes and gives the events that come, up to 4096 unread ones.
func collect(t *testing.T, b *bus.Bus) <-chan event.Event {
	t.Helper()
	events := make(chan event.Event, 4096)
	cancel, err := b.Subscribe(func(e *event.Event) { events <- *e })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	return events
}

func publish(t *testing.T, b *bus.Bus, e event.Event) {
	t.Helper()
	if err := b.Publish(&e); err != nil {
		t.Fatal(err)
	}
}

func testEventsInOrder(t *testing.T, open opener) {
	nodes := open(3)
	var streams []<-chan event.Event
	for _, b := range nodes {
		streams = append(streams, collect(t, b))
	}
	const n = 500
	for i := range n {
		for _, b := range nodes[:2] {
			publish(t, b, event.Event{Name: strconv.Itoa(i)})
		}
	}
	for node, stream := range streams {
		seen := make(map[int]int) // events with the number
		last := 0
		for range 2 * n {
			i, err := strconv.Atoi(receive(t, stream).Name)
			if err != nil {
				t.Fatal(err)
			}
			seen[i]++
			// Two publishers, each in order: a number can come for the first
			// time only after the one before it came.
			if i > last+1 || (i > 0 && seen[i] > seen[i-1]) {
				t.Fatalf("node %d: event %d came too early", node, i)
			}
			last = max(last, i)
		}
	}
}

func testEventContent(t *testing.T, open opener) {
	b := open(1)[0]
	stream := collect(t, b)
	want := event.Event{
		ID: "abc", Name: "temp/kitchen", Data: []byte("21.5"), HasData: true, TTL: time.Minute, Public: true,
		Device: deviceID(1), Owner: "5f0000000000000000000001", Published: time.Unix(1790000000, 123456789).UTC(),
		ContentFormat: 60,
	}
	publish(t, b, want)
	if diff := cmp.Diff(want, receive(t, stream)); diff != "" {
		t.Error(diff)
	}
}

func testUnsubscribe(t *testing.T, open opener) {
	b := open(1)[0]
	stays := collect(t, b)
	heard := make(chan event.Event, 16)
	cancel, err := b.Subscribe(func(e *event.Event) { heard <- *e })
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, event.Event{Name: "one"})
	receive(t, heard)
	cancel()
	publish(t, b, event.Event{Name: "two"})
	receive(t, stays)
	receive(t, stays)
	if len(heard) != 0 {
		t.Errorf("heard %v after cancel", <-heard)
	}
}

func testSubscriberPanic(t *testing.T, open opener) {
	b := open(1)[0]
	cancel, err := b.Subscribe(func(*event.Event) { panic("subscriber") })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	stream := collect(t, b)
	publish(t, b, event.Event{Name: "one"})
	publish(t, b, event.Event{Name: "two"})
	receive(t, stream)
	if e := receive(t, stream); e.Name != "two" {
		t.Errorf("got %q", e.Name)
	}
}
