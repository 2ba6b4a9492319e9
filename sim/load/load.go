// Package load runs many virtual devices at once, each on its own socket, and
// counts what they do.
package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

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
// before they were switched off. An error of Device ends it too.
func Run(ctx context.Context, cfg Config) (Totals, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		c       counts
		devices sync.WaitGroup
		errs    = make(chan error, 1)
	)
	fail := func(err error) {
		select {
		case errs <- err:
			cancel()
		default:
		}
	}
	for i := range cfg.Count {
		if !pause(ctx, cfg.gap()) {
			break
		}
		process, err := cfg.process(i, &c)
		if err != nil {
			fail(err)
			break
		}
		// Ends with ctx.
		devices.Go(func() {
			c.devices.Add(1)
			if err := process.Run(ctx); err != nil {
				fail(err)
			}
		})
	}
	last := cfg.watch(ctx, &c)
	devices.Wait()
	select {
	case err := <-errs:
		return last, err
	default:
		return last, nil
	}
}

func (cfg *Config) gap() time.Duration {
	if cfg.Count == 0 {
		return 0
	}
	return cfg.Ramp / time.Duration(cfg.Count)
}

// watch reports until ctx is done.
func (cfg *Config) watch(ctx context.Context, c *counts) Totals {
	if cfg.Report == nil || cfg.Every <= 0 {
		<-ctx.Done()
		return c.totals()
	}
	for pause(ctx, cfg.Every) {
		cfg.Report(c.totals())
	}
	return c.totals()
}

// process makes device i, counted.
func (cfg *Config) process(i int, c *counts) (*live.Process, error) {
	if cfg.Device == nil {
		return nil, errors.New("load: no device to run")
	}
	device, err := cfg.Device(i)
	if err != nil {
		return nil, err
	}
	was, next := sim.Off, device.OnPhase
	device.OnPhase = func(now time.Time, phase sim.Phase) {
		c.moved(was, phase)
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

// pause waits, and reports whether ctx is still good.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
