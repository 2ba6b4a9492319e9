package notify_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
)

// three are three stages of webhooks, which can be told apart, and a pager.
const three = `
notify:
  url: https://status.example.com
  stages: [[pager], [team], [archive]]
  outlets:
    pager: {type: pagerduty, routing_key: ` + routingKey + `}
    team: {type: webhook, url: "https://team.example.com/hook", secrets: [` + whsec + `]}
    archive: {type: webhook, url: "https://archive.example.com/hook", secrets: [` + whsec + `]}
`

// heard lists what outlets took, in order of time: when, who, and what.
func (b *bench) heard(begun time.Time) []string {
	b.t.Helper()
	var list []string
	add := func(name string, r notifytest.Request) {
		var e struct {
			Type   string `json:"type"`
			Action string `json:"event_action"`
		}
		if err := json.Unmarshal(r.Body, &e); err != nil {
			b.t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%6s %s %s%s", r.At.Sub(begun), name, e.Type, e.Action))
	}
	for _, r := range b.pager.Requests() {
		add("pager", r)
	}
	for _, r := range b.team.Taken() {
		add("team", r)
	}
	for _, r := range b.archive.Taken() {
		add("archive", r)
	}
	slices.SortStableFunc(list, func(a, b string) int {
		var x, y time.Duration
		x, _ = time.ParseDuration(strings.Fields(a)[0])
		y, _ = time.ParseDuration(strings.Fields(b)[0])
		return int(x - y)
	})
	return list
}

// TestEscalate: a page that was taken and that nobody acknowledges goes from
// stage to stage, and round, until somebody does; who has it already is
// reminded, and who acknowledges ends it.
func TestEscalate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, three)
		defer func() { b.stop() }()
		b.stop()
		var steps []string
		begun := time.Now()
		b.config.OnEscalated = func(e notify.Escalation) {
			steps = append(steps, fmt.Sprintf("%s call %d: stage %d %v", e.At.Sub(begun), e.Calls, e.Stage, e.Outlets))
		}
		b.start()
		b.notify(outage("n1", notify.Trigger))
		b.wait(11*time.Minute + 30*time.Second)
		b.stop() // what is to come outlives the process
		b.wait(2 * time.Minute)
		b.start()
		b.wait(9 * time.Minute)
		if err := b.Acknowledge(outage("", "").Key, "Ada"); err != nil {
			t.Fatal(err)
		}
		b.wait(24 * time.Hour)
		b.notify(outage("n2", notify.Resolve))
		b.wait(time.Minute)
		want := []string{
			"    0s pager trigger", "  5m0s team alert.opened", " 10m0s archive alert.opened",
			" 15m0s pager trigger", " 20m0s team alert.reminded",
			"22m30s pager acknowledge", "22m30s team alert.acknowledged", "22m30s archive alert.acknowledged",
			"24h22m30s pager resolve", "24h22m30s team alert.resolved", "24h22m30s archive alert.resolved",
		}
		if diff := cmp.Diff(want, b.heard(begun)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		wantSteps := []string{
			"5m0s call 1: stage 2 [team]", "10m0s call 2: stage 3 [archive]", "15m0s call 3: stage 1 [pager]", "20m0s call 4: stage 2 [team]",
		}
		if diff := cmp.Diff(wantSteps, steps); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		ids := map[string]bool{}
		for _, r := range b.team.Taken() {
			ids[r.Header.Get("Webhook-Id")] = true
		}
		if len(ids) != 4 || !ids["n1#4"] || !strings.Contains(string(b.team.Taken()[1].Body), "Nobody has it yet: New connections") {
			t.Errorf("the reminder: %v %s", ids, b.team.Taken()[1].Body)
		}
	})
}

