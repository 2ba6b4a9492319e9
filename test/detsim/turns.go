package detsim

import "time"

// turns watches a queue from outside and holds that it is fair: while one
// waits, nobody's class has more turns than there were before him in his own,
// and one. Classes are told apart as far as the queue can.
type turns struct {
	waiting map[uint64]int // by class
	served  map[uint64]int
}

// ticket is what one gets who begins to wait.
type ticket struct {
	class  uint64
	since  time.Time
	ahead  int            // of the same class
	served map[uint64]int // until then
}

func newTurns() turns { return turns{waiting: map[uint64]int{}, served: map[uint64]int{}} }

// comes is called when somebody begins to wait.
func (q *turns) comes(w *World, class uint64) ticket {
	class %= 256
	t := ticket{class: class, since: w.now, ahead: q.waiting[class], served: make(map[uint64]int, len(q.served))}
	for c, n := range q.served {
		t.served[c] = n
	}
	q.waiting[class]++
	return t
}

// leaves is called when somebody's turn has come.
func (q *turns) leaves(w *World, t *ticket) {
	q.gone(t)
	q.served[t.class]++
	w.stats.Waited = max(w.stats.Waited, w.now.Sub(t.since))
	for c, n := range q.served {
		if c != t.class && n-t.served[c] > t.ahead+1 {
			w.fail("fair", "while one waited behind %d of its product, another product had %d turns", t.ahead, n-t.served[c])
		}
	}
}

// turnedAway is called when somebody loses his place: he has to be of those who
// are most.
func (q *turns) turnedAway(w *World, t *ticket) {
	w.stats.Away++
	for c, n := range q.waiting {
		if n > q.waiting[t.class] {
			w.fail("fair", "one of %d of its product was turned away, and %d of another wait (%d)", q.waiting[t.class], n, c)
		}
	}
	q.gone(t)
}

func (q *turns) gone(t *ticket) {
	if q.waiting[t.class]--; q.waiting[t.class] == 0 {
		delete(q.waiting, t.class)
	}
}

// bound holds that a queue does not grow beyond its places.
func (n *node) bound(what string, waiting, places int) {
	if waiting > places {
		n.w.fail("bounded", "%d wait in the queue of %s, which has %d places", waiting, what, places)
	}
}

// inTime holds that nobody is served who has given up by then.
func (n *node) inTime(what string, t *ticket, patience time.Duration) {
	if waited := n.w.now.Sub(t.since); waited > patience {
		n.w.fail("bounded", "%s of somebody was begun that had waited %v, and at most %v is any use", what, waited, patience)
	}
}
