package gateway

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/internal/pause"
)

// Toll is what a drain ends, and what it does not.
type Toll struct {
	Ends   int // devices on TCP, which have to connect anew elsewhere
	Busy   int // of those: somebody waits for a call of them
	Owners int // whose those devices are
	Stays  int // devices on UDP, whose sessions the next process goes on with
}

// aboard is a device that is to go, and the lane that has it.
type aboard struct {
	lane.Aboard
	on *runner
}

// Toll tells what a drain that began now would end.
func (g *Gateway) Toll(ctx context.Context) Toll {
	_, toll := g.aboard(ctx)
	return toll
}

// aboard lists the devices that are to go, the one heard last at the end.
func (g *Gateway) aboard(ctx context.Context) ([]aboard, Toll) {
	var mu sync.Mutex // a lane may come to it when nobody waits any more
	var list []aboard
	var toll Toll
	g.eachLane(ctx, func(r *runner) {
		mine, stay := r.lane.Aboard(g.now())
		mu.Lock()
		defer mu.Unlock()
		toll.Stays += stay
		for _, a := range mine {
			list = append(list, aboard{a, r})
		}
	})
	mu.Lock()
	defer mu.Unlock()
	owners := map[account.ID]struct{}{}
	for _, a := range list {
		if a.Busy {
			toll.Busy++
		}
		if a.Owner != "" {
			owners[a.Owner] = struct{}{}
		}
	}
	toll.Ends, toll.Owners = len(list), len(owners)
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b aboard) int { return a.Seen.Compare(b.Seen) })
	return list, toll
}

// Drain empties the gateway of what cannot outlive the process: it lets nobody
// in any more and ends connections on TCP, so many a second, each at a moment of
// chance, and while somebody waits for a call of a device not that one. Devices
// on UDP are served to the end: their sessions are stored. told hears how many
// have gone and what is left. It returns when nothing is left, or with ctx; the
// doors stay closed until Reopen.
func (g *Gateway) Drain(ctx context.Context, rate float64, told func(ended int, left Toll)) (ended int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(g.life, cancel)() //nolint:contextcheck // the life of the gateway ends it too
	g.doors.leave()
	g.eachLane(ctx, func(r *runner) { r.lane.Settle(true) })
	settled := time.Now().Add(settleTime)
	for {
		list, left := g.aboard(ctx)
		told(ended, left)
		if len(list) == 0 && (time.Now().After(settled) || g.shaking(ctx) == 0) {
			return ended, ctx.Err()
		}
		for _, a := range list {
			if err := moment(ctx, rate); err != nil {
				return ended, err
			}
			if g.sendAway(ctx, a) {
				ended++
				left.Ends--
				told(ended, left)
			}
		}
		if err := moment(ctx, rate); err != nil {
			return ended, err
		}
	}
}

// moment waits for about as long as there is between two at that rate.
func moment(ctx context.Context, rate float64) error {
	if !pause.For(ctx, time.Duration((0.5+rand.Float64())/rate*float64(time.Second))) {
		return ctx.Err()
	}
	return nil
}

// sendAway ends a device's connection, unless somebody waits for a call of it.
func (g *Gateway) sendAway(ctx context.Context, a aboard) bool {
	gone := make(chan bool, 1)
	a.on.mail.put(input{job: func() { gone <- a.on.lane.SendAway(g.now(), a.Conn, &a.on.outs) }})
	select {
	case is := <-gone:
		return is
	case <-ctx.Done():
		return false
	}
}

// shaking gives how many handshakes have not come to their end.
func (g *Gateway) shaking(ctx context.Context) int {
	var mu sync.Mutex
	n := 0
	g.eachLane(ctx, func(r *runner) {
		mu.Lock()
		defer mu.Unlock()
		n += r.lane.Shaking()
	})
	mu.Lock()
	defer mu.Unlock()
	return n
}

// Reopen takes a drain back: devices are let in again.
func (g *Gateway) Reopen() {
	g.eachLane(g.life, func(r *runner) { r.lane.Settle(false) })
	g.doors.mu.Lock()
	g.doors.left = time.Time{}
	g.doors.mu.Unlock()
	g.turnDoors(g.life, true)
}

// leave closes the doors until Reopen.
func (d *doors) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = time.Now()
	for _, w := range d.list {
		if w.listener != nil {
			_ = w.listener.Close()
			w.listener = nil
		}
	}
}

// drained fails while the gateway is being emptied.
func (d *doors) drained() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left.IsZero() {
		return nil
	}
	return fault.Errorf(fault.Unavailable, "this node is being drained, since %s", d.left.UTC().Format(time.RFC3339))
}
