package notify_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
)

const twoSwitches = settings + `
  deadman:
    - {url: "https://hc.example.com/uuid", every: 30s}
    - {url: "https://hc2.example.com/uuid", name: second, every: 60s}
`

func paths(list []notifytest.Request) []string {
	var out []string
	for _, r := range list {
		out = append(out, r.Path)
	}
	return slices.Compact(out)
}

// TestSwitch: it says that it starts, that all is well, and that nobody can be
// reached; a process that ends falls silent.
func TestSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, twoSwitches)
		b.wait(5 * time.Minute)
		if got := len(b.beat.Taken()); got != 12 {
			t.Errorf("%d calls in five minutes", got)
		}
		down := notifytest.Trouble{Status: 500}
		b.pager.Set(down)
		b.team.Set(down)
		b.notify(outage("n1", notify.Trigger))
		b.wait(5 * time.Minute)
		if got := paths(b.beat.Taken()); !slices.Equal(got, []string{"/uuid/start", "/uuid", "/uuid/fail"}) {
			t.Errorf("calls: %q", got)
		}
		last := b.beat.Taken()[len(b.beat.Taken())-1]
		if !strings.Contains(string(last.Body), "outlet pager fails") {
			t.Errorf("the reason: %s", last.Body)
		}
		b.stop()
		before := len(b.beat.Requests())
		b.wait(time.Hour)
		if got := len(b.beat.Requests()); got != before {
			t.Error("a process that has ended calls")
		}
	})
}

// TestSwitchLost: a switch that cannot be reached is a warning, and when none
// can, an error; both are over when it answers again.
func TestSwitchLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, twoSwitches)
		defer b.stop()
		b.wait(time.Minute)
		b.beat.Set(notifytest.Trouble{Hang: time.Hour})
		b.wait(3 * time.Minute)
		in := b.pager.Incidents()
		if len(in) != 1 || in[0].Severity != "warning" || !strings.Contains(in[0].Summary, "hc.example.com cannot be reached") {
			t.Fatalf("one is lost: %+v", in)
		}
		if s := b.Status(); !s.Red || !strings.Contains(s.Why[0], "dead man's switch hc.example.com") {
			t.Errorf("why: %q", s.Why)
		}
		b.beat2.Set(notifytest.Trouble{Status: 404})
		b.wait(5 * time.Minute)
		if in = b.pager.Incidents(); len(in) != 2 || in[1].Severity != "error" || !strings.Contains(in[1].Summary, "nobody would notice") {
			t.Fatalf("both are lost: %+v", in)
		}
		b.beat.Set(notifytest.Trouble{})
		b.beat2.Set(notifytest.Trouble{})
		b.wait(2 * time.Minute)
		for _, i := range b.pager.Incidents() {
			if !i.Resolved {
				t.Errorf("not over: %+v", i)
			}
		}
		if s := b.Status(); s.Red {
			t.Errorf("why: %q", s.Why)
		}
	})
}

// TestSettings: what is wrong with a file is said by name.
func TestSettings(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":         {"listen-api: off", ""},
		"unknown setting": {"notify:\n  stagse: []", "there is no setting stagse"},
		"unknown outlet":  {"notify:\n  stages: [[pager]]", `there is no outlet "pager"`},
		"unused outlet":   {"notify:\n  outlets: {a: {type: pagerduty, routing_key: x}}", `outlet "a" stands in no stage`},
		"no type":         {"notify:\n  inform: [a]\n  outlets: {a: {url: x}}", `outlet "a": type is missing`},
		"wrong type":      {"notify:\n  inform: [a]\n  outlets: {a: {type: fax}}", `there is no "fax"`},
		"no key":          {"notify:\n  inform: [a]\n  outlets: {a: {type: pagerduty}}", "routing_key is missing"},
		"region":          {"notify:\n  inform: [a]\n  outlets: {a: {type: pagerduty, routing_key: x, region: asia}}", `region: there is no "asia"`},
		"no environment":  {"notify:\n  inform: [a]\n  outlets: {a: {type: pagerduty, routing_key: 'env:NO_SUCH_THING'}}", "the environment has no NO_SUCH_THING"},
		"webhook secret":  {"notify:\n  inform: [a]\n  outlets: {a: {type: webhook, url: 'https://x.example'}}", "secrets is missing"},
		"mail recipient":  {"notify:\n  inform: [a]\n  outlets: {a: {type: mail, server: 'x:25', from: a@x.example}}", "to is missing"},
		"mail password":   {"notify:\n  inform: [a]\n  outlets: {a: {type: mail, server: 'x:25', from: a@x.example, to: [b@x.example], tls: none, username: a}}", "readable on the way"},
		"quiet":           {"notify:\n  quiet: {from: '25:00', until: '07:00', zone: UTC}", "no time of day"},
		"quiet zone":      {"notify:\n  quiet: {from: '22:00', until: '07:00'}", "no time zone"},
		"switch":          {"notify:\n  deadman: [{url: 'https://x.example', every: 1s}]", "at least 15s"},
		"twice":           {settings + "\n  patience: 20h", "patience: 20h"},
	} {
		_, err := notify.ParseSettings([]byte(c.text))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, without %q", name, err, c.want)
		}
	}
}
