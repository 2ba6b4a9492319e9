package main

import (
	"context"
	"time"

	"github.com/cyan-cloud/cyan/sim/live"
	"github.com/cyan-cloud/cyan/sim/load"
)

// progressEvery is how often a crowd's totals are printed.
const progressEvery = time.Second

// crowdLine are a crowd's totals for programs.
type crowdLine struct {
	At         time.Time `json:"at"`
	Devices    int       `json:"devices"`   // that are on
	Connected  int       `json:"connected"` // now, as far as they know
	Connects   int       `json:"connects"`  // times that a device has connected
	Handshakes int       `json:"handshakes"`
	Failures   int       `json:"failures"` // tries that ended in a back-off
}

// crowd runs many devices until it is interrupted, or has connected them all
// if that was asked for.
func (c *cli) crowd(ctx context.Context, f *simFlags) error {
	if f.key != "" || f.id != "" || f.memory != "" {
		return misuse("--key, --id and --memory are for one device, and --count asks for many")
	}
	base, err := c.simConfig(f)
	if err != nil {
		return err
	}
	n, err := c.ownNursery()
	if err != nil {
		return err
	}
	registrar, err := c.registrar(ctx, f)
	if err != nil {
		return err
	}
	c.say("%d devices on %s, to %s; Ctrl-C pulls all plugs", f.count, f.transport, base.config.Server)
	ctx, done := context.WithCancel(ctx)
	defer done()
	all := false
	last, err := load.Run(ctx, load.Config{
		Count: f.count, Ramp: f.ramp, Every: progressEvery,
		Device: func(i int) (live.Config, error) {
			who, err := n.device(base.config.Device.Transport, f.number+i)
			if err == nil {
				err = registrar.provision(ctx, who)
			}
			return base.with(who), err
		},
		Report: func(t load.Totals) {
			c.progress(f, t)
			if f.untilConnected && t.Connected == f.count {
				all = true
				done()
			}
		},
	})
	if ctx.Err() == nil && err != nil {
		return err
	}
	c.totals(last)
	if f.untilConnected && !all {
		return fail(exitTimeout, "not all devices have connected")
	}
	return nil
}

// progress prints totals: over the line before on a terminal.
func (c *cli) progress(f *simFlags, t load.Totals) {
	switch {
	case c.json:
		_ = c.emit(lineOf(t))
	case terminal(c.err):
		writeOver(c.err, "%d of %d on, %d connected, %d failures", t.Devices, f.count, t.Connected, t.Failures)
	default:
		c.say("%s  %d of %d on, %d connected, %d failures", c.clock(time.Now()), t.Devices, f.count, t.Connected, t.Failures)
	}
}

func (c *cli) totals(t load.Totals) {
	if c.json {
		_ = c.emit(lineOf(t))
		return
	}
	if terminal(c.err) {
		c.say("")
	}
	c.print("%d devices, %d connected at the end; %d connects in %d handshakes, %d failures", t.Devices, t.Connected, t.Connects, t.Handshakes, t.Failures)
}

func lineOf(t load.Totals) crowdLine {
	return crowdLine{time.Now().UTC(), t.Devices, t.Connected, t.Connects, t.Handshakes, t.Failures}
}
