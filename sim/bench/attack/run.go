package attack

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/bench"
	"github.com/cyan-cloud/cyan/sim/bench/apart"
)

// Bench attacks a cloud that nobody else uses.
type Bench struct {
	Only    string        // the attack of this name; empty: all
	Devices int           // healthy devices on DTLS; 0: 1,000
	Streams int           // healthy devices on TCP; 0: 20
	Rate    int           // calls a second to them; 0: 200
	Scale   float64       // of the counts in the table; 0: 1
	For     time.Duration // each attack at most; 0: 6 s
	Memory  int64         // bytes by which the cloud may grow; 0: 512 MiB
	// Loader and Attacker are the arguments that make this program the loader,
	// and an attacker, whose attack's name is added.
	Loader, Attacker []string
	Say              bench.Progress
}

// Row is what one attack was and did.
type Row struct {
	Attack string `json:"attack"`
	What   string `json:"what"`
	strike
	Counters map[string]float64 `json:"counters"` // of the cloud, that rose, and by how much
	Counted  bool               `json:"counted"`  // one of those rose that the attack has to raise
	Growth   int64              `json:"rss_growth_bytes"`
	Peak     int64              `json:"rss_peak_bytes"`
	CPU      float64            `json:"server_cpu_percent"` // of one core
	Seconds  float64            `json:"seconds"`
	Before   Window             `json:"before"`
	During   Window             `json:"during"`
	Ratio    float64            `json:"p99_ratio"`
}

// Result is a table of attacks.
type Result struct {
	bench.Run
	Attacks []Row `json:"attacks"`
	Failed  int   `json:"calls_failed"`
	Calls   int   `json:"calls"`
	// Wrong is what must not be, in words; empty: nothing. Times are not judged.
	Wrong []string `json:"wrong"`
}

// Rows are the figures for people.
func (r *Result) Rows() []bench.Row {
	var list []bench.Row
	for i := range r.Attacks {
		a := &r.Attacks[i]
		list = append(list, bench.Row{
			Name: a.Attack, Value: fmt.Sprintf("%d sent, %d %s", a.Sent, a.Answered, a.Saw),
			Meaning: fmt.Sprintf("%d of %d calls failed, p99 %.1f → %.1f ms (× %.1f), memory %+.0f MiB, %.0f %% of a core, and the attacker %.0f %%; %s",
				a.During.Failed, a.During.Calls, a.Before.P99, a.During.P99, a.Ratio, float64(a.Growth)/(1<<20), a.CPU, a.Busy.Percent, top(a.Counters)),
		})
	}
	return list
}

// top names the counters that rose most.
func top(counters map[string]float64) string {
	var names []string
	for name := range counters {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(counters[b], counters[a]), cmp.Compare(a, b)) })
	var text strings.Builder
	for _, name := range names[:min(3, len(names))] {
		fmt.Fprintf(&text, "%s +%.0f; ", name, counters[name])
	}
	return text.String()
}

// Little gives a bench that only sees that all of it works.
func (b Bench) Little() Bench {
	b.Devices, b.Streams, b.Rate, b.Scale, b.For = 20, 2, 50, 0.005, 500*time.Millisecond
	return b
}

// Names lists the attacks.
func Names() (names []string) {
	for i := range plan {
		names = append(names, plan[i].name)
	}
	return names
}

// Run makes the attacks.
func (b Bench) Run(ctx context.Context, s *bench.Server) (*Result, error) {
	b.Devices, b.Streams, b.Rate = cmp.Or(b.Devices, 1000), cmp.Or(b.Streams, 20), cmp.Or(b.Rate, 200)
	b.Scale, b.For, b.Memory = cmp.Or(b.Scale, 1), cmp.Or(b.For, 6*time.Second), cmp.Or(b.Memory, 512<<20)
	part := &Part{Ready: s.Ready, Devices: b.Devices, Rate: b.Rate, For: b.For}
	p := newPerson(s.API, "", callers)
	if err := p.login(ctx, s.Username, s.Password); err != nil {
		return nil, err
	}
	part.Token = p.token
	b.Say("registering %d devices", b.Devices+b.Streams)
	if err := b.register(ctx, p, part); err != nil {
		return nil, err
	}
	b.Say("connecting them")
	loader, err := start(ctx, b.Loader, part, false)
	if err != nil {
		return nil, err
	}
	r := &Result{}
	if err = loader.hear(new(Window)); err == nil {
		for i := range plan {
			if b.Only != "" && b.Only != plan[i].name {
				continue
			}
			var row Row
			if row, err = b.attack(ctx, s, p, loader, &plan[i], *part); err != nil {
				err = fmt.Errorf("%s: %w", plan[i].name, err)
				break
			}
			r.add(row, b.Memory)
			b.Say("%s: %d sent, %d of %d calls failed, p99 × %.1f, with %.0f %% of a core for the cloud and %.0f %% for the attacker",
				row.Attack, row.Sent, row.During.Failed, row.During.Calls, row.Ratio, row.CPU, row.Busy.Percent)
		}
	}
	if err = errors.Join(err, loader.end()); err != nil {
		return nil, err
	}
	r.Run = bench.Ran("attack", fmt.Sprintf("one attack after the other for at most %v each, counts × %g; beside it %d healthy devices on DTLS and %d on TCP, "+
		"%d calls a second to them over HTTP; cloud, loader and attacker are processes of their own on the same machine, the cloud on %s, "+
		"the others on the rest, where the loader goes before the attacker; before: %v without an attack, just before it", b.For, b.Scale, b.Devices, b.Streams,
		b.Rate, own(), b.calm()))
	return r, nil
}

