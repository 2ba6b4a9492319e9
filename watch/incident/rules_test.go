package incident_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// TestRetryWithin is the devices' own clock.
func TestRetryWithin(t *testing.T) {
	for tried, want := range map[time.Duration]time.Duration{
		0: time.Second, 6 * time.Second: 2 * time.Second, time.Minute: 8 * time.Second,
		10 * time.Minute: 64 * time.Second, 11 * time.Minute: 128 * time.Second, 48 * time.Hour: 128 * time.Second,
	} {
		if got := incident.RetryWithin(tried); got != want {
			t.Errorf("after %v they retry within %v, want %v", tried, got, want)
		}
	}
}

// TestOver is when so few devices are open that an incident may be closed.
func TestOver(t *testing.T) {
	for name, c := range map[string]struct {
		r    incident.Recovery
		want bool
	}{
		"nobody hit":               {incident.Recovery{}, true},
		"all answer":               {incident.Recovery{Affected: 20, Connected: 20, Answering: 20}, true},
		"one of 20 in limbo":       {incident.Recovery{Affected: 20, Connected: 20, Answering: 19}, false},
		"one of 20 is missing":     {incident.Recovery{Affected: 20, Connected: 19, Answering: 19, Missing: 1}, false},
		"it is listed":             {incident.Recovery{Affected: 20, Connected: 19, Answering: 19, Missing: 1, Listed: 1}, true},
		"a thousandth is too many": {incident.Recovery{Affected: 1000, Connected: 1000, Answering: 999}, false},
		"less is not":              {incident.Recovery{Affected: 1001, Connected: 1001, Answering: 1000}, true},
	} {
		if got := c.r.Over(); got != c.want {
			t.Errorf("%s: over is %v", name, got)
		}
	}
}

// TestNeverGreener: whatever people do, no capability is shown better than it
// was measured last, and what a closed incident says is that nothing fails.
func TestNeverGreener(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		book := incident.NewBook()
		measured := map[signal.Capability]signal.Severity{}
		now := time.Unix(1590901200, 0).UTC()
		capability := rapid.SampledFrom(signal.Capabilities())
		severity := rapid.Map(rapid.IntRange(0, 3), func(n int) signal.Severity { return signal.Severity(n) })
		for range rapid.IntRange(1, 60).Draw(t, "turns") {
			now = now.Add(time.Duration(rapid.IntRange(1, 1200).Draw(t, "seconds")) * time.Second)
			c, s := capability.Draw(t, "capability"), severity.Draw(t, "severity")
			id := rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "id")
			switch rapid.IntRange(0, 3).Draw(t, "act") {
			case 0:
				measured[c] = s
				book.Apply(now, []signal.Judgement{{At: now, Since: now.Add(-20 * time.Second), Capability: c, Severity: s}}, incident.Recovery{})
			case 1:
				_, _ = book.Worsen(now, id, "ana", c, s, "words") // what it refuses is the point
			case 2:
				_, _ = book.Dispute(now, id, "ana", "words")
			default:
				book.Apply(now, nil, incident.Recovery{})
			}
			shown := book.Severities()
			for c, s := range measured {
				if shown[c] < s {
					t.Fatalf("%s is measured as %s and shown as %s", c, s, shown[c])
				}
			}
			for _, i := range book.List() {
				if !i.Open() && i.Failing() {
					t.Fatalf("incident %d is closed and %s", i.Number, i.Fails())
				}
			}
		}
	})
}

// TestEndsWhenItWorkedAgain: that a fault is over is sure only a while after it
// was, and what is said of its length goes by the fault. A count of devices
// that is older than the word that it is over closes nothing.
func TestEndsWhenItWorkedAgain(t *testing.T) {
	book := incident.NewBook()
	began := time.Unix(1590901200, 0).UTC()
	mended := began.Add(2 * time.Hour)
	sure := mended.Add(50 * time.Second)
	old := incident.Recovery{At: mended.Add(40 * time.Second), Affected: 3, Connected: 3, Answering: 3}
	book.Apply(began.Add(20*time.Second), []signal.Judgement{{At: began, Since: began, Capability: signal.ConnectTCP, Severity: signal.Major}}, incident.Recovery{})
	book.Apply(sure, []signal.Judgement{{At: sure, Well: mended, Capability: signal.ConnectTCP}}, old)
	i, err := book.Get("1")
	if err != nil || !i.Milestones().Fixed.Equal(mended) || i.Lasted(sure) != 2*time.Hour || i.Status != incident.Monitoring {
		t.Errorf("fixed at %v after %v, %s: %v", i.Milestones().Fixed, i.Lasted(sure), i.Status, err)
	}
	old.At = sure.Add(5 * time.Second)
	book.Apply(sure.Add(6*time.Second), nil, old)
	if i, err := book.Get("1"); err != nil || !i.Open() {
		t.Errorf("it may come back, and it is %s: %v", i.Status, err)
	}
	book.Apply(mended.Add(105*time.Second), nil, old)
	if i, err := book.Get("1"); err != nil || i.Open() {
		t.Errorf("everybody was counted, and it is %s: %v", i.Status, err)
	}
}

// TestComesAndGoes: what fails for a minute and a half and works for as long, for
// an hour, is one incident, which is not called over in between; nor while runs
// of it are in doubt. It is when that has ended.
func TestComesAndGoes(t *testing.T) {
	const half = 90 * time.Second
	book, began := incident.NewBook(), time.Unix(1590901200, 0).UTC()
	said := map[incident.Kind]int{}
	end := began.Add(time.Hour)
	for at := began; at.Before(end.Add(10 * time.Minute)); at = at.Add(time.Second) {
		var judged []signal.Judgement
		if at.Before(end) {
			switch phase := at.Sub(began) % (2 * half); phase {
			case 12 * time.Second: // a run that has not ended
				judged = []signal.Judgement{{At: at, Capability: signal.ConnectTCP, Suspect: true}}
			case 20 * time.Second:
				judged = []signal.Judgement{{At: at, Since: at.Add(-18 * time.Second), Capability: signal.ConnectTCP, Severity: signal.Major, Suspect: true}}
			case half + 50*time.Second:
				judged = []signal.Judgement{{At: at, Well: at.Add(-48 * time.Second), Capability: signal.ConnectTCP}}
			}
		}
		for _, c := range book.Apply(at, judged, incident.Recovery{At: at, Affected: 3, Connected: 3, Answering: 3}) {
			said[c.Kind]++
		}
	}
	if said[incident.Opened] != 1 || said[incident.Closed] != 1 || said[incident.Reopened] < 18 {
		t.Errorf("people hear %v", said)
	}
	if i, err := book.Get("1"); err != nil || i.Open() || i.Resolved.After(end.Add(2*time.Minute)) {
		t.Errorf("it is %s since %v: %v", i.Status, i.Resolved, err)
	}
}
