package notify_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
)

// TestLife is an alert from trigger to resolve: what goes over the wire, in
// full, to PagerDuty and to a webhook.
func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, settings)
		defer b.stop()
		b.notify(outage("n1", notify.Trigger))
		b.wait(time.Minute)
		b.notify(outage("n2", notify.Update))
		b.wait(time.Minute)
		ack := outage("n3", notify.Acknowledge)
		ack.By = "Ada"
		b.notify(ack)
		b.wait(time.Minute)
		b.notify(outage("n4", notify.Resolve))
		b.notify(notify.Notice{ID: "n5", Kind: notify.Change, Summary: "Maintenance of the store begins", Links: []notify.Link{{Text: "Window", URL: "https://status.example.com/m/1"}}})
		b.wait(time.Minute)

		var text strings.Builder
		write := func(name string, list []notifytest.Request) {
			for _, r := range list {
				fmt.Fprintf(&text, "-- %s %s %s --\n", name, r.At.UTC().Format("15:04:05"), r.Path)
				for _, h := range []string{"Content-Type", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
					if v := r.Header.Get(h); v != "" {
						fmt.Fprintf(&text, "%s: %s\n", h, v)
					}
				}
				fmt.Fprintf(&text, "%s\n", r.Body)
			}
		}
		write("pagerduty", b.pager.Requests())
		write("archive", b.archive.Requests())
		golden(t, "life.txt", text.String())

		if got := len(b.team.Requests()); got != 1 { // the change
			t.Errorf("the second stage heard of a page that the first took: %d requests", got)
		}
		want := []notifytest.PagerIncident{{Key: outage("", "").Key, Summary: outage("", "").Summary, Severity: "critical", Triggers: 2, Acknowledged: true, Resolved: true}}
		got := b.pager.Incidents()
		got[0].Opened = time.Time{}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in PagerDuty (-want +got):\n%s", diff)
		}
		if s := b.Status(); s.Red || len(s.Alerts) != 0 {
			t.Errorf("after all is well: %+v", s)
		}
	})
}

// TestFallback: whatever the pager's trouble, the next stage hears of the page
// within ten seconds, and at once if there is no hope before; the pager goes on
// being asked, and has one incident in the end.
func TestFallback(t *testing.T) {
	for name, c := range map[string]struct {
		trouble notifytest.Trouble
		within  time.Duration
		asked   int // of the pager, in the first 12 s
	}{
		"hangs":        {notifytest.Trouble{Hang: time.Minute}, 10 * time.Second, 2},
		"500":          {notifytest.Trouble{Status: 500}, 9 * time.Second, 4},
		"429":          {notifytest.Trouble{Status: 429}, 9 * time.Second, 4},
		"429 for long": {notifytest.Trouble{Status: 429, RetryAfter: 60}, 0, 1},
		"400":          {notifytest.Trouble{Status: 400}, 0, 1},
		"redirect":     {notifytest.Trouble{Status: 302}, 0, 1},
		"200, not 202": {notifytest.Trouble{Status: 200}, 9 * time.Second, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, settings)
				defer b.stop()
				b.pager.Set(c.trouble)
				begun := time.Now()
				b.notify(outage("n1", notify.Trigger))
				b.wait(12 * time.Second)
				taken := b.team.Taken()
				if len(taken) != 1 {
					t.Fatalf("the second stage was told %d times", len(taken))
				}
				if got := taken[0].At.Sub(begun); got != c.within {
					t.Errorf("the second stage was told after %s, not %s", got, c.within)
				}
				if got := len(b.pager.Requests()); got != c.asked {
					t.Errorf("the pager was asked %d times, not %d", got, c.asked)
				}
				s := b.Status()
				if !s.Red || len(s.Alerts) != 1 || s.Alerts[0].Accepted.IsZero() {
					t.Errorf("the status while the pager is in trouble: %+v", s)
				}

				b.pager.Set(notifytest.Trouble{})
				b.wait(2 * time.Minute)
				final := c.trouble.Status == 400 || c.trouble.Status == 302
				if got := len(b.pager.Incidents()); got != 1 && !final {
					t.Errorf("once it works, the pager has %d incidents", got)
				}
				if got := len(b.team.Taken()); got != 1 {
					t.Errorf("the second stage was told %d times in the end", got)
				}
			})
		})
	}
}

// TestLost: 202 and nothing arrives is told from the outside by nothing but
// that nobody acknowledges. The proof says that the provider took it.
func TestLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, settings)
		defer b.stop()
		b.pager.For(1, notifytest.Trouble{Lose: true})
		b.notify(outage("n1", notify.Trigger))
		b.wait(time.Minute)
		a := b.Status().Alerts[0]
		if a.Acked != nil || len(a.Proof) != 2 || len(b.pager.Incidents()) != 0 {
			t.Fatalf("a page that the provider lost: %+v", a)
		}
		if p := a.Proof[0]; p.Outlet != "pager" && p.Outlet != "archive" || !strings.Contains(a.Proof[0].Words+a.Proof[1].Words, "202") {
			t.Errorf("the proof has not the provider's words: %+v", a.Proof)
		}
		b.notify(outage("n2", notify.Update))
		b.wait(time.Minute)
		if got := b.pager.Incidents(); len(got) != 1 {
			t.Errorf("news opens what was lost: %+v", got)
		}
	})
}