// TestEscalationOutlivesThePower kills the process after each word that it
// writes, while reminders are under way: whatever it remembers, the call that
// was due is made, and nobody who goes by the id hears it twice.
func TestEscalationOutlivesThePower(t *testing.T) {
	for lost := range 9 {
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, three)
				defer func() { b.stop() }()
				begun := time.Now()
				b.notify(outage("n1", notify.Trigger))
				b.wait(16 * time.Minute)
				b.pager.Set(notifytest.Trouble{Status: 500}) // nothing of the first call is lost
				b.wait(5 * time.Minute)
				b.stop()
				b.journal.Cut(lost)
				b.start()
				b.wait(time.Minute)
				for name, list := range map[string][]notifytest.Request{"team": b.team.Taken(), "archive": b.archive.Taken()} {
					seen := map[string]bool{}
					for _, r := range list {
						if id := r.Header.Get("Webhook-Id"); seen[id] {
							t.Errorf("%s took %s twice", name, id)
						} else {
							seen[id] = true
						}
					}
					if !seen["n1"] {
						t.Errorf("%s never heard of it", name)
					}
				}
				if s := b.Status(); len(s.Alerts) != 1 || s.Alerts[0].Calls < 3 || s.Alerts[0].CallAt.IsZero() {
					t.Errorf("after %s: %+v", time.Since(begun), s.Alerts)
				}
				before := b.Status().Alerts[0].Calls
				b.wait(5 * time.Minute)
				if got := b.Status().Alerts[0].Calls; got != before+1 {
					t.Errorf("five minutes later somebody was called %d times", got-before)
				}
			})
		})
	}
}

// TestNeverEscalates: what wakes nobody, what is an exercise, what somebody has
// or what is over calls nobody again; nor does anything where that is set.
func TestNeverEscalates(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		do   func(b *bench)
	}{
		"a warning": {three, func(b *bench) {
			n := outage("n1", notify.Trigger)
			n.Severity = notify.Warning
			b.notify(n)
		}},
		"over": {three, func(b *bench) {
			b.notify(outage("n1", notify.Trigger))
			b.wait(4 * time.Minute)
			b.notify(outage("n2", notify.Resolve))
		}},
		"never": {strings.Replace(three, "stages:", "escalate: -1s\n  stages:", 1), func(b *bench) { b.notify(outage("n1", notify.Trigger)) }},
		"a change": {three, func(b *bench) {
			b.notify(notify.Notice{ID: "n1", Kind: notify.Change, Severity: notify.Critical, Summary: "An upgrade"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, c.text)
				defer b.stop()
				c.do(b)
				b.wait(time.Minute)
				before := len(b.heard(time.Now()))
				b.wait(24 * time.Hour)
				if got := len(b.heard(time.Now())); got != before || b.Status().Escalations != 0 {
					t.Errorf("%d outlets were called in a day", got-before)
				}
			})
		})
	}
}

// TestEveryStageFails: a stage that does not take its call is not waited for,
// in the second round neither; one whose provider refused the page for good is
// asked anew.
func TestEveryStageFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, three)
		defer b.stop()
		begun := time.Now()
		b.pager.Set(notifytest.Trouble{Status: 400})
		b.notify(outage("n1", notify.Trigger))
		b.wait(time.Minute) // the team has it at once
		b.team.Set(notifytest.Trouble{Status: 503})
		b.wait(10 * time.Minute) // archive, pager (no hope), team (in vain)
		b.wait(20 * time.Second) // and from there on to the archive
		b.pager.Set(notifytest.Trouble{})
		b.wait(10 * time.Minute)
		var got []string
		for _, line := range b.heard(begun) {
			got = append(got, strings.TrimSpace(line))
		}
		want := []string{
			"0s pager trigger", "0s team alert.opened", "5m0s archive alert.opened", "10m0s pager trigger", "10m9s archive alert.reminded",
			"15m9s pager trigger",
		}
		if diff := cmp.Diff(want, got[:min(len(got), len(want))]); diff != "" {
			t.Errorf("(-want +got):\n%s", strings.Join(got, "\n"))
		}
		s := b.Status()
		if !s.Red || !strings.Contains(strings.Join(s.Why, "\n"), "nobody has acknowledged") {
			t.Errorf("everybody has been called, and the status says %q", s.Why)
		}
	})
}

// TestEscalateSetting is what the setting may be.
func TestEscalateSetting(t *testing.T) {
	for text, ok := range map[string]bool{"0s": true, "-1s": true, "10s": true, "9s": false, "25h": false} {
		_, err := notify.ParseSettings([]byte(strings.Replace(three, "stages:", "escalate: "+text+"\n  stages:", 1)))
		if (err == nil) != ok {
			t.Errorf("escalate: %s: %v", text, err)
		}
	}
}
