package gateway

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
)

// newQueue makes the queue in which handshakes of a lane wait for their turn.
func newQueue() admit.Knocks[input] {
	return admit.NewKnocks[input](admit.Config{Places: admit.KnockPlaces, Patience: admit.KnockPatience})
}

// waits puts in into the queue, if it is part of a handshake and has to wait.
// The last part of one that has a connection id does not look like a part, and
// must not overtake the others.
func (r *runner) waits(now time.Time, in *input) bool {
	q := &r.queue
	if in.Kind != lane.Datagram || !in.knock && !(q.Len() > 0 && r.lane.ShakesHands(in.From)) || q.AtOnce(r.g.now()) {
		return false
	}
	away, full := q.Wait(now, r.g.makers.Class(in.From.Addr()), *in)
	in.buffer = nil // it is the queue's
	if full {
		r.turnAway(&away, dropQueue)
	}
	return true
}

// letIn takes the next few out of the queue, and tells whether there are more.
func (r *runner) letIn(now time.Time) bool {
	q := &r.queue
	q.Round()
	for {
		in, late, ok := q.Next(now)
		if !ok {
			return q.Len() > 0
		}
		r.g.m.Waited(queueUDP, q.Waited())
		if late {
			r.turnAway(&in, dropLate)
			continue
		}
		r.take(now, &in)
		now = r.g.now()
	}
}

// turnAway drops a part of a handshake without an answer: its device asks
// again.
func (r *runner) turnAway(in *input, reason string) {
	r.g.m.Dropped(reason)
	packets.Put(in.buffer)
}
