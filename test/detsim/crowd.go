package detsim

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/test/detsim/schedule"
	"github.com/cyan-cloud/cyan/test/detsim/turns"
	"github.com/cyan-cloud/cyan/wire/sealed"
)

// crowd is who waits to come in: parts of handshakes on UDP in front of each
// lane, and handshakes on TCP in front of the workers that do their RSA. The
// queues are cloud/gateway's own; here is only how long everything takes.
type crowd struct {
	makers *admit.Makers
	knocks []gate
	rsa    admit.Bench[*task]
	begun  turns.Turns
	hands  int // that are idle
}

// gate is the queue in front of a lane.
type gate struct {
	queue   admit.Knocks[*knock]
	turns   turns.Turns
	served  int  // in this round
	turning bool // the next round is planned
}

// knock is a part of a handshake that waits.
type knock struct {
	in lane.In
	turns.Ticket
}

// task is RSA for a connection.
type task struct {
	at   int
	conn uint64
	kind lane.OutKind
	job  lane.Job
	turns.Ticket
}

func newCrowd(p *schedule.Plan) crowd {
	knocks := admit.Config{Places: admit.KnockPlaces, Patience: admit.KnockPatience}
	bench := admit.Config{Places: admit.BenchPlaces, Patience: admit.BenchPatience}
	if p.Places > 0 {
		knocks.Places, bench.Places = p.Places, p.Places
	}
	if p.Without == schedule.Bound {
		const endless = 1 << 30
		knocks, bench = admit.Config{Places: endless, Patience: endless * time.Second}, admit.Config{Places: endless, Patience: endless * time.Second}
	}
	c := crowd{makers: admit.NewMakers(), rsa: admit.NewBench[*task](bench), begun: turns.New(), hands: max(1, p.Lanes-1)}
	if p.Handshakes > 0 {
		c.hands = 1
	}
	for range p.Lanes {
		c.knocks = append(c.knocks, gate{queue: admit.NewKnocks[*knock](knocks), turns: turns.New()})
	}
	return c
}

// waits puts a part of a handshake into the lane's queue, if it has to wait.
func (n *node) waits(at int, knocks bool, in *lane.In) bool {
	g := &n.crowd.knocks[at]
	if !knocks && !(g.queue.Len() > 0 && n.lanes[at].ShakesHands(in.From)) {
		return false
	}
	n.turn(at)
	if g.queue.AtOnce(n.now()) {
		g.served++
		return false
	}
	class := n.crowd.makers.Class(in.From.Addr())
	k := &knock{in: *in, Ticket: g.turns.Comes(n.w.now, class)}
	if away, full := g.queue.Wait(n.now(), n.w.plan.Class(class), k); full {
		n.fair(g.turns.TurnedAway(&away.Ticket))
	}
	n.bound("knocks", g.queue.Len(), n.w.plan.Queue(admit.KnockPlaces))
	return true
}

// turn plans the lane's next round, for when this one's handshakes are done.
func (n *node) turn(at int) {
	g := &n.crowd.knocks[at]
	if g.turning {
		return
	}
	g.turning = true
	n.w.after(0, func() { n.hear(func() { n.round(at) }) })
}

// round lets the next few in once the lane has served those of the last.
func (n *node) round(at int) {
	g := &n.crowd.knocks[at]
	w := n.w
	if rate := w.plan.Knocks; rate > 0 && g.served > 0 {
		served := g.served
		g.served = 0
		w.after(time.Duration(served)*time.Second/time.Duration(rate), func() { n.hear(func() { n.round(at) }) })
		return
	}
	g.turning, g.served = false, 0
	g.queue.Round()
	for {
		k, late, ok := g.queue.Next(n.now())
		if !ok {
			break
		}
		n.fair(g.turns.Leaves(&k.Ticket))
		if late {
			continue
		}
		n.inTime("a knock", &k.Ticket, admit.KnockPatience)
		g.served++
		n.listen(at, k.in)
	}
	if g.served > 0 || g.queue.Len() > 0 {
		n.turn(at)
	}
}

// work has the RSA of a handshake on TCP done when it is its turn.
func (n *node) work(t *task) {
	c := &n.crowd
	if t.kind == lane.MakeReply {
		c.rsa.End(t)
	} else {
		class := c.makers.Class(t.job.From)
		t.Ticket = c.begun.Comes(n.w.now, class)
		if away, full := c.rsa.Begin(n.now(), n.w.plan.Class(class), t); full {
			n.fair(c.begun.TurnedAway(&away.Ticket))
			n.refuse(away)
		}
		n.bound("the bench", c.rsa.Waiting(), n.w.plan.Queue(admit.BenchPlaces))
	}
	n.w.after(0, func() { n.hear(n.toil) })
}

// refuse tells the lane that we have no time for a device.
func (n *node) refuse(t *task) {
	n.w.after(0, func() {
		n.hear(func() { n.step(t.at, lane.In{Kind: lane.Opened, Conn: t.conn, Err: lane.ErrBusy}) })
	})
}

// toil gives work to every worker that is idle.
func (n *node) toil() {
	w, c := n.w, &n.crowd
	for c.hands > 0 {
		t, _, late, ok := c.rsa.Next(n.now())
		if !ok {
			return
		}
		took := w.between(2*time.Millisecond, 5*time.Millisecond)
		if t.kind == lane.OpenBlob {
			n.fair(c.begun.Leaves(&t.Ticket))
			if late {
				n.refuse(t)
				continue
			}
			n.inTime("a handshake", &t.Ticket, admit.BenchPatience)
			if rate := w.plan.Handshakes; rate > 0 {
				took += time.Second / time.Duration(rate)
			}
		}
		c.hands--
		w.after(took, func() {
			n.hear(func() {
				c.hands++
				n.done(t)
				n.toil()
			})
		})
	}
}

// done is the end of a worker's task.
func (n *node) done(t *task) {
	if t.kind == lane.MakeReply {
		n.step(t.at, lane.In{Kind: lane.ReplyMade, Conn: t.conn, Reply: n.reply(&t.job)})
		return
	}
	in := lane.In{Kind: lane.Opened, Conn: t.conn}
	if claim, err := t.job.Shake.Receive(t.job.Blob); err == nil {
		in.Claim = &claim
	} else {
		in.Err = err
	}
	n.step(t.at, in)
}

func (n *node) reply(job *lane.Job) *lane.Accepted {
	key, err := job.Key.Parse()
	if err != nil {
		return nil
	}
	var credentials sealed.Credentials
	var padding [32]byte
	_, _ = n.w.secret.Read(credentials[:])
	_, _ = n.w.secret.Read(padding[:])
	b, channel, err := job.Shake.Accept(key, credentials, padding)
	if err != nil {
		return nil
	}
	return &lane.Accepted{Bytes: b, Keys: channel}
}

// fair holds that products take turns.
func (n *node) fair(err error) {
	if err != nil {
		n.w.fail("fair", "%v", err)
	}
}

// bound holds that a queue does not grow beyond its places.
func (n *node) bound(what string, waiting, places int) {
	if waiting > places {
		n.w.fail("bounded", "%d wait in the queue of %s, which has %d places", waiting, what, places)
	}
}

// inTime holds that nobody is served who has given up by then.
func (n *node) inTime(what string, t *turns.Ticket, patience time.Duration) {
	waited := n.w.now.Sub(t.Since)
	n.w.stats.Waited = max(n.w.stats.Waited, waited)
	if waited > patience {
		n.w.fail("bounded", "%s of somebody was begun that had waited %v, and at most %v is any use", what, waited, patience)
	}
}
