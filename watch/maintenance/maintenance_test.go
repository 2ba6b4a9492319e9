package maintenance_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// planned gives a calendar with a window from 18:00 to 19:00, in which calls
// may fail for some.
func planned(t *testing.T) (*maintenance.Calendar, maintenance.Window) {
	t.Helper()
	c := maintenance.New()
	change, err := c.Plan(noon.Add(-48*time.Hour), plan())
	if err != nil {
		t.Fatal(err)
	}
	return c, change.Window
}

func plan() maintenance.Window {
	return maintenance.Window{
		Kind: maintenance.Planned, Title: "New database", Reason: "The database moves to a bigger machine.", Who: "ana", Zone: "Australia/Brisbane",
		Effects: []maintenance.Effect{{Capability: signal.Calls, Worst: signal.Partial}, {Capability: signal.Variables, Worst: signal.Partial}},
		Starts:  noon.Add(6 * time.Hour), Ends: noon.Add(7 * time.Hour),
	}
}

func bad(c signal.Capability, s signal.Severity, at, since time.Time) []signal.Judgement {
	return []signal.Judgement{{At: at, Capability: c, Severity: s, Since: since, Failed: 4, Tried: 6}}
}

// TestHeldBack is what a window holds back, and what is an incident beside it.
func TestHeldBack(t *testing.T) {
	in, before := noon.Add(6*time.Hour+10*time.Minute), noon.Add(5*time.Hour+50*time.Minute)
	for name, c := range map[string]struct {
		judged []signal.Judgement
		passes bool
	}{
		"declared, begun inside":       {bad(signal.Calls, signal.Partial, in, in.Add(-time.Minute)), false},
		"declared, milder than said":   {bad(signal.Calls, signal.Degraded, in, in.Add(-time.Minute)), false},
		"declared, worse than said":    {bad(signal.Calls, signal.Major, in, in.Add(-time.Minute)), true},
		"declared, begun before":       {bad(signal.Calls, signal.Partial, in, before), true},
		"not declared":                 {bad(signal.ConnectTCP, signal.Degraded, in, in.Add(-time.Minute)), true},
		"declared, outside the window": {bad(signal.Calls, signal.Partial, before, before.Add(-time.Minute)), true},
	} {
		calendar, _ := planned(t)
		pass, _ := calendar.Apply(c.judged[0].At, c.judged)
		if got := len(pass) == 1; got != c.passes {
			t.Errorf("%s: is an incident: %v", name, got)
		}
	}
}

// TestOverrun: what still fails at the announced end is an incident from that
// second on, and the window is completed only when it works.
func TestOverrun(t *testing.T) {
	c, w := planned(t)
	fails := w.Starts.Add(30 * time.Minute)
	if pass, _ := c.Apply(fails, bad(signal.Calls, signal.Partial, fails, fails)); len(pass) > 0 {
		t.Fatal("what was declared is an incident")
	}
	if pass, _ := c.Apply(w.Ends.Add(-time.Second), nil); len(pass) > 0 {
		t.Fatal("it is an incident before the announced end")
	}
	pass, changes := c.Apply(w.Ends, nil)
	if len(pass) != 1 || pass[0].Capability != signal.Calls || !pass[0].At.Equal(w.Ends) || !pass[0].Since.Equal(fails) {
		t.Fatalf("at the announced end it is %v", pass)
	}
	if got := c.List()[0]; got.Status != maintenance.Verifying || !got.Overran {
		t.Errorf("it is %s, overran %v: %v", got.Status, got.Overran, changes)
	}
	works := w.Ends.Add(5 * time.Minute)
	pass, _ = c.Apply(works, []signal.Judgement{{At: works, Capability: signal.Calls}})
	if len(pass) != 1 {
		t.Error("nobody is told that it works again")
	}
	if got := c.List()[0]; got.Status != maintenance.Completed || !got.Closed.Equal(works) {
		t.Errorf("it is %s", got.Status)
	}
}

// TestWorsens: what is held back passes when it becomes worse than declared.
func TestWorsens(t *testing.T) {
	c, w := planned(t)
	at := w.Starts.Add(time.Minute)
	c.Apply(at, bad(signal.Calls, signal.Partial, at, at))
	if len(c.Held()) != 1 {
		t.Fatal("nothing is held back")
	}
	if pass, _ := c.Apply(at.Add(time.Minute), bad(signal.Calls, signal.Major, at.Add(time.Minute), at)); len(pass) != 1 || len(c.Held()) != 0 {
		t.Error("worse than declared is held back")
	}
	if pass, _ := c.Apply(at.Add(2*time.Minute), bad(signal.Calls, signal.Partial, at.Add(2*time.Minute), at)); len(pass) != 1 {
		t.Error("what is an incident already is not told that it eased")
	}
}

// TestFinish: whoever says that the work is done is held to it.
func TestFinish(t *testing.T) {
	c, w := planned(t)
	at := w.Starts.Add(time.Minute)
	c.Apply(at, bad(signal.Calls, signal.Partial, at, at))
	if _, err := c.Finish(at, w.ID, "ana"); err != nil {
		t.Fatal(err)
	}
	if pass, _ := c.Apply(at.Add(time.Second), nil); len(pass) != 1 {
		t.Error("after the work is done it is still held back")
	}
}

