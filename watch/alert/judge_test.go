package alert_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/alert"
	"github.com/cyan-cloud/cyan/watch/signal"
)

var noon = time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)

// theatre is canaries that look from several vantages at several ways in, on
// simulated time, as the runner has them do it.
type theatre struct {
	judge    *alert.Judge
	chance   *rand.Rand
	vantages int
	ways     []string
	every    time.Duration
	now      time.Time
	last     map[[2]int]time.Time // vantage and way: when the last run started
	pending  []ending

	noise  float64                                // part of the runs that fails by chance
	fault  func(way string, at time.Time) float64 // part that fails through a fault
	silent bool                                   // a fault is seen only by the deadline
	said   []signal.Judgement
}

type ending struct {
	at time.Time
	r  signal.Result
}

const deadline = 8 * time.Second

var names = []string{"v0", "v1", "v2"}

func newTheatre(vantages int, seed uint64, ways ...string) *theatre {
	return &theatre{
		judge: alert.New(alert.Config{Vantages: vantages}), chance: rand.New(rand.NewPCG(seed, 1)), vantages: vantages, ways: ways,
		every: 10 * time.Second, now: noon, last: map[[2]int]time.Time{}, fault: func(string, time.Time) float64 { return 0 },
	}
}

// run lets so much time pass.
func (x *theatre) run(d time.Duration) {
	for end := x.now.Add(d); x.now.Before(end); x.now = x.now.Add(time.Second) {
		for v := range x.vantages {
			for w, way := range x.ways {
				x.step(v, w, way)
			}
		}
		x.pending = slices.DeleteFunc(x.pending, func(e ending) bool {
			if !e.r.OK && x.vantages == 1 && x.now.Sub(e.r.Started) >= 2*time.Second {
				x.judge.Slow(signal.ConnectUDP, e.r.Ingress, x.now)
			}
			if e.at.After(x.now) {
				return false
			}
			x.judge.Note(&e.r)
			return true
		})
		if len(x.pending) > 0 || x.now.Unix()%5 == 0 {
			x.said = append(x.said, x.judge.Judge(x.now)...)
		}
	}
}

func (x *theatre) step(v, w int, way string) {
	key := [2]int{v, w}
	at, ok := x.last[key]
	if !ok {
		at = noon.Add(time.Duration(v)*x.every/time.Duration(x.vantages) + time.Duration(w)*time.Second - x.every)
		x.last[key] = at
	}
	every := x.every
	if x.now.Sub(at) < every && x.now.Sub(at) >= 3*time.Second && x.judge.Suspect(x.now, signal.ConnectUDP, way) {
		every = x.every / 2
		if x.vantages == 1 {
			every = 3 * time.Second
		}
	}
	if x.now.Sub(at) < every {
		return
	}
	x.last[key] = x.now
	faulty := x.chance.Float64() < x.fault(way, x.now)
	bad := faulty || x.chance.Float64() < x.noise
	took := 300 * time.Millisecond
	if bad && x.silent {
		took = deadline
	}
	r := signal.Result{
		Vantage: names[v], Ingress: way, Transport: "udp", Story: signal.ColdStart, OK: !bad, Started: x.now, Ended: x.now.Add(took),
		Steps: []signal.Step{{Name: signal.StepHandshake, OK: !bad}},
	}
	if bad {
		r.Failed, r.Reason, r.Evidence = signal.StepHandshake, "timeout", "no answer to the ClientHello"
	}
	x.pending = append(x.pending, ending{x.now.Add(took), r})
}

// worst is the worst that was said of a capability.
func (x *theatre) worst() (s signal.Severity) {
	for _, v := range x.said {
		s = max(s, v.Severity)
	}
	return s
}

// TestHealthyIsSilent has twenty days go by in which one run in a hundred
// fails by chance, and nothing is said.
func TestHealthyIsSilent(t *testing.T) {
	const days = 20
	for _, vantages := range []int{1, 3} {
		x := newTheatre(vantages, 7, "gw-1", "gw-2")
		x.noise = 0.01
		x.run(time.Duration(days) * 24 * time.Hour)
		wrong := 0
		for _, v := range x.said {
			if v.Severity > signal.Operational {
				wrong++
			}
		}
		t.Logf("%d vantages, %d days, noise %.1f %%: %d false alarms", vantages, days, 100*x.noise, wrong)
		if wrong > 0 {
			t.Errorf("%d vantages: %d false alarms, the first %+v", vantages, wrong, x.said[0])
		}
	}
}

