package storm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/bench"
)

// Bench says how large the storms are.
type Bench struct {
	Devices    int           // half of them on TCP; 0: 500
	Handshakes int           // on TCP that the cloud can begin in a second; 0: a fortieth of the devices
	For        time.Duration // each storm, at most; 0: 5 minutes
	Say        bench.Progress
	Serve      []string // makes this program a cloud, such as "bench", "serve"
}

// Result is how the fleet came back. The figures at the top are those of cyan as
// it is, after the outage.
type Result struct {
	bench.Run
	Devices int `json:"devices"`
	Figures
	Cases []Case `json:"cases"`
}

// Figures are those of one storm.
type Figures struct {
	P50     float64 `json:"p50_s"` // until half of those who had lost their connection were back
	P99     float64 `json:"p99_s"`
	Full    float64 `json:"full_recovery_s"`  // until all were, or how long was waited for them
	Rate    float64 `json:"handshakes_per_s"` // over the time until all were back
	Dropped int     `json:"healthy_sessions_dropped"`
}

// Case is one storm with one way to refuse.
type Case struct {
	Storm  string `json:"storm"`  // outage, restart
	Policy string `json:"policy"` // held, at_once
	Figures
	Healthy   int `json:"healthy"`          // devices that were to stay connected
	NotBack   int `json:"not_back"`         // devices that were not back in the end
	Peak      int `json:"peak_tries_per_s"` // in the worst second but the first five
	Tries     int `json:"tries"`
	Returning int `json:"returning"` // devices that had to come back
}

// Rows are the figures for people.
func (r *Result) Rows() []bench.Row {
	var list []bench.Row
	for _, c := range r.Cases {
		all := fmt.Sprintf("all back after %.1f s", c.Full)
		if c.NotBack > 0 {
			all = fmt.Sprintf("%d not back after %.0f s", c.NotBack, c.Full)
		}
		list = append(list, bench.Row{
			Name: c.Storm + ", " + c.Policy, Value: all,
			Meaning: fmt.Sprintf("half after %.1f s, 99%% after %.1f s; %d tries, at most %d a second; %d of %d healthy sessions dropped",
				c.P50, c.P99, c.Tries, c.Peak, c.Dropped, c.Healthy),
		})
	}
	return list
}

// The kinds of storm and of refusal.
const (
	outage  = "outage"
	restart = "restart"
	held    = "held"
	atOnce  = "at_once"
)

// settle is how long devices have to end their start-up before a restart: what
// is not complete is not resumed.
const settle = 5 * time.Second

// Run makes the storms.
func (b Bench) Run(ctx context.Context) (*Result, error) {
	b.Devices, b.For = cmp.Or(b.Devices, 500), cmp.Or(b.For, 5*time.Minute)
	b.Handshakes = cmp.Or(b.Handshakes, max(1, b.Devices/40))
	b.Say("making keys of %d devices", b.Devices)
	k, err := makeKeys(b.Devices)
	if err != nil {
		return nil, err
	}
	r := &Result{Devices: b.Devices}
	for _, storm := range []string{outage, restart} {
		b.Say("%s: at most %v", storm, b.For)
		both, err := b.both(ctx, storm, k)
		if err != nil {
			return nil, err
		}
		r.Cases = append(r.Cases, both...)
	}
	r.Figures = r.Cases[0].Figures
	r.Run = bench.Ran("storm", fmt.Sprintf("%d devices, half on TCP and half on UDP, each from an address of its own, with Device OS's back-off, which has no chance in it; "+
		"a cloud that begins %d handshakes a second on TCP; outage: nine in ten knock in the same second after tries of two hours, when each waits 128 s after a failure "+
		"(time counts from that second, which in a real outage comes up to 128 s after the cloud is back), a tenth is connected and healthy; restart: all are connected, the cloud is "+
		"stopped and started without a hand-over, those on UDP are healthy; refusals held for 0 to 10 s and at once, two clouds at the same time; "+
		"each storm for %v at most", b.Devices, b.Handshakes, b.For))
	return r, nil
}

