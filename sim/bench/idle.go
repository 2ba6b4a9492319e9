package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/sim/bench/crowd"
	"github.com/cyan-cloud/cyan/sim/bench/usage"
)

// Idle measures devices that are connected and do nothing but ping. The cloud
// must trust devices on first use: to register them one by one would take
// longer than to connect them.
type Idle struct {
	Devices int // 0: 10,000
	// Hold is how long they are watched; 0: 150 s. What a cloud keeps of a start-up
	// to answer what comes late, for 90 s and until the next ping after, shows in
	// its memory if that is shorter.
	Hold time.Duration
	// KeepAlive is how often a device pings; 0: 25 s, as Device OS does. A million
	// send 40,000 pings a second then.
	KeepAlive time.Duration

	Calls   int    // devices that are called at the end; 0: 1,000, or all if there are fewer
	Profile string // of the time in which they are watched
	Heap    string // of the memory with all devices
	Say     Progress

	who crowd.Identities // set by Run
}

// IdleResult is what an idle device costs.
type IdleResult struct {
	Run
	Devices        int          `json:"devices"`
	BytesPerDevice int          `json:"bytes_per_device"`
	RSS            int64        `json:"rss_bytes"`  // of the cloud's process with all devices, after a collection
	PingsSent      int          `json:"pings_sent"` // since the first device was connected
	PingsAnswered  int          `json:"pings_answered"`
	CallsSampled   int          `json:"calls_sampled"`
	CallsFailed    int          `json:"calls_failed"`
	Failures       int          `json:"failures"` // devices that could not connect
	RSSBefore      int64        `json:"rss_before_bytes"`
	Each           usage.Memory `json:"bytes_per_device_by_owner"` // where BytesPerDevice are
	ConnectsPerS   float64      `json:"connects_per_s"`
	ServerCPU      float64      `json:"server_cpu_percent"` // of one core, while the devices are idle
}

// Rows are the figures for people.
func (r *IdleResult) Rows() []Row {
	return []Row{
		{"device", fmt.Sprintf("%d bytes", r.BytesPerDevice), fmt.Sprintf("growth of the cloud's resident memory, for each: %s", r.Each)},
		{"devices", fmt.Sprintf("%d, %d failures", r.Devices, r.Failures), fmt.Sprintf("%.0f connected in a second, to the end of their start-up", r.ConnectsPerS)},
		{"memory", fmt.Sprintf("%.1f MiB", float64(r.RSS)/(1<<20)), fmt.Sprintf("%.1f MiB before", float64(r.RSSBefore)/(1<<20))},
		{"pings", fmt.Sprintf("%d of %d answered", r.PingsAnswered, r.PingsSent), fmt.Sprintf("the cloud used %.1f %% of a core meanwhile", r.ServerCPU)},
		{"calls", fmt.Sprintf("%d of %d answered", r.CallsSampled-r.CallsFailed, r.CallsSampled), ""},
	}
}

// startUpRest is how long a start-up takes after the device's last word: the
// cloud waits so long for further subscriptions.
const startUpRest = 6 * time.Second

// idleHold is after how long a device is as idle as it will be.
const idleHold = 150 * time.Second

// Run runs the benchmark against a cloud that nobody else uses.
func (b Idle) Run(ctx context.Context, s *Server) (*IdleResult, error) {
	b.Devices, b.Hold = cmp.Or(b.Devices, 10000), cmp.Or(b.Hold, idleHold)
	b.KeepAlive = cmp.Or(b.KeepAlive, keepAlive)
	b.who = newIdentities()
	b.Calls = min(cmp.Or(b.Calls, 1000), b.Devices)
	p, err := login(ctx, s)
	if err != nil {
		return nil, err
	}
	c, err := newCrowd(s, b.who, b.Devices, b.KeepAlive)
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	c.Start(running)
	st := &stage{person: p, crowd: c, stop: cancel}
	r := &IdleResult{}
	err = b.watch(ctx, s, st, r)
	if err = errors.Join(err, st.tearDown()); err != nil {
		return nil, err
	}
	return r, nil
}

// watch measures before and after.
func (b Idle) watch(ctx context.Context, s *Server, st *stage, r *IdleResult) error {
	b.Say("registering %d devices, which will be called", b.Calls)
	if err := st.person.provisionAll(ctx, &b.who, b.sampled(), b.Say); err != nil {
		return err
	}
	before, err := s.Collected()
	if err != nil {
		return err
	}
	r.RSSBefore = before.RSS
	return b.measure(ctx, s, st, before, r)
}

// sampled are the devices that are called: evenly among all.
func (b Idle) sampled() []int {
	list := make([]int, b.Calls)
	for i := range list {
		list[i] = int(int64(i) * int64(b.Devices) / int64(b.Calls))
	}
	return list
}

