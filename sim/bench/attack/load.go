package attack

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/sim/bench"
	"github.com/cyan-cloud/cyan/sim/bench/crowd"
)

// Window is how the calls to healthy devices went since the last one.
type Window struct {
	Calls  int     `json:"calls"`
	Failed int     `json:"failed"`
	P50    float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
	Why    string  `json:"why,omitempty"` // one of the failures
}

// callers is how many call at once. Each waits for its answer.
const callers = 8

// Load plays the healthy devices and those who call them: it reads its part,
// connects all devices, and says a Window for each line that it reads.
func Load(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	lines := bufio.NewReader(in)
	p, err := readPart(lines)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := &load{part: p, person: newPerson(p.API, p.Token, callers)}
	devices, err := l.connect(ctx)
	if err != nil {
		return err
	}
	var calling sync.WaitGroup
	for i := range callers {
		calling.Go(func() { l.call(ctx, i) }) // ends with ctx
	}
	defer func() {
		cancel()
		calling.Wait()
		err = errors.Join(err, devices.Wait())
	}()
	for say := json.NewEncoder(out); ; {
		if err := say.Encode(l.window()); err != nil {
			return err
		}
		if _, err := lines.ReadBytes('\n'); err != nil {
			return nil // the end of the part
		}
	}
}

// load are the healthy devices.
type load struct {
	part   Part
	person *person
	ids    []string
	next   atomic.Int64

	mu     sync.Mutex
	times  *bench.Times // guarded by mu, as the next
	failed int
	why    string
}

// connect connects every device.
func (l *load) connect(ctx context.Context) (*crowd.Crowd, error) {
	l.times = new(bench.Times)
	c, err := crowd.New(crowd.Config{
		Server: l.part.UDP, ServerKey: l.part.KeyUDP, Who: l.part.Who, Count: l.part.Devices, KeepAlive: 25 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	c.Start(ctx)
	err = c.BringAll(ctx, crowd.Settled, 64, nil)
	for i := range l.part.Devices {
		l.ids = append(l.ids, c.ID(i))
	}
	for i, text := range l.part.Streams[:max(0, len(l.part.Streams)-1)] {
		d, dialErr := dialStream(ctx, &l.part, text, i)
		if dialErr != nil {
			err = errors.Join(err, dialErr)
			break
		}
		go d.live(ctx) // ends with ctx, or with the connection
		l.ids = append(l.ids, d.id.String())
	}
	return c, err
}

// call calls one device after the other, at the pace of its share. Callers begin
// one after the other: eight calls at once would wait for each other.
func (l *load) call(ctx context.Context, i int) {
	each := time.Duration(callers) * time.Second / time.Duration(max(1, l.part.Rate))
	if !pause.For(ctx, each*time.Duration(i)/callers) {
		return
	}
	tick := time.NewTicker(each)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		id := l.ids[int(l.next.Add(1)*7919)%len(l.ids)]
		began := time.Now()
		err := l.person.call(ctx, id)
		if ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		if err == nil {
			l.times.Add(time.Since(began))
		} else {
			l.failed++
			l.why = err.Error()
		}
		l.mu.Unlock()
	}
}

// window gives what there was since the last one.
func (l *load) window() Window {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.times
	w := Window{
		Calls: t.Count() + l.failed, Failed: l.failed, Why: l.why,
		P50: millis(t.Quantile(0.5)), P99: millis(t.Quantile(0.99)),
	}
	l.times, l.failed, l.why = new(bench.Times), 0, ""
	return w
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()/10) / 100 }

func unbase64(text string) ([]byte, error) { return base64.StdEncoding.DecodeString(text) }
