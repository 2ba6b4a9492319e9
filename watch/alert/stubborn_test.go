package alert_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/alert"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// flock is a pool of canaries at one door, on simulated time, sent as the runner
// sends them: one that failed comes again after one other, from the same place.
type flock struct {
	judge  *alert.Judge
	chance *rand.Rand
	now    time.Time
	pool   []bird
	due    []landing
	next   time.Time

	fails func(b bird) bool // each time
	noise float64
	said  []signal.Judgement
	told  []signal.Trouble
}

// bird is a canary: who it is, and the place that it comes from.
type bird struct {
	name   string
	place  int
	failed int
}

type landing struct {
	at time.Time
	b  bird
	r  signal.Result
}

const places = 16

func newFlock(seed uint64) *flock {
	f := &flock{judge: alert.New(alert.Config{}), chance: rand.New(rand.NewPCG(seed, 9)), now: noon, next: noon, fails: func(bird) bool { return false }}
	for i := range 12 {
		f.pool = append(f.pool, bird{name: fmt.Sprint("canary-", i)})
	}
	return f
}

func (f *flock) run(d time.Duration) {
	for end := f.now.Add(d); f.now.Before(end); f.now = f.now.Add(time.Second) {
		f.due = slices.DeleteFunc(f.due, func(l landing) bool {
			if l.at.After(f.now) {
				return false
			}
			f.judge.Note(&l.r)
			f.back(l.b, l.r.OK)
			return true
		})
		if len(f.due) > 0 || f.now.Unix()%5 == 0 {
			f.said = append(f.said, f.judge.Judge(f.now)...)
			f.told = append(f.told, f.judge.Troubles()...)
		}
		every := 10 * time.Second
		if f.judge.Suspect(f.now, signal.ConnectUDP, "door") {
			every = 3 * time.Second
		}
		if f.now.Sub(f.next) >= every && len(f.pool) > 0 && len(f.due) < 4 {
			f.next = f.now
			f.send()
		}
	}
}

func (f *flock) send() {
	b := f.pool[0]
	f.pool = f.pool[1:]
	if b.failed == 0 || b.failed >= 3 {
		b.place = f.chance.IntN(places)
	}
	bad := f.fails(b) || f.chance.Float64() < f.noise
	took := 300 * time.Millisecond
	if bad {
		took = deadline
	}
	r := signal.Result{
		Vantage: "v0", Ingress: "door", Transport: "udp", Story: signal.ColdStart, Device: b.name, OK: !bad, Started: f.now, Ended: f.now.Add(took),
		Steps: []signal.Step{{Name: signal.StepHandshake, OK: !bad, Took: took}},
	}
	if bad {
		r.Failed, r.Reason, r.Evidence = signal.StepHandshake, "timeout", "no answer to the ClientHello"
	}
	f.due = append(f.due, landing{r.Ended, b, r})
}

func (f *flock) back(b bird, ok bool) {
	b.failed++
	if ok {
		b.failed = 0
	}
	if !ok && b.failed < 3 && len(f.pool) > 0 {
		f.pool = slices.Insert(f.pool, 1, b)
		return
	}
	f.pool = append(f.pool, b)
}

// accused is what was said to fail.
func (f *flock) accused() (list []signal.Judgement) {
	for _, v := range f.said {
		if v.Severity > signal.Operational {
			list = append(list, v)
		}
	}
	return list
}

// sick is what was told of canaries.
func (f *flock) sick() (list []signal.Trouble) {
	for _, t := range f.told {
		if !t.Over {
			list = append(list, t)
		}
	}
	return list
}

// TestOneInSixteen: who comes from one place of sixteen gets no answer. That is
// found within minutes, said to be degraded and not more, and over when it is.
func TestOneInSixteen(t *testing.T) {
	var took []time.Duration
	odd := 0 // one time in many chance makes four of five fail, or as many as burn
	for seed := range uint64(100) {
		f := newFlock(seed)
		f.noise = 0.005
		f.run(5 * time.Minute)
		broke := f.now
		f.fails = func(b bird) bool { return b.place == 5 }
		for len(f.accused()) == 0 && f.now.Sub(broke) < time.Hour {
			f.run(time.Second)
		}
		took = append(took, f.now.Sub(broke))
		f.run(time.Minute)
		list := f.accused()
		if len(list) == 0 {
			continue
		}
		if worst := slices.MaxFunc(list, func(a, b signal.Judgement) int { return int(a.Severity) - int(b.Severity) }); worst.Severity != signal.Degraded {
			odd++
		} else if first := list[0]; first.Reason != "timeout" || !strings.Contains(first.Evidence, "canaries failed each time") || first.Since.Before(broke.Add(-time.Minute)) {
			t.Logf("seed %d: broke %v: %+v", seed, broke, first)
			odd++
		}
		f.fails = func(bird) bool { return false }
		f.run(10 * time.Minute)
		if last := f.said[len(f.said)-1]; last.Severity != signal.Operational {
			t.Errorf("seed %d: ten minutes after the end it is %v", seed, last.Severity)
		}
	}
	slices.Sort(took)
	median, p95 := took[50], took[95]
	t.Logf("one in sixteen, one door, one vantage: median %v, p95 %v, max %v", median, p95, took[99])
	if median > 5*time.Minute || p95 > 15*time.Minute || odd > 5 {
		t.Errorf("median %v, p95 %v; %d of 100 times something else was said", median, p95, odd)
	}
}

