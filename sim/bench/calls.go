package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Calls measures function calls: from an HTTP request to the device and back.
type Calls struct {
	Count    int // calls one after the other; 0: 2,000
	Together int // calls in flight afterwards, each on a connection and to a device of its own; 0: 64
	Many     int // how many of those in all; 0: 20,000
	Profile  string
	Say      Progress
}

// CallsResult is how long calls take, and how many a second there are.
type CallsResult struct {
	Run
	P50       float64 `json:"p50_us"`    // one at a time
	Floor     float64 `json:"floor_us"`  // the median of the bare way, see Floor
	Ratio     float64 `json:"p50_ratio"` // P50 in floors
	P99       float64 `json:"p99_us"`
	PerSecond float64 `json:"calls_per_s"` // with Together in flight
	Errors    int     `json:"errors"`
	ManyP50   float64 `json:"p50_together_us"`
	ManyP99   float64 `json:"p99_together_us"`
	ServerCPU float64 `json:"server_cpu_us"` // processor time of the cloud for a call, with Together in flight
	calls     int
}

// Rows are the figures for people.
func (r *CallsResult) Rows() []Row {
	return []Row{
		{"one at a time", fmt.Sprintf("%.0f µs, 99 %% within %.0f µs", r.P50, r.P99), "median, HTTP to the device and back"},
		{"floor", fmt.Sprintf("%.0f µs, so × %.2f", r.Floor, r.Ratio), "median of the same way between the same processes, with nothing on it"},
		{"many at a time", fmt.Sprintf("%.0f/s", r.PerSecond), fmt.Sprintf("median %.0f µs, 99 %% within %.0f µs", r.ManyP50, r.ManyP99)},
		{"server", fmt.Sprintf("%.0f µs", r.ServerCPU), "processor time of the cloud for a call"},
		{"errors", fmt.Sprintf("%d of %d", r.Errors, r.calls), ""},
	}
}

// callArgument is what is sent with each call.
const callArgument = "sixteen letters!"

// Run runs the benchmark against a cloud that nobody else uses.
func (b Calls) Run(ctx context.Context, s *Server) (*CallsResult, error) {
	b.Count, b.Together, b.Many = cmp.Or(b.Count, 2000), cmp.Or(b.Together, 64), cmp.Or(b.Many, 20000)
	st, err := setUp(ctx, s, b.Together, b.Say)
	if err != nil {
		return nil, err
	}
	r, err := b.measure(ctx, s, st)
	if err = errors.Join(err, st.tearDown()); err != nil {
		return nil, err
	}
	return r, nil
}

func (b Calls) measure(ctx context.Context, s *Server, st *stage) (*CallsResult, error) {
	const warmUp = 100
	if _, err := b.calls(ctx, st, b.Together, warmUp*b.Together/10, new(Times)); err != nil {
		return nil, err
	}
	alone, floor, errs, err := b.alone(ctx, s, st)
	if err != nil {
		return nil, err
	}
	b.Say("%d calls, %d at a time", b.Many, b.Together)
	end, err := s.Profile(b.Profile)
	if err != nil {
		return nil, err
	}
	before, err := s.Usage()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	together := new(Times)
	more, err := b.calls(ctx, st, b.Together, b.Many, together)
	if err != nil {
		return nil, err
	}
	passed := time.Since(began)
	after, err := s.Usage()
	if err = errors.Join(err, end()); err != nil {
		return nil, err
	}
	r := &CallsResult{
		Run: Ran("call", fmt.Sprintf("POST of a function with an argument of %d bytes on kept-alive HTTP/1.1 connections; the device, "+
			"on DTLS, acknowledges, and sends the result in a message of its own, as Device OS does; %d calls of one device one after "+
			"the other, in %d turns with as many ways there and back with nothing on them, then %d calls with %d in flight, each on a connection and to a device of its own; "+
			"client and devices are one process on the same machine", len(callArgument), b.Count, callTurns, b.Many, b.Together)),
		P50: micros(alone.Quantile(0.5)), Floor: micros(floor.Quantile(0.5)), P99: micros(alone.Quantile(0.99)), PerSecond: tenth(rate(together.Count(), passed)),
		Errors: errs + more, ManyP50: micros(together.Quantile(0.5)), ManyP99: micros(together.Quantile(0.99)),
		ServerCPU: tenth(per(after.CPU-before.CPU, b.Many) / 1e3), calls: b.Count + b.Many,
	}
	r.Ratio = hundredth(r.P50 / r.Floor)
	return r, nil
}

// callTurns is how many turns calls and the floor take.
const callTurns = 4

// alone makes calls one at a time, and in turns with them walks the floor.
func (b Calls) alone(ctx context.Context, s *Server, st *stage) (times, floor *Times, failed int, err error) {
	b.Say("%d calls, one at a time", b.Count)
	times, floor = new(Times), new(Times)
	bare, err := s.floor(len(st.person.callRequest(st.crowd.ID(0), callArgument)))
	if err != nil {
		return nil, nil, 0, err
	}
	defer func() { err = errors.Join(err, bare.leave(s)) }()
	for turn := range callTurns {
		n := b.Count*(turn+1)/callTurns - b.Count*turn/callTurns
		if err := bare.walk(n, floor); err != nil {
			return nil, nil, 0, err
		}
		if n == 0 {
			continue
		}
		errs, err := b.calls(ctx, st, 1, n, times)
		if err != nil {
			return nil, nil, 0, err
		}
		failed += errs
	}
	return times, floor, failed, nil
}

// calls makes n calls with so many in flight, adds how long the good ones took,
// and gives how many failed.
func (b Calls) calls(ctx context.Context, st *stage, flight, n int, times *Times) (int, error) {
	var left, failures atomic.Int64
	var mu sync.Mutex // guards broken
	var broken error
	left.Store(int64(n))
	var callers sync.WaitGroup
	for i := range flight {
		callers.Go(func() { // ends when no calls are left
			if err := st.caller(ctx, i, &left, times, &failures); err != nil {
				mu.Lock()
				broken = errors.Join(broken, err)
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	if times.Count() == 0 && broken == nil {
		broken = context.Cause(ctx)
	}
	if times.Count() > 0 {
		broken = nil // a failed call is a figure, not the end
	}
	return int(failures.Load()), broken
}

// caller calls device i again and again on one connection, which it opens
// again after a failure.
func (st *stage) caller(ctx context.Context, i int, left *atomic.Int64, times *Times, failures *atomic.Int64) error {
	request := st.person.callRequest(st.crowd.ID(i), callArgument)
	var l *line
	var broken error
	for left.Add(-1) >= 0 && ctx.Err() == nil {
		var err error
		if l == nil {
			if l, err = st.person.dial(ctx); err != nil {
				return err
			}
		}
		began := time.Now()
		if err = l.call(request, int32(len(callArgument))); err == nil {
			times.Add(time.Since(began))
			continue
		}
		failures.Add(1)
		broken = errors.Join(err, l.close())
		l = nil
	}
	if l != nil {
		_ = l.close()
	}
	return broken
}