// TestDetection breaks new connections at random moments and prints how long
// it takes until that is judged to be so.
func TestDetection(t *testing.T) {
	runs := 200
	for _, c := range []struct {
		name     string
		vantages int
		silent   bool
		most     time.Duration
	}{
		{"three vantages, refused", 3, false, 20 * time.Second},
		{"three vantages, seen only by the deadline", 3, true, 30 * time.Second},
		{"one vantage, refused", 1, false, 30 * time.Second},
		{"one vantage, seen only by the deadline", 1, true, 35 * time.Second},
	} {
		var took []time.Duration
		for i := range runs {
			x := newTheatre(c.vantages, uint64(i), "gw-1", "gw-2")
			x.noise, x.silent = 0.005, c.silent
			x.run(5*time.Minute + time.Duration(x.chance.IntN(10000))*time.Millisecond)
			broke := x.now
			x.fault = func(way string, at time.Time) float64 {
				if way == "gw-1" {
					return 1
				}
				return 0
			}
			x.said = nil
			for x.worst() < signal.Partial && x.now.Sub(broke) < 5*time.Minute {
				x.run(time.Second)
			}
			took = append(took, x.now.Sub(broke))
		}
		slices.Sort(took)
		median, p95, most := took[runs/2], took[runs*95/100], took[runs-1]
		t.Logf("%-45s median %v, p95 %v, max %v", c.name, median, p95, most)
		if p95 > c.most {
			t.Errorf("%s: p95 is %v, promised %v", c.name, p95, c.most)
		}
	}
}

// TestEnds has a fault end, and holds that what is judged follows it: with the
// time since the first failure, and with hysteresis.
func TestEnds(t *testing.T) {
	x := newTheatre(3, 1, "gw-1")
	x.run(time.Minute)
	broke := x.now
	x.fault = func(string, time.Time) float64 { return 1 }
	x.run(2 * time.Minute)
	bad := x.said[len(x.said)-1]
	if bad.Severity != signal.Major || bad.Since.Before(broke) || bad.Since.Sub(broke) > 15*time.Second || bad.Reason != "timeout" || bad.Vantages < 2 {
		t.Errorf("%+v", bad)
	}
	x.fault = func(string, time.Time) float64 { return 0 }
	x.said = nil
	x.run(30 * time.Second)
	if len(x.said) > 0 && x.said[len(x.said)-1].Severity == signal.Operational && !x.said[len(x.said)-1].Suspect {
		t.Errorf("all is well again after half a minute: %+v", x.said)
	}
	x.run(2 * time.Minute)
	if last := x.said[len(x.said)-1]; last.Severity != signal.Operational {
		t.Errorf("two minutes after the end it is still %v", last.Severity)
	}
}

// TestOneOfTwo is an outage of one way in of two: partial, not major.
func TestOneOfTwo(t *testing.T) {
	x := newTheatre(3, 2, "gw-1", "gw-2")
	x.run(time.Minute)
	x.fault = func(way string, _ time.Time) float64 {
		if way == "gw-2" {
			return 1
		}
		return 0
	}
	x.run(3 * time.Minute)
	if x.worst() != signal.Partial {
		t.Errorf("it is %v", x.worst())
	}
}

// TestMuteSession is a device that stays connected and does not answer any more,
// while those who come anew are well: it does not hide among them.
func TestMuteSession(t *testing.T) {
	j := alert.New(alert.Config{Vantages: 1})
	var said []signal.Judgement
	for at := noon; at.Before(noon.Add(2 * time.Minute)); at = at.Add(10 * time.Second) {
		for story, ok := range map[signal.Story]bool{signal.ColdStart: true, signal.Held: at.Before(noon.Add(time.Minute))} {
			j.Note(&signal.Result{
				Vantage: "v0", Ingress: "gw-1", Transport: "udp", Story: story, OK: ok, Started: at, Ended: at.Add(time.Second),
				Steps: []signal.Step{{Name: signal.StepAsk, OK: true}, {Name: signal.StepCall, OK: ok}},
			})
		}
		said = append(said, j.Judge(at.Add(time.Second))...)
	}
	if last := said[len(said)-1]; last.Capability != signal.Calls || last.Severity != signal.Partial {
		t.Errorf("it says %+v", said)
	}
}

