package gateway

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/wire/sealed"
)

// task is RSA for a connection.
type task struct {
	r    *runner
	conn uint64
	kind lane.OutKind // OpenBlob, MakeReply
	job  *lane.Job
}

// bench is where tasks wait for a worker.
type bench struct {
	mu    sync.Mutex
	some  sync.Cond
	tasks admit.Bench[task] // guarded by mu, as the next
	shut  bool
}

func newBench() *bench {
	b := &bench{tasks: admit.NewBench[task](admit.Config{Places: admit.BenchPlaces, Patience: admit.BenchPatience})}
	b.some.L = &b.mu
	return b
}

// put lets a task wait; full: away is turned away for it, or is the one itself.
func (b *bench) put(now time.Time, class uint64, t task) (away task, full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.kind == lane.MakeReply {
		b.tasks.End(t)
	} else {
		away, full = b.tasks.Begin(now, class, t)
	}
	b.some.Signal()
	return away, full
}

// take waits for a task; late: it has waited too long; ok is false when the
// bench is shut.
func (b *bench) take(clock func() time.Time) (t task, waited time.Duration, late, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.shut {
		if t, waited, late, ok := b.tasks.Next(clock()); ok {
			return t, waited, late, true
		}
		b.some.Wait()
	}
	return task{}, 0, false, false
}

// close sends the workers home.
func (b *bench) close() {
	b.mu.Lock()
	b.shut = true
	b.mu.Unlock()
	b.some.Broadcast()
}

// work has a worker do RSA.
func (g *Gateway) work(r *runner, conn uint64, kind lane.OutKind, job *lane.Job) {
	t := task{r, conn, kind, job}
	if away, full := g.rsa.put(g.now(), g.makers.Class(job.From), t); full {
		away.refuse()
	}
}

// refuse tells the lane that we have no time for a device.
func (t task) refuse() {
	t.r.tell(lane.In{Kind: lane.Opened, Conn: t.conn, Err: lane.ErrBusy})
}

// hands is how many workers there are.
func (g *Gateway) hands() int {
	if g.cfg.Rehearsal.Handshakes > 0 {
		return 1 // that is easier to slow down
	}
	return max(1, len(g.lanes)-1)
}

// dawdle makes a worker as slow as a rehearsal wants it.
func (g *Gateway) dawdle(ctx context.Context) {
	if n := g.cfg.Rehearsal.Handshakes; n > 0 {
		select {
		case <-time.After(time.Second / time.Duration(n)):
		case <-ctx.Done():
		}
	}
}

// hand does RSA until ctx ends.
func (g *Gateway) hand(ctx context.Context) {
	defer context.AfterFunc(ctx, g.rsa.close)()
	for {
		t, waited, late, ok := g.rsa.take(g.now)
		if !ok {
			return
		}
		if t.kind == lane.OpenBlob {
			g.m.Waited(queueTCP, waited)
		}
		if late {
			t.refuse()
			continue
		}
		if t.kind == lane.OpenBlob {
			g.dawdle(ctx)
		}
		t.do()
	}
}

func (t task) do() {
	if t.kind == lane.MakeReply {
		t.r.tell(lane.In{Kind: lane.ReplyMade, Conn: t.conn, Reply: makeReply(t.job)})
		return
	}
	in := lane.In{Kind: lane.Opened, Conn: t.conn}
	if claim, err := t.job.Shake.Receive(t.job.Blob); err == nil {
		in.Claim = &claim
	} else {
		in.Err = err
	}
	t.r.tell(in)
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
