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
