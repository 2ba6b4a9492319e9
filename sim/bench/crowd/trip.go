package crowd

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// trip brings devices to a phase: at most parallel at once.
type trip struct {
	next, end int
	to        Phase
	parallel  int
	under     map[int]time.Time // devices that are under way, and when they have to try again
	arrived   atomic.Int64
	failed    atomic.Int64
	over      chan struct{} // closed by run
}

// Bring brings the devices from first to end to a phase, at most parallel at
// once, and gives how many arrived there. report is called now and then.
func (c *Crowd) Bring(ctx context.Context, first, end int, to Phase, parallel int, report func(arrived int)) (int, error) {
	t := &trip{
		next: first, end: min(end, len(c.devices)), to: to, parallel: parallel,
		under: make(map[int]time.Time), over: make(chan struct{}),
	}
	if err := c.do(ctx, func() { c.trip = t }); err != nil {
		return 0, err
	}
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-t.over:
			return int(t.arrived.Load()), nil
		case <-tick.C:
			if report != nil {
				report(int(t.arrived.Load()))
			}
		case <-ctx.Done():
			return int(t.arrived.Load()), context.Cause(ctx)
		}
	}
}

// BringAll brings all devices to a phase. An error says why the first that did
// not get there did not.
func (c *Crowd) BringAll(ctx context.Context, to Phase, parallel int, report func(arrived int)) error {
	arrived, err := c.Bring(ctx, 0, len(c.devices), to, parallel, report)
	if err != nil || arrived == len(c.devices) {
		return err
	}
	err = fmt.Errorf("crowd: only %d of %d devices could connect", arrived, len(c.devices))
	if why := c.lost.Load(); why != nil {
		err = fmt.Errorf("%w: %w", err, *why)
	}
	return err
}

// travel sends the next devices off and wakes those that wait for too long.
func (c *Crowd) travel() {
	t := c.trip
	if t == nil {
		return
	}
	for i, at := range t.under {
		if !c.now.Before(at) {
			c.again(i)
		}
	}
	for t.next < t.end && len(t.under) < t.parallel {
		i := t.next
		t.next++
		t.under[i] = c.now.Add(repeatAfter)
		c.depart(i)
	}
	if t.next >= t.end && len(t.under) == 0 {
		c.trip = nil
		close(t.over)
	}
}

// depart begins what comes next for a device.
func (c *Crowd) depart(i int) {
	switch d := &c.devices[i]; {
	case d.phase >= c.trip.to:
		c.reached(i)
	case d.phase < shaking:
		c.shake(i)
	default:
		c.say(i)
	}
}

// again repeats what was not answered.
func (c *Crowd) again(i int) {
	d := &c.devices[i]
	c.trip.under[i] = c.now.Add(repeatAfter)
	if h := c.shakes[i]; h != nil {
		if c.now.Before(h.Deadline()) {
			c.trip.under[i] = h.Deadline()
			return
		}
		flight, err := h.Tick(c.now)
		if err != nil {
			c.lose(i, err)
			return
		}
		c.trip.under[i] = h.Deadline()
		c.sendAll(i, flight)
		return
	}
	if d.tries++; d.tries >= mostTries {
		c.lose(i, fmt.Errorf("message %d of its start-up was said %d times and not acknowledged", d.step+1, mostTries))
		return
	}
	c.saySame(i)
}

// reached notes that a device is in a new phase, and lets it go on if that is
// not far enough.
func (c *Crowd) reached(i int) {
	t := c.trip
	if t == nil {
		return
	}
	if _, ok := t.under[i]; !ok {
		return
	}
	if c.devices[i].phase < t.to {
		t.under[i] = c.now.Add(repeatAfter)
		c.say(i)
		return
	}
	delete(t.under, i)
	t.arrived.Add(1)
}

// lose gives a device up. The first reason is what people are told.
func (c *Crowd) lose(i int, why error) {
	if c.lost.Load() == nil {
		why = fmt.Errorf("device %d: %w", i, why)
		c.lost.Store(&why)
	}
	c.devices[i].phase = failed
	delete(c.shakes, i)
	if t := c.trip; t != nil {
		if _, ok := t.under[i]; ok {
			delete(t.under, i)
			t.failed.Add(1)
		}
	}
}
