package oncall_test

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/oncall"
	"github.com/cyan-cloud/cyan/watch/rota"
	"github.com/cyan-cloud/cyan/watch/status"
)

// turns is a rota of one person, who goes away. Time begins on Saturday, 1
// January 2000.
const turns = `
notify:
  stages: [[rota/first]]
  low: [team]
  rota:
    zone: UTC
    people: {ada: [phone]}
    lines: {first: {begins: 1999-12-27, turns: [ada]}}
    away: [{who: ada, from: 2000-01-11 12:00, until: 2000-01-13}]
  outlets:
    phone: {type: pagerduty, routing_key: 0123456789abcdef0123456789abcdef}
    team: {type: webhook, url: "https://team.example.com/hook", secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}
`

// settingsFile is the file that the rota is read from.
type settingsFile struct {
	mu   sync.Mutex
	text string // guarded by mu
}

func (f *settingsFile) write(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = text
}

func (f *settingsFile) rota() (*rota.Rota, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, err := pager.ParseSettings([]byte(f.text))
	if err != nil {
		return nil, err
	}
	return s.Rota.Rota()
}

// TestGapsAreSaid: a gap is said a week before it comes, a day before, and when
// it begins; once each, over a restart too, by outlets that wake nobody. Who
// covers it ends it; one that comes back is said again.
func TestGapsAreSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := &settingsFile{text: turns}
		r := &room{t: t, data: t.TempDir(), text: turns, more: func(c *oncall.Config) { c.Rota, c.RotaEvery, c.DeploysEvery = file.rota, 3*time.Hour, 24*time.Hour }}
		r.open(false)
		defer func() { r.end() }()
		begun := time.Now()
		day := func(n int) { r.wait(time.Until(begun.AddDate(0, 0, n)), 3*time.Hour) }
		day(3)
		if got := r.told(); len(got) != 0 {
			t.Errorf("a gap is a week and more away: %v", got)
		}
		day(5)
		r.end()
		r.open(false)
		day(11)
		day(14)
		want := []string{
			"alert.opened Nobody will be on call from 2000-01-11 12:00 UTC until 2000-01-13 00:00 UTC: first",
			"alert.updated Within a day nobody is on call, from 2000-01-11 12:00 UTC until 2000-01-13 00:00 UTC: first",
			"alert.updated Nobody is on call until 2000-01-13 00:00 UTC, and everybody is called: first",
			"alert.resolved Somebody is on call: first",
		}
		if diff := cmp.Diff(want, r.told()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		away := strings.Replace(turns, "away: [", "away: [{who: ada, from: 2000-01-20, until: 2000-01-21}, ", 1)
		for _, text := range []string{away, turns, away} {
			file.write(text)
			r.wait(4*time.Hour, 2*time.Hour)
		}
		want = append(want,
			"alert.opened Nobody will be on call from 2000-01-20 00:00 UTC until 2000-01-21 00:00 UTC: first",
			"alert.resolved Somebody is on call: first",
			"alert.opened Nobody will be on call from 2000-01-20 00:00 UTC until 2000-01-21 00:00 UTC: first")
		if diff := cmp.Diff(want, r.told()); diff != "" {
			t.Errorf("a gap that comes and goes (-want +got):\n%s", diff)
		}
		if len(r.phone.Requests()) != 0 {
			t.Error("somebody was woken for it")
		}
	})
}

// TestBrokenRota: a file that has become wrong changes nothing but that somebody
// hears of it, and a good one counts without a restart.
func TestBrokenRota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := &settingsFile{text: turns}
		r := &room{t: t, data: t.TempDir(), text: turns, more: func(c *oncall.Config) { c.Rota, c.DeploysEvery = file.rota, time.Hour }}
		r.open(false)
		defer func() { r.end() }()
		file.write(strings.Replace(turns, "turns: [ada]", "turns: [eve]", 1))
		r.wait(2*time.Minute, time.Minute)
		if got := r.told(); len(got) != 1 || got[0] != "alert.opened The rota in the settings file is wrong: the one before goes on" {
			t.Errorf("it is told %v", got)
		}
		if on := r.Pipeline().Status().OnCall; len(on) != 1 || on[0].Who != "ada" {
			t.Errorf("on call is %+v", on)
		}
		file.write(strings.ReplaceAll(turns, "phone", "telephone"))
		r.wait(2*time.Minute, time.Minute)
		if on := r.Pipeline().Status().OnCall; len(on) != 1 || on[0].Who != "ada" || len(r.told()) != 1 {
			t.Errorf("an outlet that nobody has opened: %+v %v", on, r.told())
		}
		file.write(strings.ReplaceAll(turns, "ada", "eve"))
		r.wait(2*time.Minute, time.Minute)
		if on := r.Pipeline().Status().OnCall; len(on) != 1 || on[0].Who != "eve" || len(r.told()) != 2 {
			t.Errorf("on call is %+v, and it is told %v", on, r.told())
		}
	})
}