// TestPlan is what a plan is refused for.
func TestPlan(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*maintenance.Window)
		want   error
	}{
		"whole":                  {func(*maintenance.Window) {}, nil},
		"no reason":              {func(w *maintenance.Window) { w.Reason = " " }, maintenance.ErrEmpty},
		"no effects":             {func(w *maintenance.Window) { w.Effects = nil }, maintenance.ErrEmpty},
		"an effect that is none": {func(w *maintenance.Window) { w.Effects[0].Worst = signal.Operational }, maintenance.ErrEffect},
		"no such capability":     {func(w *maintenance.Window) { w.Effects[0].Capability = "coffee" }, maintenance.ErrEffect},
		"no kind":                {func(w *maintenance.Window) { w.Kind = "" }, maintenance.ErrKind},
		"ends before it begins":  {func(w *maintenance.Window) { w.Ends = w.Starts }, maintenance.ErrOrder},
		"in the past":            {func(w *maintenance.Window) { w.Starts = noon.Add(-time.Hour) }, maintenance.ErrOrder},
		"today, as if planned":   {func(*maintenance.Window) {}, maintenance.ErrNotice},
		"today, an emergency":    {func(w *maintenance.Window) { w.Kind = maintenance.Emergency }, nil},
	} {
		w, now := plan(), noon.Add(-48*time.Hour)
		if strings.HasPrefix(name, "today") || name == "in the past" {
			now = noon
		}
		c.change(&w)
		if _, err := maintenance.New().Plan(now, w); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestParseTime: a time without its zone is refused, and one that does not
// exist or exists twice.
func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"2026-12-01T04:00:00+01:00":           "2026-12-01T03:00:00Z",
		"2026-12-01T04:00Z":                   "2026-12-01T04:00:00Z",
		"2026-12-01 04:00 Europe/Berlin":      "2026-12-01T03:00:00Z",
		"2026-12-01 04:00 Asia/Kathmandu":     "2026-11-30T22:15:00Z",
		"2020-06-01 04:00 Australia/Brisbane": "2020-05-31T18:00:00Z",
		"2026-12-01 04:00 UTC":                "2026-12-01T04:00:00Z",
		"2026-12-01 04:00":                    maintenance.ErrZone.Error(),
		"2026-12-01 04:00 CET":                maintenance.ErrZone.Error(),
		"2026-12-01 04:00 Local":              maintenance.ErrZone.Error(),
		"tomorrow Europe/Berlin":              maintenance.ErrZone.Error(),
		"2026-03-29 02:30 Europe/Berlin":      maintenance.ErrNoTime.Error(),
		"2026-10-25 02:30 Europe/Berlin":      maintenance.ErrTwice.Error(),
		"2026-10-25T02:30:00+02:00":           "2026-10-25T00:30:00Z",
	} {
		at, _, err := maintenance.ParseTime(text)
		got := at.Format(time.RFC3339)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// TestReplay: what a journal kept brings the calendar back.
func TestReplay(t *testing.T) {
	c, w := planned(t)
	twin := maintenance.New()
	take := func(changes ...maintenance.Change) {
		for _, ch := range changes {
			text, err := json.Marshal(ch)
			if err != nil {
				t.Fatal(err)
			}
			var kept maintenance.Change
			if err := json.Unmarshal(text, &kept); err != nil {
				t.Fatal(err)
			}
			twin.Replay(kept)
		}
	}
	other, err := c.Plan(noon, maintenance.Window{
		Kind: maintenance.Short, Title: "Certificate", Reason: "It runs out.", Who: "ben", Zone: "UTC",
		Effects: []maintenance.Effect{{Capability: signal.API, Worst: signal.Degraded}}, Starts: noon.Add(time.Hour), Ends: noon.Add(2 * time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	cancelled, err := c.Cancel(noon.Add(time.Minute), other.Window.ID, "ben", "It was renewed by itself.")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Cancel(noon, "77", "ben", ""); !errors.Is(err, maintenance.ErrUnknown) {
		t.Error("a window that is not there is cancelled:", err)
	}
	_, changes := c.Apply(w.Starts, nil)
	_, more := c.Apply(w.Ends, nil)
	first, _ := c.Get("1")
	first.Timeline, first.Status, first.Closed = first.Timeline[:1], maintenance.Scheduled, time.Time{}
	take(maintenance.Change{Window: first}, other, cancelled)
	take(append(changes, more...)...)
	if diff := cmp.Diff(c.List(), twin.List()); diff != "" {
		t.Errorf("(-calendar +replayed):\n%s", diff)
	}
	if got := c.List()[0]; got.Status != maintenance.Completed || len(got.Timeline) != 4 {
		t.Errorf("it is %s: %v", got.Status, got.Timeline)
	}
	if _, err := c.Cancel(w.Ends, "1", "ana", ""); !errors.Is(err, maintenance.ErrStarted) {
		t.Error("a window that is over is cancelled:", err)
	}
}

// TestAnnouncement tells the time in UTC and in the zone of the plan.
func TestAnnouncement(t *testing.T) {
	w := plan()
	want := "The database moves to a bigger machine. From 2026-06-01 18:00 to 2026-06-01 19:00 UTC (2026-06-02 04:00 to 05:00 AEST Australia/Brisbane) " +
		"these may not work: Function calls (at worst partial outage), Variables (at worst partial outage). Everything else does."
	if got := w.Announcement(); got != want {
		t.Error(got)
	}
}
