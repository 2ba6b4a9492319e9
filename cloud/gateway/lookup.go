package gateway

import (
	"context"
	"runtime"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/identify"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
)

// The queues of questions to the store, which would hold up a lane. When one
// is full the device is told to come again, in its own way.
const (
	keyQueue     = 4096
	keysTogether = 64 // keys that the store is asked about at once
	claimQueue   = 4096
	claimHands   = 64 // they wait for the store, which commits them together
)

// lookupTime bounds one look into the store.
const lookupTime = 3 * time.Second

// question is what a lane wants to know of a key, and who asks.
type question struct {
	r    *runner
	conn uint64
	what *lane.Lookup
}

// routed fails while a session that begins could be reached by nobody: it must
// not begin, or its device would believe to be connected.
func (g *Gateway) routed() error {
	if g.cfg.Routed == nil {
		return nil
	}
	return g.cfg.Routed()
}

// lookUp has the store asked whose a key is, or whether it is the claimed
// device's.
func (g *Gateway) lookUp(q question) {
	if g.routed() != nil {
		q.r.tell(lane.In{Kind: lane.LookedUp, Conn: q.conn, Found: &lane.Found{}, Err: lane.ErrUnrouted})
		return
	}
	queue := g.keys
	if !q.what.Claim.IsZero() {
		queue = g.claims
	}
	select {
	case queue <- q:
	default:
		q.r.tell(lane.In{Kind: lane.LookedUp, Conn: q.conn, Found: &lane.Found{}, Err: lane.ErrBusy})
	}
}

// askKeys answers questions whose a key is, as many together as wait, until
// ctx ends. One goroutine does it: while the store looks, the next gather.
func (g *Gateway) askKeys(ctx context.Context) {
	waiting := make([]question, 0, keysTogether)
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-g.keys:
			waiting = append(waiting[:0], q)
		}
		runtime.Gosched() // lanes that are at work have more to ask
	gather:
		for len(waiting) < keysTogether {
			select {
			case q := <-g.keys:
				waiting = append(waiting, q)
			default:
				break gather
			}
		}
		for asked := waiting; len(asked) > 0; { // again those whose answer may have changed
			asked = g.answerKeys(ctx, asked)
		}
		clear(waiting)
	}
}

// answerKeys tells the askers whose their keys are, and gives those who have
// to ask again because something has changed meanwhile.
func (g *Gateway) answerKeys(ctx context.Context, asked []question) (again []question) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	since := g.changed()
	what := make([]*lane.Lookup, len(asked))
	for i := range asked {
		what[i] = asked[i].what
	}
	found, err := identify.Whose(ctx, g.cfg.Keys, what)
	for i := range asked {
		if !g.tellUnchanged(since, asked[i].r, lane.In{Kind: lane.LookedUp, Conn: asked[i].conn, Found: &found[i], Err: err}) {
			return asked[i:]
		}
	}
	return nil
}

// askClaims answers questions whether a device holds the key that it claims,
// one at a time, until ctx ends.
func (g *Gateway) askClaims(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-g.claims:
			g.answerClaim(ctx, q)
		}
	}
}

func (g *Gateway) answerClaim(ctx context.Context, q question) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	for told := false; !told; {
		since := g.changed()
		found, first, err := identify.Claim(ctx, g.cfg.Keys, q.what, time.Now())
		if first {
			g.log.Warn("a device was trusted on first use", "device", q.what.Claim, "fingerprint", device.FingerprintOf(q.what.SPKI))
		}
		told = g.tellUnchanged(since, q.r, lane.In{Kind: lane.LookedUp, Conn: q.conn, Found: &found, Err: err})
	}
}

// askOwner asks the store how far a device's owner lets us go when its
// application does not answer. It is a matter of minutes and of few devices, so
// each has a goroutine of its own, which ends with the look into the store. The
// lane bounds how many there are.
func (g *Gateway) askOwner(r *runner, conn uint64, id device.ID) {
	g.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
		defer cancel()
		d, err := g.cfg.Keys.Device(ctx, id)
		r.tell(lane.In{Kind: lane.OwnerAllows, Conn: conn, Device: id, Restart: d.Restart, Err: err})
	})
}
