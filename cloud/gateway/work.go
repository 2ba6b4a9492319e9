package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/wire/sealed"
)

// The queues of work that would hold up a lane. When one is full the device
// is told to come again, in its own way.
const (
	lookupQueue = 4096
	lookupHands = 4
	rsaQueue    = 256
)

// lookupTime bounds one look into the store.
const lookupTime = 5 * time.Second

// lookUp has the store asked whose a key is.
func (g *Gateway) lookUp(r *runner, conn uint64, q *lane.Lookup) {
	job := func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		for told := false; !told; {
			since := g.changed()
			found, err := g.find(ctx, q)
			told = g.tellUnchanged(since, r, lane.In{Kind: lane.LookedUp, Conn: conn, Found: found, Err: err})
		}
	}
	select {
	case g.lookups <- job:
	default:
		r.tell(lane.In{Kind: lane.LookedUp, Conn: conn, Found: &lane.Found{}, Err: lane.ErrBusy})
	}
}

// find asks the store whose the key is, or whether it is the claimed
// device's.
func (g *Gateway) find(ctx context.Context, q *lane.Lookup) (*lane.Found, error) {
	if q.Claim.IsZero() {
		id, err := g.cfg.Keys.KeyByFingerprint(ctx, device.FingerprintOf(q.SPKI))
		if fault.KindOf(err) == fault.NotFound {
			return &lane.Found{}, nil
		}
		if err != nil {
			return &lane.Found{}, err
		}
		return g.known(ctx, id)
	}
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

// work has a worker do the RSA of a TCP handshake, which takes milliseconds.
func (g *Gateway) work(r *runner, conn uint64, kind lane.OutKind, job *lane.Job) {
	run := func(context.Context) {
		if kind == lane.OpenBlob {
			in := lane.In{Kind: lane.Opened, Conn: conn}
			if claim, err := job.Shake.Receive(job.Blob); err == nil {
				in.Claim = &claim
			} else {
				in.Err = err
			}
			r.tell(in)
			return
		}
		r.tell(lane.In{Kind: lane.ReplyMade, Conn: conn, Reply: makeReply(job)})
	}
	select {
	case g.rsa <- run:
	default:
		if kind == lane.OpenBlob {
			r.tell(lane.In{Kind: lane.Opened, Conn: conn, Err: lane.ErrBusy})
		} else {
			r.tell(lane.In{Kind: lane.ReplyMade, Conn: conn})
		}
	}
}

// makeReply makes our part of a TCP handshake; nil: it cannot be made.
func makeReply(job *lane.Job) *lane.Accepted {
	key, err := job.Key.Parse()
	if err != nil {
		return nil
	}
	var credentials sealed.Credentials
	var padding [32]byte
	_, _ = rand.Read(credentials[:]) // never fails
	_, _ = rand.Read(padding[:])
	bytes, channel, err := job.Shake.Accept(key, credentials, padding)
	if err != nil {
		return nil
	}
	return &lane.Accepted{Bytes: bytes, Keys: channel}
}

// hand does jobs until ctx ends.
func hand(ctx context.Context, jobs <-chan func(context.Context)) {
	for {
		select {
		case <-ctx.Done():
			return
		case job := <-jobs:
			job(ctx)
		}
	}
}
