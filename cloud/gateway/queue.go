package gateway

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/admit"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
)

// A handshake on UDP costs its lane a quarter of a millisecond, a keep-alive a
// hundredth of that. When many knock at once, a few are let in between two looks
// into the mailbox, so that those who are connected wait for milliseconds, and
// the others in a queue. A device asks again after 3 s; what waits longer than
// knockPatience would find its next try behind it.
const (
	knocksAtOnce  = 16
	knockPlaces   = 4096
	knockPatience = 2 * time.Second
)

// queue is where handshakes of a lane wait for their turn.
type queue struct {
	knocks *admit.Queue[input]
	served int // since the mailbox was looked into
}

func newQueue() queue {
	return queue{knocks: admit.New[input](admit.Config{Places: knockPlaces, Patience: knockPatience})}
}

// waits puts in into the queue, if it is part of a handshake and has to wait.
// The last part of one that has a connection id does not look like a part, and
// must not overtake the others.
func (r *runner) waits(now time.Time, in *input) bool {
	q := &r.queue
	if in.Kind != lane.Datagram {
		return false
	}
	busy := q.knocks.Len() > 0
	if !in.knock && !(busy && r.lane.ShakesHands(in.From)) {
		return false
	}
	if !busy && q.served < knocksAtOnce {
		q.served++
		return false
	}
	away, full := q.knocks.Push(now, r.g.makers.Class(in.From.Addr()), *in)
	in.buffer = nil // it is the queue's
	if full {
		r.turnAway(&away, dropQueue)
	}
	return true
}

// letIn takes the next few out of the queue, and tells whether there are more.
func (r *runner) letIn(now time.Time) bool {
	q := &r.queue
	q.served = 0
	for q.served < knocksAtOnce {
		in, late, ok := q.knocks.Pop(now)
		if !ok {
			return false
		}
		r.g.m.Waited(queueUDP, q.knocks.Waited())
		if late {
			r.turnAway(&in, dropLate)
			continue
		}
		q.served++
		r.take(now, &in)
	}
	return q.knocks.Len() > 0
}

// turnAway drops a part of a handshake without an answer: its device asks
// again.
func (r *runner) turnAway(in *input, reason string) {
	r.g.m.Dropped(reason)
	packets.Put(in.buffer)
}