// TestRestart kills the process after each word that it writes: whatever it
// remembers, everybody hears of the alert, PagerDuty has one incident, and
// receivers that go by the id have each notice once.
func TestRestart(t *testing.T) {
	for lost := range 7 {
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, settings)
				b.pager.For(2, notifytest.Trouble{Status: 500})
				b.notify(outage("n1", notify.Trigger))
				b.wait(2 * time.Second)
				b.stop()
				b.journal.Cut(lost)
				if b.journal.Len() == 0 {
					t.Fatal("the notice itself was lost")
				}

				b.start()
				defer func() { b.stop() }()
				b.wait(time.Minute)
				if err := b.Notify(outage("n1", notify.Trigger)); err != nil {
					t.Errorf("who is in doubt says it again: %v", err)
				}
				b.wait(time.Minute)
				in := b.pager.Incidents()
				if len(in) != 1 || in[0].Resolved {
					t.Fatalf("incidents after the restart: %+v", in)
				}
				if got := len(b.archive.Taken()); got != 1 {
					t.Errorf("the archive has the notice %d times", got)
				}

				b.stop()
				b.start()
				b.notify(outage("n2", notify.Resolve))
				b.wait(time.Minute)
				if in := b.pager.Incidents(); len(in) != 1 || !in[0].Resolved {
					t.Errorf("after another restart, resolve has another key: %+v", in)
				}
			})
		})
	}
}

// TestAllDown: nobody can be reached for three hours. The status is red and
// says why, and the page arrives when somebody can.
func TestAllDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, settings)
		defer func() { b.stop() }()
		down := notifytest.Trouble{Status: 503}
		b.pager.Set(down)
		b.team.Set(down)
		b.archive.Set(down)
		b.notify(outage("n1", notify.Trigger))
		b.wait(3 * time.Hour)
		s := b.Status()
		if !s.Red || !strings.Contains(strings.Join(s.Why, "\n"), "nobody has been told of "+outage("", "").Key) {
			t.Errorf("nobody can be reached, and the status says: %+v", s.Why)
		}
		if len(s.Alerts[0].Lost) != 1 { // the archive, which pages nobody, was given up
			t.Errorf("given up: %+v", s.Alerts[0].Lost)
		}
		tries := len(b.pager.Requests())
		if most := 3 + 120 + 24 + 2; tries > most || tries < 120 {
			t.Errorf("the pager was asked %d times in three hours", tries)
		}
		b.stop()
		b.start()
		b.pager.Set(notifytest.Trouble{})
		b.wait(10 * time.Minute)
		if got := b.pager.Incidents(); len(got) != 1 {
			t.Errorf("when the pager is back: %+v", got)
		}
	})
}

// TestJournalFull: a disk that is full holds no page back, and is shown in red.
func TestJournalFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, settings)
		defer b.stop()
		b.journal.Fill(true)
		b.notify(outage("n1", notify.Trigger))
		b.wait(time.Second)
		if got := b.pager.Incidents(); len(got) != 1 {
			t.Fatalf("incidents: %+v", got)
		}
		if s := b.Status(); !s.Red || !strings.Contains(s.Why[0], "no space left") {
			t.Errorf("why: %q", s.Why)
		}
		b.journal.Fill(false)
		b.notify(outage("n2", notify.Resolve))
		b.wait(time.Second)
		if s := b.Status(); s.Red {
			t.Errorf("the disk has room again, and the status says %q", s.Why)
		}
	})
}

// TestCoalesce: of much news in a short time an outlet hears the first and the
// last.
func TestCoalesce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, strings.Replace(settings, "stages:", "escalate: -1s\n  stages:", 1))
		defer b.stop()
		b.notify(outage("n0", notify.Trigger))
		for i := range 100 {
			n := outage(fmt.Sprintf("u%d", i), notify.Update)
			n.Summary = fmt.Sprintf("%d of 100 fail", i)
			b.notify(n)
			b.wait(100 * time.Millisecond)
		}
		b.wait(time.Hour)
		in := b.pager.Incidents()
		if len(in) != 1 || in[0].Triggers > 2 || in[0].Summary != "99 of 100 fail" {
			t.Errorf("after a hundred pieces of news: %+v", in)
		}
	})
}

// TestRate: three hundred alerts at once go out without the provider having to
// refuse one, and none is lost.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, settings)
		defer b.stop()
		for i := range 300 {
			n := outage(fmt.Sprintf("n%d", i), notify.Trigger)
			n.Key = fmt.Sprintf("k%d", i)
			b.notify(n)
		}
		b.wait(5 * time.Minute)
		if in, asked := len(b.pager.Incidents()), len(b.pager.Requests()); in != 300 || asked != 300 {
			t.Errorf("%d incidents of %d requests", in, asked)
		}
	})
}

