package event_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

func TestPositionsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := event.Position{
			Seq: rapid.Uint64Range(0, 1<<63-1).Draw(t, "seq"), ID: rapid.StringMatching(`[0-9a-f-]{0,64}`).Draw(t, "id"),
		}
		if got, err := event.ParsePosition(want.String()); err != nil || got != want {
			t.Fatalf("%v, %v; want %v", got, err, want)
		}
	})
}

func TestParsePositionRefuses(t *testing.T) {
	for _, s := range []string{"", "1", "-", "x-1", "-1-a", "9223372036854775808-a", "1 -a"} {
		if p, err := event.ParsePosition(s); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%q gives %v, %v", s, p, err)
		}
	}
}

func TestLasts(t *testing.T) {
	for name, c := range map[string]struct {
		e    event.Event
		want bool
	}{
		"of somebody's device": {event.Event{Name: "temperature", Owner: "ann"}, true},
		"of nobody's device":   {event.Event{Name: "temperature"}, false},
		"that all may hear":    {event.Event{Name: "temperature", Public: true}, true},
		"that makes a claim":   {event.Event{Name: event.ClaimCode, Owner: "ann"}, false},
	} {
		if got := c.e.Lasts(); got != c.want {
			t.Errorf("an event %s is part of the history: %v, want %v", name, got, c.want)
		}
	}
}