// own says which cores the cloud has.
func own() string {
	measured, load := apart.Halves()
	if len(measured) == 0 {
		return "the same core"
	}
	return fmt.Sprintf("%d of %d cores", len(measured), len(measured)+len(load))
}

// register makes and registers the devices, and an insider of each kind.
func (b Bench) register(ctx context.Context, p *person, part *Part) error {
	rand.Read(part.Who.Seed[:])
	for i := range b.Devices + 1 {
		if err := p.provision(ctx, part.Who.ID(i).String(), "ecc", &part.Who.Key(i).PublicKey); err != nil {
			return err
		}
	}
	for i := range b.Streams + 1 {
		private, _, err := sim.GenerateKey(sim.TCP, rand.Reader)
		if err != nil {
			return err
		}
		key, err := parseRSA(private)
		if err != nil {
			return err
		}
		if err := p.provision(ctx, streamID(i).String(), "rsa", &key.PublicKey); err != nil {
			return err
		}
		part.Streams = append(part.Streams, base64.StdEncoding.EncodeToString(private))
	}
	return nil
}

// calm is how long calls are watched before an attack.
func (b Bench) calm() time.Duration { return max(b.For, 200*time.Millisecond) }

// attack makes one attack, and measures before and meanwhile.
func (b Bench) attack(ctx context.Context, s *bench.Server, p *person, loader *child, a *attack, part Part) (row Row, err error) {
	row.Attack, row.What = a.name, a.what
	part.Least = a.least
	part.Count = max(a.least, int(float64(a.count)*b.Scale))
	if err := loader.ask(new(Window)); err != nil {
		return row, err
	}
	if !pause.For(ctx, b.calm()) {
		return row, context.Cause(ctx)
	}
	if err := loader.ask(&row.Before); err != nil {
		return row, err
	}
	before, err := p.counters(ctx)
	if err != nil {
		return row, err
	}
	usage, err := s.Collected()
	if err != nil {
		return row, err
	}
	began := time.Now()
	striker, err := start(ctx, append(slices.Clone(b.Attacker), a.name), &part, true)
	if err != nil {
		return row, err
	}
	row.Peak = usage.RSS
	stop, watching := make(chan struct{}), make(chan error, 1)
	go func() { watching <- watch(s, stop, &row.Peak) }() // ends with stop
	err = striker.hear(&row.strike)
	if err = errors.Join(err, striker.end()); err != nil {
		close(stop)
		return row, errors.Join(err, <-watching)
	}
	if left := b.calm() - time.Since(began); left > 0 {
		pause.For(ctx, left)
	}
	during := loader.ask(&row.During)
	after, usageErr := s.Usage()
	row.Seconds = float64(int(time.Since(began).Seconds()*10)) / 10
	close(stop)
	if err := errors.Join(during, usageErr, <-watching); err != nil {
		return row, err
	}
	row.Growth = max(row.Peak, after.RSS) - usage.RSS
	row.CPU = float64(int(1000*(after.CPU-usage.CPU).Seconds()/time.Since(began).Seconds())) / 10
	if row.Before.P99 > 0 {
		row.Ratio = float64(int(100*row.During.P99/row.Before.P99)) / 100
	}
	return row, b.count(ctx, p, a, before, &row)
}

// count sees which counters rose. Some rise when a connection's time is up.
func (b Bench) count(ctx context.Context, p *person, a *attack, before map[string]float64, row *Row) error {
	const patience = 30 * time.Second
	for end := time.Now().Add(patience); ; {
		after, err := p.counters(ctx)
		if err != nil {
			return err
		}
		row.Counters = map[string]float64{}
		for name, v := range after {
			if v > before[name] {
				row.Counters[name] = v - before[name]
			}
		}
		row.Counted = slices.ContainsFunc(a.raises, func(name string) bool { return row.Counters[name] > 0 })
		if row.Counted || time.Now().After(end) || !pause.For(ctx, 200*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
}

// watch notes the most memory that the cloud had.
func watch(s *bench.Server, stop <-chan struct{}, peak *int64) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return nil
		case <-tick.C:
		}
		u, err := s.Usage()
		if err != nil {
			return err
		}
		*peak = max(*peak, u.RSS)
	}
}

// add judges a row.
func (r *Result) add(row Row, memory int64) {
	r.Attacks = append(r.Attacks, row)
	r.Calls, r.Failed = r.Calls+row.Before.Calls+row.During.Calls, r.Failed+row.Before.Failed+row.During.Failed
	wrong := func(format string, args ...any) {
		r.Wrong = append(r.Wrong, row.Attack+": "+fmt.Sprintf(format, args...))
	}
	if n := row.Before.Failed + row.During.Failed; n > 0 {
		wrong("%d calls to healthy devices failed: %s", n, cmp.Or(row.During.Why, row.Before.Why))
	}
	if !row.Counted {
		wrong("no counter tells of it")
	}
	if row.Growth > memory {
		wrong("the cloud grew by %d bytes", row.Growth)
	}
}
