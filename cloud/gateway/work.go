package gateway

import (
	"context"
	"crypto/rand"

	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/wire/sealed"
)

// rsaQueue is how much RSA, which would hold up a lane, may wait. When it is
// full the device is told to come again, in its own way.
const rsaQueue = 256

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