// TestBrokenCanary: one of twelve fails each time, for a day. That is a ticket,
// one, and never an outage; and closed when it is well again.
func TestBrokenCanary(t *testing.T) {
	f := newFlock(3)
	f.noise = 0.005
	f.run(10 * time.Minute)
	broke := f.now
	f.fails = func(b bird) bool { return b.name == "canary-7" }
	f.run(24 * time.Hour)
	if list := f.accused(); len(list) > 0 {
		t.Errorf("it is called an outage: %+v", list[0])
	}
	list := f.sick()
	if len(list) != 1 || !strings.Contains(list[0].What, "canary-7") || list[0].At.Sub(broke) > 6*time.Minute || list[0].Remedy == "" || list[0].Evidence == "" {
		t.Fatalf("tickets: %+v", list)
	}
	f.fails, f.told = func(bird) bool { return false }, nil
	f.run(10 * time.Minute)
	if !slices.ContainsFunc(f.told, func(x signal.Trouble) bool { return x.Over && x.Key == list[0].Key }) {
		t.Errorf("it is well again, and the ticket stays: %+v", f.told)
	}
}

// TestFlockIsSilent: twenty days in which one run in a hundred fails by chance.
func TestFlockIsSilent(t *testing.T) {
	f := newFlock(11)
	f.noise = 0.01
	f.run(20 * 24 * time.Hour)
	if list := f.accused(); len(list) > 0 {
		t.Errorf("%d false alarms, the first %+v", len(list), list[0])
	}
	if list := f.sick(); len(list) > 0 {
		t.Errorf("%d false tickets, the first %+v", len(list), list[0])
	}
}

// TestOutageIsNoTicket: when nobody comes in, no canary is said to be sick; and
// the runs that still hang when it is over are no fault of a part.
func TestOutageIsNoTicket(t *testing.T) {
	f := newFlock(4)
	f.run(5 * time.Minute)
	f.fails = func(bird) bool { return true }
	f.run(10 * time.Minute)
	f.fails = func(bird) bool { return false }
	f.run(70 * time.Second)
	if last := f.said[len(f.said)-1]; last.Severity != signal.Operational {
		t.Errorf("more than a minute after its end: %+v", last)
	}
	f.run(10 * time.Minute)
	if list := f.sick(); len(list) > 0 {
		t.Errorf("%+v", list)
	}
	if len(f.accused()) == 0 || f.said[len(f.said)-1].Severity != signal.Operational {
		t.Errorf("%+v", f.said)
	}
}

// TestOwnToken: runs that failed through the canaries' own token are a ticket,
// once, and no outage of the API.
func TestOwnToken(t *testing.T) {
	j := alert.New(alert.Config{})
	var troubles []signal.Trouble
	for i := range 40 {
		own := i >= 10 && i < 30
		r := signal.Result{
			Vantage: "v0", Ingress: "api", Story: signal.Publish, OK: !own, Own: own, Started: noon.Add(time.Duration(i) * 10 * time.Second),
			Steps: []signal.Step{{Name: signal.StepAsk, OK: !own}},
		}
		r.Ended = r.Started.Add(time.Second)
		if own {
			r.Failed, r.Reason, r.Evidence = signal.StepAsk, "invalid_token", "the API answered 401"
		}
		j.Note(&r)
		for _, v := range j.Judge(r.Ended) {
			t.Errorf("it is judged: %+v", v)
		}
		troubles = append(troubles, j.Troubles()...)
	}
	var told []string
	for _, x := range troubles {
		told = append(told, fmt.Sprint(x.Key, " ", x.Over, " ", int(x.At.Sub(noon).Seconds())))
	}
	if want := []string{"token:v0 true 1", "token:v0 false 101", "token:v0 true 301"}; !slices.Equal(told, want) {
		t.Errorf("%q, want %q", told, want)
	}
}

// TestHeldUp: runs that only just come to their end are where an outage begins
// whose later runs do not; those that were quick are not.
func TestHeldUp(t *testing.T) {
	j := alert.New(alert.Config{})
	run := func(at time.Time, took time.Duration) {
		ok := took < deadline
		j.Note(&signal.Result{
			Vantage: "v", Ingress: "way", Story: signal.ColdStart, Transport: "udp", Started: at, Ended: at.Add(took), OK: ok,
			Steps: []signal.Step{{Name: signal.StepHandshake, Took: took, OK: ok}},
		})
	}
	for i := range 6 {
		run(noon.Add(time.Duration(i-6)*10*time.Second), time.Second)
	}
	for i := range 3 {
		run(noon.Add(time.Duration(i)*10*time.Second), 7*time.Second)
	}
	for i := range 4 {
		run(noon.Add(time.Duration(i+3)*10*time.Second), deadline)
	}
	said := j.Judge(noon.Add(80 * time.Second))
	if len(said) != 1 || !said[0].Since.Equal(noon) {
		t.Errorf("it began at %v: %+v", noon, said)
	}
}

// TestFew: of a handful of devices, canaries mostly, some go at once. That is
// no loss of a crowd.
func TestFew(t *testing.T) {
	j := alert.New(alert.Config{})
	at := noon
	for minute := range 60 {
		at = at.Add(time.Minute)
		n := 3
		if minute >= 30 && minute < 35 {
			n = 14
		}
		j.NoteTraffic(&signal.Traffic{Until: at, Connected: n, Stored: n})
		for _, v := range j.Judge(at) {
			t.Errorf("minute %d: %+v", minute, v)
		}
	}
}
