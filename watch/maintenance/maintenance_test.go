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
	looks(c, works.Add(-time.Minute), works, 10*time.Second, true, signal.StepCall, signal.StepVariable)
	if got := c.List()[0]; got.Status != maintenance.Verifying {
		t.Error("it closes while it is judged to fail")
	}
	pass, _ = c.Apply(works, []signal.Judgement{{At: works, Capability: signal.Calls}})
	if len(pass) != 1 {
		t.Error("nobody is told that it works again")
	}
	if got := c.List()[0]; got.Status != maintenance.Completed || !got.Closed.Equal(works) {
		t.Errorf("it is %s", got.Status)
	}
}

// looks has a canary look every so often, and the calendar asked each second.
func looks(c *maintenance.Calendar, from, until time.Time, every time.Duration, ok bool, steps ...signal.StepName) (pass []signal.Judgement, changes []maintenance.Change) {
	for now := from; now.Before(until); now = now.Add(time.Second) {
		if now.Sub(from)%every == 0 {
			c.Saw(seen(now, ok, steps...))
		}
		judged, turned := c.Apply(now, nil)
		pass, changes = append(pass, judged...), append(changes, turned...)
	}
	return pass, changes
}

// seen is a run of a canary that ended just now; where it is not well its last
// step failed.
func seen(now time.Time, ok bool, steps ...signal.StepName) *signal.Result {
	r := &signal.Result{Vantage: "local", Ingress: "public", Transport: "udp", Story: signal.Held, Started: now.Add(-time.Second), Ended: now, OK: ok}
	for n, s := range steps {
		r.Steps = append(r.Steps, signal.Step{Name: s, OK: ok || n < len(steps)-1})
	}
	if !ok {
		r.Reason, r.Evidence = "timeout", "nothing came for 8 s"
	}
	return r
}

// TestClosesAfterACheck: the announced end closes no window. Three runs in a row
// of every canary do that look at what it declared, begun after that.
func TestClosesAfterACheck(t *testing.T) {
	c, w := planned(t)
	steps := []signal.StepName{signal.StepCall, signal.StepVariable}
	looks(c, w.Starts, w.Ends, 10*time.Second, true, steps...)
	_, changes := c.Apply(w.Ends, nil)
	if got := c.List()[0]; got.Status != maintenance.Verifying || len(changes) != 1 {
		t.Fatalf("at its end it is %s: %v", got.Status, changes)
	}
	want := []maintenance.Check{{Capability: signal.Calls, State: maintenance.Waiting, Of: 3}, {Capability: signal.Variables, State: maintenance.Waiting, Of: 3}}
	if diff := cmp.Diff(want, c.List()[0].Checks); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.Saw(seen(w.Ends.Add(time.Millisecond), true, steps...)) // it began before the end
	other := seen(w.Ends.Add(2*time.Second), true, steps...)
	other.Transport = "tcp"
	c.Saw(other)
	for n := range 3 {
		if got := c.List()[0]; got.Status != maintenance.Verifying {
			t.Fatalf("after %d runs it is %s", n, got.Status)
		}
		at := w.Ends.Add(time.Duration(10*n+10) * time.Second)
		c.Saw(seen(at, true, steps...))
		c.Apply(at, nil)
	}
	if got := c.List()[0]; got.Status != maintenance.Verifying || got.Checks[0].Runs != 1 {
		t.Errorf("one canary has come through three times, the other has not, and it is %s: %v", got.Status, got.Checks)
	}
	at := w.Ends.Add(time.Minute)
	for range 2 {
		other := seen(at, true, steps...)
		other.Transport = "tcp"
		c.Saw(other)
	}
	_, changes = c.Apply(at, nil)
	if got := c.List()[0]; got.Status != maintenance.Completed || got.Overran || len(changes) != 1 || changes[0].Text != "Completed: everything that it touched is measured to work." {
		t.Errorf("it is %s: %v", got.Status, changes)
	}
	if got := c.List()[0].Checks; len(got) != 2 || got[0].State != maintenance.Proven || got[0].Runs != 3 {
		t.Errorf("%+v", got)
	}
}

// TestCheckFails: a capability that fails too seldom for any judge, and so does
// not pass its check, is an incident by itself; it ends when the check passes,
// whatever the judge says meanwhile.
func TestCheckFails(t *testing.T) {
	c, w := planned(t)
	end := w.Ends.Add(5 * time.Minute)
	var pass []signal.Judgement
	for now := w.Ends; now.Before(end); now = now.Add(time.Second) {
		if n := int(now.Sub(w.Ends) / time.Second); n%10 == 5 {
			c.Saw(seen(now, n%30 != 25, signal.StepVariable, signal.StepCall)) // one call in three fails
		}
		judged, _ := c.Apply(now, nil)
		pass = append(pass, judged...)
	}
	if got := c.List()[0]; len(pass) != 0 || got.Status != maintenance.Verifying || got.Overran {
		t.Fatalf("before its time is over: %v, %s", pass, got.Status)
	}
	pass, changes := c.Apply(end, nil)
	if len(pass) != 1 || pass[0].Capability != signal.Calls || pass[0].Severity != signal.Degraded || pass[0].Since.Before(w.Ends) ||
		pass[0].Reason != "timeout" || !strings.Contains(pass[0].Evidence, "New database") {
		t.Fatalf("at the end of the check: %+v", pass)
	}
	if got := c.List()[0]; !got.Overran || len(changes) != 1 || got.Checks[0].State != maintenance.Failing || got.Checks[1].State != maintenance.Proven {
		t.Errorf("%v %+v", changes, got.Checks)
	}
	calm := signal.Judgement{At: end, Capability: signal.Calls}
	if pass, _ = c.Apply(end.Add(time.Second), []signal.Judgement{calm}); len(pass) != 0 {
		t.Errorf("a judge who never called it an outage ends it: %v", pass)
	}
	pass, _ = looks(c, end.Add(2*time.Second), end.Add(20*time.Second), 10*time.Second, true, signal.StepVariable, signal.StepCall)
	if len(pass) != 0 {
		t.Errorf("two runs end it: %v", pass)
	}
	pass, _ = looks(c, end.Add(22*time.Second), end.Add(30*time.Second), 10*time.Second, true, signal.StepVariable, signal.StepCall)
	if got := c.List()[0]; len(pass) != 1 || pass[0].Severity != signal.Operational || got.Status != maintenance.Completed || !got.Overran {
		t.Errorf("after three: %v, %s", pass, got.Status)
	}
	if pass, _ = c.Apply(end.Add(time.Minute), []signal.Judgement{calm}); len(pass) != 1 {
		t.Error("the judge is not heard any more")
	}
}

