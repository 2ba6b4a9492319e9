// Package turns watches a queue from outside and holds that it is fair.
package turns

import (
	"fmt"
	"maps"
	"time"
)

// Turns are those of a queue. While one waits, nobody's class has more turns than
// there were before him in his own, and one. Classes are told apart as far as the
// queue can.
type Turns struct {
	waiting map[uint64]int // by class
	served  map[uint64]int
}

// Ticket is what one gets who begins to wait.
type Ticket struct {
	Since  time.Time
	class  uint64
	ahead  int            // of the same class
	served map[uint64]int // until then
}

// New begins to watch a queue in which nobody waits.
func New() Turns { return Turns{waiting: map[uint64]int{}, served: map[uint64]int{}} }

// Comes is called when somebody begins to wait.
func (q *Turns) Comes(now time.Time, class uint64) Ticket {
	class %= 256
	t := Ticket{class: class, Since: now, ahead: q.waiting[class], served: maps.Clone(q.served)}
	q.waiting[class]++
	return t
}

// Leaves is called when somebody's turn has come, and fails if it was not his.
func (q *Turns) Leaves(t *Ticket) error {
	q.gone(t)
	q.served[t.class]++
	for c, n := range q.served {
		if c != t.class && n-t.served[c] > t.ahead+1 {
			return fmt.Errorf("while one waited behind %d of its product, another product had %d turns", t.ahead, n-t.served[c])
		}
	}
	return nil
}

// TurnedAway is called when somebody loses his place: he has to be of those who
// are most.
func (q *Turns) TurnedAway(t *Ticket) error {
	most := 0
	for _, n := range q.waiting {
		most = max(most, n)
	}
	mine := q.waiting[t.class]
	q.gone(t)
	if most > mine {
		return fmt.Errorf("one of %d of its product was turned away, and %d of another wait", mine, most)
	}
	return nil
}

func (q *Turns) gone(t *Ticket) {
	if q.waiting[t.class]--; q.waiting[t.class] == 0 {
		delete(q.waiting, t.class)
	}
}