// both makes one storm under either policy, at the same time.
func (b Bench) both(ctx context.Context, storm string, k keys) ([]Case, error) {
	cases := []Case{{Storm: storm, Policy: held}, {Storm: storm, Policy: atOnce}}
	errs := make([]error, len(cases))
	var all sync.WaitGroup
	for i := range cases {
		all.Go(func() { errs[i] = b.one(ctx, &cases[i], k) }) // ends with the storm
	}
	all.Wait()
	return cases, errors.Join(errs...)
}

// one makes a storm.
func (b Bench) one(ctx context.Context, c *Case, k keys) (err error) {
	plain := append(append([]string(nil), b.Serve...), "--trust-on-first-use")
	slow := append(append([]string(nil), plain...), "--handshakes", fmt.Sprint(b.Handshakes))
	if c.Policy == atOnce {
		slow = append(slow, "--refuse-at-once")
	}
	args := plain
	if c.Storm == outage {
		args = slow
	}
	s, err := bench.Start(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	f := newFleet(ctx, s, k)
	defer func() { err = errors.Join(err, f.end()) }()
	var coming []int
	if c.Storm == outage {
		coming, err = f.outage(b.For)
	} else {
		coming, err = f.restart(ctx, slow, b.For)
	}
	if err != nil {
		return err
	}
	c.NotBack = f.wait(coming, b.For)
	f.rest()
	f.judge(c, coming, b.For)
	return context.Cause(ctx)
}

var errConnect = errors.New("storm: the devices could not connect before the storm")

// outage connects a tenth of the devices, and has the others knock after two
// hours of failures.
func (f *fleet) outage(limit time.Duration) (coming []int, err error) {
	n := len(f.members)
	healthy := max(2, n/10) // of either transport
	if err := f.switchOn(0, span(0, healthy)); err != nil {
		return nil, err
	}
	if f.wait(span(0, healthy), limit) > 0 {
		return nil, errConnect
	}
	f.arm(time.Time{}, sim.TCP, sim.UDP)
	coming = span(healthy, n)
	return coming, f.switchOn(longOut, coming)
}

// restart connects all devices and starts the cloud anew.
func (f *fleet) restart(ctx context.Context, args []string, limit time.Duration) (coming []int, err error) {
	all := span(0, len(f.members))
	if err := f.switchOn(0, all); err != nil {
		return nil, err
	}
	if f.wait(all, limit) > 0 {
		return nil, errConnect
	}
	pause.For(ctx, settle)
	f.arm(time.Now(), sim.UDP)
	for _, i := range all {
		if transportOf(i) == sim.TCP {
			coming = append(coming, i)
		}
	}
	return coming, f.cloud.Restart(ctx, args...)
}

func span(from, to int) (list []int) {
	for i := from; i < to; i++ {
		list = append(list, i)
	}
	return list
}

// rest waits until every healthy device has pinged since the storm began, and
// has lost its connection if nobody answered: four transmissions, and their waits.
func (f *fleet) rest() {
	f.mu.Lock()
	quiet := time.Until(f.began.Add(2 * keepAlive))
	f.mu.Unlock()
	pause.For(f.ctx, quiet)
}

// judge fills in what became of the fleet.
func (f *fleet) judge(c *Case, coming []int, limit time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var times bench.Times
	for i := range f.members {
		if m := &f.members[i]; m.healthy {
			c.Healthy++
			if m.drops > 0 {
				c.Dropped++
			}
		}
	}
	for _, i := range coming {
		if m := &f.members[i]; m.back.IsZero() {
			times.Add(limit)
		} else {
			times.Add(m.back.Sub(f.began))
		}
	}
	for second, n := range f.tries {
		c.Tries += n
		if second >= 5 {
			c.Peak = max(c.Peak, n)
		}
	}
	c.Returning = len(coming)
	c.P50, c.P99, c.Full = seconds(times.Quantile(.5)), seconds(times.Quantile(.99)), seconds(times.Quantile(1))
	if c.Full > 0 {
		c.Rate = math.Round(float64(len(coming)-c.NotBack)/c.Full*10) / 10
	}
}

// seconds gives a duration in seconds, to the hundredth.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*100) / 100 }