// TestJudgeTakesOver: what did not pass its check and is then judged to fail is
// the judge's matter.
func TestJudgeTakesOver(t *testing.T) {
	c, w := planned(t)
	end := w.Ends.Add(5 * time.Minute)
	looks(c, w.Ends, end, 10*time.Second, false, signal.StepVariable, signal.StepCall)
	pass, _ := c.Apply(end, nil)
	if len(pass) != 1 {
		t.Fatalf("%v", pass)
	}
	worse := bad(signal.Calls, signal.Major, end.Add(time.Second), end.Add(-time.Minute))
	if pass, _ = c.Apply(end.Add(time.Second), worse); len(pass) != 1 || pass[0].Severity != signal.Major {
		t.Errorf("%v", pass)
	}
	looks(c, end.Add(2*time.Second), end.Add(time.Minute), 10*time.Second, true, signal.StepVariable, signal.StepCall)
	if got := c.List()[0]; got.Status != maintenance.Verifying {
		t.Error("it closes against the judge")
	}
	if pass, _ = c.Apply(end.Add(time.Minute), []signal.Judgement{{At: end.Add(time.Minute), Capability: signal.Calls}}); len(pass) != 1 {
		t.Errorf("that it works is told %d times", len(pass))
	}
	if got := c.List()[0]; got.Status != maintenance.Completed {
		t.Errorf("it is %s", got.Status)
	}
}

// TestNobodyChecks: what nobody ever measured holds no window open, and the
// window says so; where somebody looked and does not any more, it stays open.
func TestNobodyChecks(t *testing.T) {
	c, w := planned(t)
	c.Apply(w.Ends, nil)
	if c.Apply(w.Ends.Add(5*time.Minute-time.Second), nil); c.List()[0].Status != maintenance.Verifying {
		t.Error("nobody is waited for")
	}
	_, changes := c.Apply(w.Ends.Add(5*time.Minute), nil)
	if len(changes) != 1 || changes[0].Text != "Completed. Nobody measures what it touched: Function calls, Variables." {
		t.Errorf("%v", changes)
	}

	c, w = planned(t)
	looks(c, w.Ends.Add(-10*time.Minute), w.Ends.Add(-time.Minute), 10*time.Second, true, signal.StepCall)
	pass, changes := looks(c, w.Ends, w.Ends.Add(10*time.Minute), time.Hour, true)
	if got := c.List()[0]; got.Status != maintenance.Verifying || !got.Overran || len(pass) != 0 || len(changes) != 2 ||
		changes[1].Text != "Nobody has looked at this since the work was over: Function calls. Treat it as unknown." {
		t.Errorf("%v, %v", pass, changes)
	}
}

// TestReminders: a day and an hour before, each once, and not to those who were
// told just before.
func TestReminders(t *testing.T) {
	for ahead, want := range map[time.Duration][]time.Duration{
		7 * 24 * time.Hour: {24 * time.Hour, time.Hour}, 30 * time.Hour: {time.Hour}, 2 * time.Hour: {time.Hour}, 90 * time.Minute: nil,
	} {
		c, w := maintenance.New(), plan()
		if ahead < 24*time.Hour {
			w.Kind = maintenance.Short
		}
		if _, err := c.Plan(w.Starts.Add(-ahead), w); err != nil {
			t.Fatal(err)
		}
		var got []time.Duration
		for now := w.Starts.Add(-ahead); now.Before(w.Starts); now = now.Add(time.Minute) {
			_, changes := c.Apply(now, nil)
			for _, change := range changes {
				if !strings.HasPrefix(change.Text, "Reminder. ") || !strings.Contains(change.Text, w.Announcement()) || change.Window.Status != maintenance.Scheduled {
					t.Errorf("%s", change.Text)
				}
				got = append(got, w.Starts.Sub(now))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("planned %v ahead (-want +got):\n%s", ahead, diff)
		}
	}
	c, w := planned(t)
	kept := c.List()[0]
	kept.Planned = w.Starts.Add(-7 * 24 * time.Hour)
	again := maintenance.New()
	again.Replay(maintenance.Change{Window: kept})
	if _, changes := again.Apply(w.Starts.Add(-10*time.Minute), nil); len(changes) != 1 {
		t.Errorf("nobody was there at either time, and it is said %d times", len(changes))
	}
	if _, changes := again.Apply(w.Starts.Add(-9*time.Minute), nil); len(changes) != 0 {
		t.Error("it is said again")
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
	_, more := looks(c, w.Ends, w.Ends.Add(time.Minute), 10*time.Second, true, signal.StepCall, signal.StepVariable)
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