// TestAcknowledge: once somebody has an alert, nobody else is called.
func TestAcknowledge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, settings)
		defer b.stop()
		b.pager.Set(notifytest.Trouble{Hang: time.Minute})
		b.notify(outage("n1", notify.Trigger))
		b.wait(5 * time.Second)
		if err := b.Acknowledge(outage("", "").Key, "Ada"); err != nil {
			t.Fatal(err)
		}
		b.pager.Set(notifytest.Trouble{})
		b.wait(time.Hour)
		if got := len(b.team.Requests()); got != 0 {
			t.Errorf("the second stage was called %d times", got)
		}
		for _, r := range b.pager.Requests()[1:] {
			if !strings.Contains(string(r.Body), `"acknowledge"`) {
				t.Errorf("the pager is told after the acknowledgement: %s", r.Body)
			}
		}
		if err := b.Acknowledge("no such key", "Ada"); err == nil {
			t.Error("an alert that does not exist was acknowledged")
		}
	})
}

// TestLateResolve: an incident that is over before anybody could be told is
// told all the same, in order; who never heard of it hears nothing if somebody
// else did.
func TestLateResolve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, settings)
		defer b.stop()
		b.pager.Set(notifytest.Trouble{Status: 500})
		b.notify(outage("n1", notify.Trigger))
		b.wait(4 * time.Second)
		b.notify(outage("n2", notify.Resolve))
		b.pager.Set(notifytest.Trouble{})
		b.wait(time.Minute)
		in := b.pager.Incidents()
		if len(in) != 1 || !in[0].Resolved || len(b.team.Requests()) != 0 {
			t.Errorf("incidents: %+v; the second stage: %d", in, len(b.team.Requests()))
		}
		if err := b.Notify(outage("n3", notify.Update)); err == nil {
			t.Error("there is news of what is over")
		}
		b.notify(outage("n4", notify.Trigger))
		b.wait(time.Minute)
		if in := b.pager.Incidents(); len(in) != 2 || in[1].Resolved {
			t.Errorf("the same key, opened again: %+v", in)
		}
	})
}

// TestQuiet: what can wait waits until the morning, in the zone that the
// settings name; what cannot does not, and neither does what gets worse.
func TestQuiet(t *testing.T) {
	text := settings + `
  quiet: {from: "22:00", until: "07:00", zone: Europe/Berlin}`
	synctest.Test(t, func(t *testing.T) { // 2000-01-01 00:00 UTC is 01:00 in Berlin
		b := newBench(t, text)
		defer b.stop()
		warning := outage("n1", notify.Trigger)
		warning.Severity, warning.Key = notify.Warning, "disk"
		b.notify(warning)
		b.notify(outage("n2", notify.Trigger))
		b.wait(time.Minute)
		if in := b.pager.Incidents(); len(in) != 1 || in[0].Severity != "critical" || b.Status().Red {
			t.Fatalf("at night: %+v, %q", in, b.Status().Why)
		}
		worse := warning
		worse.ID, worse.Key = "n3", "cert"
		b.notify(worse)
		worse.ID, worse.Kind, worse.Severity = "n4", notify.Update, notify.Error
		b.notify(worse)
		b.wait(time.Minute)
		if in := b.pager.Incidents(); len(in) != 2 || in[1].Key != "cert" {
			t.Fatalf("what gets worse: %+v", in)
		}
		b.wait(5*time.Hour + 57*time.Minute)
		if in := b.pager.Incidents(); len(in) != 2 {
			t.Errorf("before seven: %+v", in)
		}
		b.wait(2 * time.Minute)
		if in := b.pager.Incidents(); len(in) != 3 || in[2].Key != "disk" {
			t.Errorf("at seven: %+v", in)
		}
	})
}

// TestTestPage: every outlet says what it thinks of a test, none is called in
// vain for long, and one that was given up gets another chance.
func TestTestPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, settings)
		defer b.stop()
		b.team.For(1, notifytest.Trouble{Status: 410})
		b.archive.Set(notifytest.Trouble{Status: 502})
		results, err := b.Test(t.Context(), "Ada")
		if err != nil || len(results) != 3 || !results[0].OK || results[1].OK || results[2].OK {
			t.Fatalf("%+v, %v", results, err)
		}
		b.archive.Set(notifytest.Trouble{})
		b.wait(10 * time.Minute)
		in := b.pager.Incidents()
		if len(in) != 1 || !in[0].Resolved || !strings.HasPrefix(in[0].Summary, "Test page") {
			t.Errorf("after the test: %+v", in)
		}
		if s := b.Status(); !s.Red || !strings.Contains(s.Why[0], "team takes nothing any more") {
			t.Errorf("410 is shown as %q", s.Why)
		}
		if _, err := b.Test(t.Context(), "Ada"); err != nil {
			t.Fatal(err)
		}
		if s := b.Status(); s.Red {
			t.Errorf("the outlet takes pages again, and the status says %q", s.Why)
		}
	})
}
