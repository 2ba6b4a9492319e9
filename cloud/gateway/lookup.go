package gateway

import (
	"bytes"
	"context"
	"runtime"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
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

// lookUp has the store asked whose a key is, or whether it is the claimed
// device's.
func (g *Gateway) lookUp(q question) {
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
	prints := make([]device.Fingerprint, len(asked))
	for i := range asked {
		prints[i] = device.FingerprintOf(asked[i].what.SPKI)
	}
	holders, err := g.cfg.Keys.Holders(ctx, prints)
	for i := range asked {
		found := new(lane.Found)
		if err == nil && !holders[i].Device.IsZero() {
			*found = lane.Found{Device: holders[i].Device, Owner: holders[i].Owner, Known: true}
		}
		if !g.tellUnchanged(since, asked[i].r, lane.In{Kind: lane.LookedUp, Conn: asked[i].conn, Found: found, Err: err}) {
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
		found, err := g.find(ctx, q.what)
		told = g.tellUnchanged(since, q.r, lane.In{Kind: lane.LookedUp, Conn: q.conn, Found: found, Err: err})
	}
}

// find asks the store whether the key is the claimed device's, and has it kept
// if the device may be trusted on first use.
func (g *Gateway) find(ctx context.Context, q *lane.Lookup) (*lane.Found, error) {
	key, err := g.cfg.Keys.KeyOf(ctx, q.Claim)
	switch {
	case err == nil && bytes.Equal(key.SPKI, q.SPKI):
		return g.known(ctx, q.Claim)
	case err == nil:
		return &lane.Found{Other: true}, nil
	case fault.KindOf(err) != fault.NotFound:
		return &lane.Found{}, err
	case !q.Trust:
		return &lane.Found{}, nil
	}
	err = g.cfg.Keys.TrustFirstUse(ctx, q.Claim, device.Key{Algorithm: q.Algorithm, SPKI: q.SPKI, Added: time.Now().UTC()})
	if fault.KindOf(err) == fault.Conflict {
		return &lane.Found{Other: true}, nil
	}
	if err != nil {
		return &lane.Found{}, err
	}
	g.log.Warn("a device was trusted on first use", "device", q.Claim, "fingerprint", device.FingerprintOf(q.SPKI))
	return g.known(ctx, q.Claim)
}

func (g *Gateway) known(ctx context.Context, id device.ID) (*lane.Found, error) {
	d, err := g.cfg.Keys.Device(ctx, id)
	if err != nil {
		return &lane.Found{}, err
	}
	return &lane.Found{Device: id, Owner: d.Owner, Known: true}, nil
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