// TestPlan: whoever can read the watchtower's folder can ask who is on call.
func TestPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := &settingsFile{text: turns}
		r := &room{t: t, data: t.TempDir(), text: turns, more: func(c *oncall.Config) { c.Rota, c.DeploysEvery = file.rota, time.Hour }}
		r.open(false)
		defer func() { r.end() }()
		first, err := file.rota()
		if err != nil {
			t.Fatal(err)
		}
		p := oncall.PlanOf(first, time.Now())
		if p.Zone != "UTC" || len(p.Gaps) != 1 || len(p.Shifts) != 3 || p.Now[0].Who != "ada" {
			t.Errorf("%+v", p)
		}
		if p := oncall.PlanOf(nil, time.Now()); p.Zone != "" || len(p.Shifts) != 0 {
			t.Errorf("without a rota: %+v", p)
		}
		if _, err := pager.OpenRemote("http://127.0.0.1:1", filepath.Join(r.data, "nothing")); !errors.Is(err, pager.ErrNoSecret) {
			t.Error(err)
		}
	})
}

// TestDrillOverdue: three months after the last drill somebody is reminded, by
// outlets that wake nobody, and again each week, and the page says so; over a
// restart, too. A drill ends it.
func TestDrillOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		r := &room{t: t, data: t.TempDir(), text: strings.Replace(settings, "  outlets:", "  low: [team]\n  outlets:", 1)}
		r.more = func(c *oncall.Config) {
			c.RotaEvery, c.DeploysEvery = 6*time.Hour, 24*time.Hour
			c.LastDrill = func() oncall.LastDrill {
				d, _ := r.desk.LastDrill()
				return oncall.LastDrill{Possible: true, At: d.At, Since: begun}
			}
		}
		r.open(false)
		defer func() { r.end() }()
		day := func(n int) { r.wait(time.Until(begun.AddDate(0, 0, n)), 6*time.Hour) }
		day(10)
		r.desk.Drilled(status.Drill{ID: "d1", At: time.Now()})
		day(99)
		if got, note := r.told(), r.DrillNote(); len(got) != 0 || note != "" {
			t.Errorf("it is not due: %v %q", got, note)
		}
		day(101)
		if note := r.DrillNote(); note != "a drill is overdue. The last drill was on 2000-01-11: the next was due on 2000-04-10" {
			t.Errorf("the page says %q", note)
		}
		r.end()
		r.open(false)
		day(109)
		r.desk.Drilled(status.Drill{ID: "d2", At: time.Now()})
		day(110)
		want := []string{
			"alert.opened The last drill was on 2000-01-11: the next was due on 2000-04-10",
			"alert.updated The last drill was on 2000-01-11: the next was due on 2000-04-10, a week ago",
			"alert.resolved A drill has been held",
		}
		if diff := cmp.Diff(want, r.told()); diff != "" || r.DrillNote() != "" || len(r.phone.Requests()) != 0 {
			t.Errorf("%q, %d pages (-want +got):\n%s", r.DrillNote(), len(r.phone.Requests()), diff)
		}
	})
}

// TestDrillsThatCannotBe: nobody is reminded where there is nothing to break, or
// where that is not wanted; who never had a drill is.
func TestDrillsThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		last oncall.LastDrill
		want string
	}{
		"no ingress": {settings, oncall.LastDrill{}, ""},
		"not wanted": {strings.Replace(settings, "  outlets:", "  drills: -1s\n  outlets:", 1), oncall.LastDrill{Possible: true}, ""},
		"sooner":     {strings.Replace(settings, "  outlets:", "  drills: 24h\n  outlets:", 1), oncall.LastDrill{Possible: true}, "a drill is overdue. No drill has been held yet: the first was due on 2000-01-02"},
	} {
		synctest.Test(t, func(t *testing.T) {
			c.last.Since = time.Now()
			r := &room{t: t, data: t.TempDir(), text: c.text, more: func(o *oncall.Config) {
				o.RotaEvery, o.LastDrill = time.Hour, func() oncall.LastDrill { return c.last }
			}}
			r.open(false)
			defer func() { r.end() }()
			r.wait(50*time.Hour, time.Hour)
			if got := r.DrillNote(); got != c.want {
				t.Errorf("%s: %q", name, got)
			}
		})
	}
}
