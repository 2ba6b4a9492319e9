package incident_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// TestAhead: how far the watchtower was ahead of the first report that a
// customer made, however late and in which order the reports are written down,
// and whether or not it is over.
func TestAhead(t *testing.T) {
	began := time.Date(2026, 5, 31, 5, 0, 0, 0, time.UTC)
	book := incident.NewBook()
	book.Apply(began, []signal.Judgement{{At: began, Since: began, Capability: signal.ConnectTCP, Severity: signal.Major, By: signal.ByCanary, Failed: 6, Tried: 6}}, incident.Recovery{})
	first := func() *incident.Incident { return &book.List()[0] }
	if got := first().AheadWords(); got != "no report" || first().Milestones().Ahead != nil {
		t.Errorf("nobody has reported it: %s", got)
	}
	now := began.Add(time.Hour)
	for _, c := range []struct {
		at    time.Duration // after it was detected
		words string
		ahead float64
	}{
		{30 * time.Minute, "30.0 min ahead of the first report", 30},
		{12 * time.Minute, "12.0 min ahead of the first report", 12},
		{45 * time.Minute, "12.0 min ahead of the first report", 12},
		{-90 * time.Second, "1.5 min behind the first report", -1.5},
	} {
		change, err := book.Report(now, began.Add(c.at), "1", "ada", "the forum says so")
		if err != nil || change.Kind != incident.Reported || change.Kind.Public() || change.Kind.Pages() {
			t.Fatalf("%v: %v %+v", c.at, err, change.Kind)
		}
		m := first().Milestones()
		if got := first().AheadWords(); got != c.words || m.Ahead == nil || *m.Ahead != c.ahead {
			t.Errorf("after %v it is %s, %v", c.at, got, m.Ahead)
		}
	}
	if _, err := book.Report(now, now.Add(time.Second), "1", "ada", "soon"); !errors.Is(err, incident.ErrFuture) {
		t.Errorf("of the future: %v", err)
	}
	if _, err := book.Report(now, now, "1", "ada", " "); !errors.Is(err, incident.ErrNoWords) {
		t.Errorf("without words: %v", err)
	}
	if _, err := book.Report(now, now, "2", "ada", "what?"); !errors.Is(err, incident.ErrUnknown) {
		t.Errorf("of none: %v", err)
	}
}