func (b Idle) measure(ctx context.Context, s *Server, st *stage, before usage.Usage, r *IdleResult) error {
	c := st.crowd
	began := time.Now()
	arrived, err := c.Bring(ctx, 0, b.Devices, crowd.Settled, connectTogether, b.underWay(began))
	if err != nil {
		return err
	}
	r.Devices, r.Failures = arrived, b.Devices-arrived
	r.ConnectsPerS = tenth(rate(arrived, time.Since(began)))
	if arrived == 0 {
		return errors.New("bench: no device could connect")
	}
	b.Say("all are connected; watching them for %v", b.Hold)
	if !pause.For(ctx, min(startUpRest, b.Hold)) {
		return context.Cause(ctx)
	}
	if err := b.hold(ctx, s, c, r); err != nil {
		return err
	}
	after, err := s.Collected()
	if err != nil {
		return err
	}
	if err := s.Heap(b.Heap); err != nil {
		return err
	}
	r.RSS = after.RSS
	r.BytesPerDevice = int(per(after.RSS-before.RSS, arrived))
	r.Each = after.Memory.Growth(before.Memory, arrived)
	b.Say("calling %d of them", b.Calls)
	r.CallsSampled = b.Calls
	r.CallsFailed = b.call(ctx, st)
	r.Run = Ran("idle", fmt.Sprintf("%d devices on DTLS from as many addresses, each with its own handshake, trusted on first use, with a describe that %d "+
		"devices share, %d subscriptions and a ping every %v, watched for %v; memory is the growth of the cloud's resident set after a collection "+
		"and with what was freed given back, divided by the devices: what does not depend on them is in it, too; %d of them, registered to "+
		"an account, were called at the end", b.Devices, crowd.Kinds, 3, b.KeepAlive, b.Hold, b.Calls))
	return nil
}

// lastPing is how long an answer to a ping may take.
const lastPing = time.Second

// hold watches the devices. Then they cease to ping.
func (b Idle) hold(ctx context.Context, s *Server, c *crowd.Crowd, r *IdleResult) error {
	end, err := s.Profile(b.Profile)
	if err != nil {
		return err
	}
	before, err := s.Usage()
	if err != nil {
		return err
	}
	if err := b.look(ctx, s, c); err != nil {
		return err
	}
	after, err := s.Usage()
	if err = errors.Join(err, end()); err != nil {
		return err
	}
	r.ServerCPU = tenth(100 * (after.CPU - before.CPU).Seconds() / b.Hold.Seconds())
	if err := c.CeasePings(ctx); err != nil {
		return err
	}
	if !pause.For(ctx, lastPing) { // for the last ones to be answered
		return context.Cause(ctx)
	}
	n := c.Counts()
	r.PingsSent, r.PingsAnswered = n.PingsSent, n.PingsAnswered
	return nil
}

// look says now and then how the devices are, for as long as they are watched.
func (b Idle) look(ctx context.Context, s *Server, c *crowd.Crowd) error {
	const each = 10 * time.Second
	for left := b.Hold; left > 0; left -= each {
		if !pause.For(ctx, min(left, each)) {
			return context.Cause(ctx)
		}
		u, err := s.Usage()
		if err != nil {
			return err
		}
		n := c.Counts()
		b.Say("%d pings, %d not answered; the cloud has %d MiB; %v left", n.PingsSent, n.PingsSent-n.PingsAnswered, u.RSS>>20, max(0, left-each))
	}
	return nil
}

// underWay says how far the devices have come, and for how long it will go on.
func (b Idle) underWay(began time.Time) func(arrived int) {
	from, since := 0, began
	return func(n int) {
		now := time.Now()
		if now.Sub(since) < 10*time.Second {
			return
		}
		a := rate(n-from, now.Sub(since))
		from, since = n, now
		left := "-"
		if a > 0 {
			left = time.Duration(float64(b.Devices-n) / a * float64(time.Second)).Round(time.Second).String()
		}
		b.Say("connected: %d of %d, %.0f a second, %s left", n, b.Devices, a, left)
	}
}

// call calls the sampled devices, a few at a time, and gives how many calls
// failed.
func (b Idle) call(ctx context.Context, st *stage) int {
	var failed atomic.Int64
	next := make(chan int)
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() { // ends with next
			for i := range next {
				var one atomic.Int64
				one.Store(1)
				var times Times
				_ = st.caller(ctx, i, &one, &times, &failed)
			}
		})
	}
	for _, i := range b.sampled() {
		next <- i
	}
	close(next)
	callers.Wait()
	return int(failed.Load())
}
