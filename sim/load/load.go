// Package load runs many virtual devices at once, each on its own socket, and
// counts what they do.
package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/live"
)

// Config says how many devices of what sort.
type Config struct {
	Count int
	// Device describes device i, 0 ≤ i < Count. Its hooks are kept.
	Device func(i int) (live.Config, error)
	// Ramp spreads the power-ons evenly over this time; zero: all at once.
	Ramp time.Duration
	// Report is called every Every with what has happened so far; nil or zero:
	// never. It is not called after Run has returned.
	Report func(Totals)
	Every  time.Duration
}

// Totals are counts over all devices.
type Totals struct {
	Devices    int // that are on
	Connected  int // now, as far as they know
	Connects   int // times that a device has connected
	Handshakes int // times that one has begun to shake hands or to resume
	Failures   int // tries that ended in a back-off
}

// counts is Totals while devices run.
type counts struct {
	devices, connected, connects, handshakes, failures atomic.Int64
}

func (c *counts) totals() Totals {
	return Totals{
		Devices:    int(c.devices.Load()),
		Connected:  int(c.connected.Load()),
		Connects:   int(c.connects.Load()),
		Handshakes: int(c.handshakes.Load()),
		Failures:   int(c.failures.Load()),
	}
}

// Run runs the devices until ctx is done, and returns the last totals of
// before they were switched off. An error of Device or of a device ends it too.
func Run(ctx context.Context, cfg Config) (Totals, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := fleet{cfg: cfg, cancel: cancel}
	f.all.Go(func() { f.start(ctx) })
	last := f.watch(ctx)
	f.all.Wait()
	if err := f.failed.Load(); err != nil {
		return last, *err
	}
	return last, nil
}

// fleet is the devices of one Run.
type fleet struct {
	cfg    Config
	counts counts
	all    sync.WaitGroup // the starter and every device; all end with the context
	cancel context.CancelCauseFunc
	failed atomic.Pointer[error] // the first
}

func (f *fleet) fail(err error) {
	if f.failed.CompareAndSwap(nil, &err) {
		f.cancel(err)
	}
}

// start switches one device after the other on.
func (f *fleet) start(ctx context.Context) {
	for i := range f.cfg.Count {
		if i > 0 && !pause.For(ctx, f.cfg.Ramp/time.Duration(f.cfg.Count)) {
			return
		}
		process, err := f.process(ctx, i)
		if err != nil {
			f.fail(err)
			return
		}
		f.all.Go(func() {
			f.counts.devices.Add(1)
			if err := process.Run(ctx); err != nil {
				f.fail(err)
			}
		})
	}
}

// watch reports until ctx is done.
func (f *fleet) watch(ctx context.Context) Totals {
	if f.cfg.Report == nil || f.cfg.Every <= 0 {
		<-ctx.Done()
		return f.counts.totals()
	}
	for pause.For(ctx, f.cfg.Every) {
		f.cfg.Report(f.counts.totals())
	}
	return f.counts.totals()
}

// process makes device i, counted until ctx is done: that everything is switched
// off then is no news.
func (f *fleet) process(ctx context.Context, i int) (*live.Process, error) {
	if f.cfg.Device == nil {
		return nil, errors.New("load: no device to run")
	}
	device, err := f.cfg.Device(i)
	if err != nil {
		return nil, err
	}
	was, next := sim.Off, device.OnPhase
	device.OnPhase = func(now time.Time, phase sim.Phase) {
		if ctx.Err() == nil {
			f.counts.moved(was, phase)
		}
		was = phase
		if next != nil {
			next(now, phase)
		}
	}
	return live.New(device)
}

// moved counts a device's step from one phase to another.
func (c *counts) moved(from, to sim.Phase) {
	if from == sim.Connected {
		c.connected.Add(-1)
	}
	switch to {
	case sim.Connected:
		c.connected.Add(1)
		c.connects.Add(1)
	case sim.Handshaking, sim.Starting:
		if from == sim.Opening {
			c.handshakes.Add(1)
		}
	case sim.Waiting:
		c.failures.Add(1)
	}
}