// TestBlind has every vantage lose its own network: that is said, and nothing
// is judged.
func TestBlind(t *testing.T) {
	j := alert.New(alert.Config{Vantages: 2})
	for i := range 12 {
		for _, v := range []string{"a", "b"} {
			j.Note(&signal.Result{
				Vantage: v, Ingress: "x", Transport: "udp", Story: signal.ColdStart, Blind: true, Ended: noon.Add(time.Duration(i) * 10 * time.Second),
				Steps: []signal.Step{{Name: signal.StepHandshake}},
			})
		}
	}
	said := j.Judge(noon.Add(2 * time.Minute))
	for _, v := range said {
		if !v.Blind || v.Severity != signal.Operational {
			t.Errorf("%+v", v)
		}
	}
	if len(said) == 0 {
		t.Error("nobody can see, and nothing is said")
	}
}

// TestOneVantageDoesNotVoteForAll: one of three that fails alone moves nobody.
func TestOneVantageDoesNotVoteForAll(t *testing.T) {
	j := alert.New(alert.Config{Vantages: 3})
	for i := range 60 {
		at := noon.Add(time.Duration(i) * 4 * time.Second)
		v := fmt.Sprint("v", i%3)
		ok := v != "v1"
		j.Note(&signal.Result{Vantage: v, Ingress: "x", Transport: "tcp", Story: signal.ColdStart, OK: ok, Ended: at, Steps: []signal.Step{{Name: signal.StepConnect, OK: ok}}})
		for _, said := range j.Judge(at) {
			if said.Severity > signal.Operational {
				t.Fatalf("%+v", said)
			}
		}
	}
}

// TestBurn finds what fails a little for long.
func TestBurn(t *testing.T) {
	j := alert.New(alert.Config{Vantages: 3})
	var said []signal.Judgement
	for i := range 400 {
		at := noon.Add(time.Duration(i) * 10 * time.Second)
		ok := i%8 != 0
		j.Note(&signal.Result{Vantage: fmt.Sprint("v", i%3), Ingress: "x", Story: signal.Login, OK: ok, Ended: at, Steps: []signal.Step{{Name: signal.StepLogin, OK: ok}}})
		said = append(said, j.Judge(at)...)
	}
	if !slices.ContainsFunc(said, func(v signal.Judgement) bool { return v.Capability == signal.API && v.Severity == signal.Degraded }) {
		t.Errorf("one login in eight fails for an hour, and what is said is %+v", said)
	}
	// What runs often burns the hour's budget within seconds: it has not begun with
	// the minute.
	k, broke := alert.New(alert.Config{}), noon.Add(90*time.Second)
	said = nil
	for at := noon; at.Before(noon.Add(2 * time.Minute)); at = at.Add(time.Second) {
		ok := at.Before(broke) || at.Second()%2 == 0
		k.Note(&signal.Result{Vantage: "v", Ingress: "x", Story: signal.Login, OK: ok, Started: at, Ended: at, Steps: []signal.Step{{Name: signal.StepLogin, OK: ok}}})
		said = append(said, k.Judge(at)...)
	}
	at := slices.IndexFunc(said, func(v signal.Judgement) bool { return v.Severity == signal.Degraded })
	if at < 0 || said[at].Since.Before(broke) || said[at].Since.Sub(broke) > 2*time.Second {
		t.Errorf("it broke at %v: %+v", broke, said)
	}
}

// TestOverall is the table of the page.
func TestOverall(t *testing.T) {
	all := func(s signal.Severity) map[signal.Capability]signal.Severity {
		m := map[signal.Capability]signal.Severity{}
		for _, c := range signal.Capabilities() {
			m[c] = s
		}
		return m
	}
	one := func(c signal.Capability, s signal.Severity) map[signal.Capability]signal.Severity {
		return map[signal.Capability]signal.Severity{c: s}
	}
	for name, c := range map[string]struct {
		of   map[signal.Capability]signal.Severity
		want signal.Severity
	}{
		"all well":                  {nil, signal.Operational},
		"nobody new can connect":    {one(signal.ConnectUDP, signal.Major), signal.Partial},
		"some calls fail":           {one(signal.Calls, signal.Degraded), signal.Degraded},
		"the console is away":       {one(signal.Console, signal.Major), signal.Degraded},
		"everything is down":        {all(signal.Major), signal.Major},
		"everything works a little": {all(signal.Partial), signal.Partial},
	} {
		if got := alert.Overall(c.of); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
