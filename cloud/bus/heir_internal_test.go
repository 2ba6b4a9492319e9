package bus

import (
	"context"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
)

// holder is a gateway that has every device.
type holder struct{}

func (holder) Call(context.Context, Call) (Result, error) { return Result{Online: true}, nil }

func (holder) States(ids []device.ID, into map[device.ID]device.State) {
	for _, id := range ids {
		into[id] = device.State{Word: device.Online}
	}
}

func (holder) Changed(device.ID, account.ID, bool) {}

// A call to a process that has gone has reached nobody: it goes to the one that
// has the device now.
func TestDesertedCall(t *testing.T) {
	b, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	if _, err := b.Serve(holder{}); err != nil {
		t.Fatal(err)
	}
	id := device.ID{1}
	b.presence.hear(&announcement{kind: annChanges, from: "gone-01234567", changes: []change{{id, true}}}, time.Now())
	if address, _ := b.presence.holder(id); address != "gone-01234567" {
		t.Fatalf("it is taken to be at %q", address)
	}
	res, err := b.Call(t.Context(), Call{Device: id, Kind: Ping})
	if err != nil || !res.Online {
		t.Errorf("%+v, %v", res, err)
	}
}

// An heir says nothing until it appears, lets nobody talk it out of what it is
// about to hold, and then says all of it.
func TestHeirIsQuiet(t *testing.T) {
	m := newMesh(2)
	old, heir := m.nodes[0], m.nodes[1]
	heir.quiet = true
	id, other := device.ID{1}, device.ID{2}
	old.set(id, true)
	old.set(other, true)
	heir.set(id, true)
	if said := heir.announcements(true); len(said) > 0 {
		t.Errorf("it said %+v", said)
	}
	for _, a := range old.announcements(true) {
		if asks := heir.hear(&a, m.now); asks != "" {
			t.Errorf("it asks %q", asks)
		}
	}
	if at, _ := heir.holder(id); at != heir.self {
		t.Errorf("what it holds is at %q", at)
	}
	if at, _ := heir.holder(other); at != old.self {
		t.Errorf("what the other holds is at %q", at)
	}
	if old.serves(heir.self) {
		t.Error("it is known of")
	}
	heir.appear()
	for _, a := range heir.announcements(false) {
		old.hear(&a, m.now)
	}
	if at, _ := old.holder(id); at != heir.self || !old.serves(heir.self) {
		t.Errorf("once it has appeared, its device is at %q", at)
	}
}

// What an heir hears itself counts from the mark on, and what it was told of
// not again; if it is never told of the end, neither is anything lost.
func TestHearing(t *testing.T) {
	b, err := newBus(Config{Heir: true, Elder: "gw-1"})
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if _, err := b.Subscribe(func(e *event.Event) { got += e.ID + " " }); err != nil {
		t.Fatal(err)
	}
	comes := func(id, name string) {
		if e := (&event.Event{ID: id, Name: name}); !b.hearing.keep(e) {
			b.give(e)
		}
	}
	comes("a", "x")
	b.Relay(&event.Event{ID: "b", Name: "x"})
	comes("b", "x")
	comes(markEars+"another", markName)
	comes("c", "x")
	comes(markEars+"gw-1", markName)
	comes("d", "x") // heard by the other behind its end
	comes("e", "x")
	b.Relay(&event.Event{ID: "e", Name: "x"})
	b.Relay(&event.Event{ID: markLast + "gw-1", Name: markName})
	comes("f", "x")
	b.Relay(&event.Event{ID: "f", Name: "x"})
	comes("e", "x") // late
	b.Alone()
	comes(markDone+"gw-1", markName)
	comes("g", "x")
	if len(b.hearing.told[0]) > 0 {
		t.Error("it still remembers what it was told of")
	}
	if want := "b e " + markLast + "gw-1 d f g "; got != want {
		t.Errorf("it heard %q, want %q", got, want)
	}
}
