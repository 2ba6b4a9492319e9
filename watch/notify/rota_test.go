package notify_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/notify"
)

// turns are three people, each with one outlet. The tests' time begins on
// Saturday, 1 January 2000, in the second line's first week.
const turns = `
notify:
  url: https://status.example.com
  stages: [[rota/first], [rota/second], [rota/everybody]]
  rota:
    zone: Europe/Berlin
    handover: monday 09:00
    people: {ada: [team], bob: [archive], cy: [pager]}
    lines:
      first: {begins: 1999-12-27, turns: [ada, bob]}
      second: {begins: 1999-12-27, turns: [bob, cy]}
    away: [{who: bob, from: 2000-01-05, until: 2000-01-06}]
  outlets:
    pager: {type: pagerduty, routing_key: ` + routingKey + `}
    team: {type: webhook, url: "https://team.example.com/hook", secrets: [` + whsec + `]}
    archive: {type: webhook, url: "https://archive.example.com/hook", secrets: [` + whsec + `]}
`

// TestRota: who is on call is paged; who does not acknowledge within five
// minutes is passed over to the second, and then everybody is called. After
// the handover it is another's turn, and in a gap everybody's.
func TestRota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, turns)
		defer func() { b.stop() }()
		saturday := time.Now()
		b.notify(outage("n1", notify.Trigger))
		b.wait(6 * time.Minute)
		b.stop() // who was called outlives the process
		b.start()
		b.wait(5 * time.Minute)
		if err := b.Acknowledge(outage("", "").Key, "Ada"); err != nil {
			t.Fatal(err)
		}
		b.wait(time.Minute)
		want := []string{
			"    0s team alert.opened", "  5m0s archive alert.opened",
			" 10m0s pager trigger", " 10m0s team alert.reminded", " 10m0s archive alert.reminded",
			" 11m0s pager acknowledge", " 11m0s team alert.acknowledged", " 11m0s archive alert.acknowledged",
		}
		if diff := cmp.Diff(want, b.heard(saturday)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		b.notify(outage("n2", notify.Resolve))

		page := func(id string, at time.Time, want ...string) {
			t.Helper()
			b.wait(time.Until(at))
			n := outage(id, notify.Trigger)
			n.Key = id
			b.notify(n)
			b.wait(time.Second)
			n.ID, n.Kind = id+" is over", notify.Resolve
			b.notify(n)
			var got []string
			for _, line := range b.heard(at) {
				if strings.HasPrefix(line, "    0s") && strings.HasSuffix(line, "opened") || strings.HasPrefix(line, "    0s") && strings.HasSuffix(line, "trigger") {
					got = append(got, strings.Fields(line)[1])
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("at %v (-want +got):\n%s", at, diff)
			}
		}
		monday := time.Date(2000, 1, 3, 8, 0, 0, 0, time.UTC) // 09:00 in Berlin
		page("before", monday.Add(-time.Minute), "team")
		page("after", monday, "archive")
		page("bob is away", time.Date(2000, 1, 5, 12, 0, 0, 0, time.UTC), "pager", "team", "archive")
		page("bob is back", time.Date(2000, 1, 6, 12, 0, 0, 0, time.UTC), "archive")
		page("ada again", monday.AddDate(0, 0, 7), "team")
	})
}

// TestRotaStatus: who is on call can be read, with the outlets that stay silent;
// a test page goes to them too, and another rota counts from when it is given.
func TestRotaStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, turns)
		defer b.stop()
		s := b.Status()
		lines := strings.Join(s.Lines(func(at time.Time) string { return at.UTC().Format("01-02 15:04") }), "\n")
		for _, want := range []string{"first: ada, until 01-03 08:00; then bob", "second: bob, until 01-03 08:00; then cy", "team                stage 1", "archive             stage 2", "pager               stage 3"} {
			if !strings.Contains(lines, want) {
				t.Errorf("there is no %q in\n%s", want, lines)
			}
		}
		results, err := b.Test(t.Context(), "Ada")
		if err != nil || len(results) != 3 {
			t.Errorf("a test page reaches %+v: %v", results, err)
		}
		other, err := notify.ParseSettings([]byte(strings.Replace(turns, "turns: [ada, bob]", "turns: [cy]", 1)))
		if err != nil {
			t.Fatal(err)
		}
		r, err := other.Rota.Rota()
		if err != nil {
			t.Fatal(err)
		}
		b.Turn(r)
		before := len(b.pager.Incidents())
		b.notify(outage("n1", notify.Trigger))
		b.wait(time.Second)
		if after := len(b.pager.Incidents()); after != before+1 {
			t.Errorf("it is cy's turn now, and she has %d pages", after-before)
		}
	})
}

// TestLow: what wakes nobody goes to who hears such things, and to nobody's
// pager; when it becomes worse it goes on like any other page.
func TestLow(t *testing.T) {
	text := strings.Replace(settings, "  outlets:", "  low: [letters]\n  quiet: {from: \"22:00\", until: \"07:00\", zone: UTC}\n  outlets:\n    letters: {type: webhook, url: \"https://hc.example.com/hook\", secrets: ["+whsec+"]}", 1)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, text)
		defer b.stop()
		b.beat.Secret = b.team.Secret
		n := outage("n1", notify.Trigger)
		n.Severity = notify.Warning
		b.notify(n)
		b.wait(6 * time.Hour)
		if len(b.beat.Taken()) != 0 {
			t.Error("it is night, and somebody hears of what can wait")
		}
		b.wait(2 * time.Hour)
		if len(b.beat.Taken()) != 1 || len(b.pager.Requests()) != 0 || len(b.team.Requests()) != 0 {
			t.Errorf("what can wait: %d, %d pages", len(b.beat.Taken()), len(b.pager.Requests()))
		}
		if s := b.Status(); s.Red {
			t.Errorf("nobody has to be told of it at once: %v", s.Why)
		}
		b.notify(outage("n2", notify.Update)) // critical
		b.wait(time.Second)
		if len(b.pager.Incidents()) != 1 {
			t.Error("it has become worse, and nobody is paged")
		}
		b.notify(outage("n3", notify.Resolve))
		b.wait(time.Minute)
		taken := b.beat.Taken()
		if len(taken) != 3 || !strings.Contains(string(taken[2].Body), "alert.resolved") {
			t.Errorf("who heard of it hears its end: %d", len(taken))
		}
	})
}

// TestBadRota: what a stage or the list of low names has to be there.
func TestBadRota(t *testing.T) {
	for change, want := range map[[2]string]string{
		{"[rota/first]", "[rota/third]"}:           `notify: the rota has no line "third", which a stage names`,
		{"ada: [team]", "ada: [phone]"}:            `notify: there is no outlet "phone", which the rota or low names`,
		{"  rota:", "  low: [rota/none]\n  rota:"}: `notify: there is no outlet "rota/none", which the rota or low names`,
		{"Europe/Berlin", "Mars"}:                  `notify: rota: zone: "Mars" is no time zone such as Europe/Berlin`,
	} {
		if _, err := notify.ParseSettings([]byte(strings.Replace(turns, change[0], change[1], 1))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", change[1], err)
		}
	}
}
