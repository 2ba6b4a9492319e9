// Package admit decides who comes in next when more knock than can be let in.
//
// A Queue is first come, first served among those of one class, a product or a
// network, and takes the classes in turn: a maker's million devices that
// come back at once do not keep another's ten outside. Whoever has waited
// longer than it is worth is given back unserved: its device has given up by
// then, or has asked again, and work for it would only make the next one late
// as well. And when every place is taken, the class that has most of them
// loses its newest, not who happens to come last.
//
//	Push ─▶ class 1: a a a a        Pop ─▶ a, b, a, c, a …
//	        class 2: b               late ─▶ given back
//	        class 3: c
//
// Nothing here has a clock of its own.
package admit

import "time"

// Config bounds a queue. Its zero value is of no use.
type Config struct {
	Places   int           // how many may wait
	Patience time.Duration // how long one may wait
}

// classes is how many classes are told apart; those that share one by chance
// share their turn.
const classes = 256

// Queue holds what waits. Make it with New; it belongs to one goroutine, or
// to who holds a lock.
type Queue[T any] struct {
	cfg     Config
	lines   [classes]line[T]
	round   []uint16 // the classes that have somebody waiting, in order of their turns
	waiting int
	waited  time.Duration
}

// line is those of one class who wait, in order.
type line[T any] struct {
	items []waiter[T]
	head  int
}

type waiter[T any] struct {
	what  T
	since time.Time
}

// New makes a queue in which nobody waits.
func New[T any](cfg Config) *Queue[T] { return &Queue[T]{cfg: cfg} }

// Len tells how many wait.
func (q *Queue[T]) Len() int { return q.waiting }

// Waited tells how long the one had waited whom Pop gave last.
func (q *Queue[T]) Waited() time.Duration { return q.waited }

// Push lets one wait. When every place is taken somebody is turned away, and
// given back: it may be the one who came.
func (q *Queue[T]) Push(now time.Time, class uint64, what T) (away T, full bool) {
	at := uint16(class % classes)
	if q.waiting >= q.cfg.Places {
		most := q.longest()
		if q.lines[at].len() >= q.lines[most].len() {
			return what, true
		}
		away, full = q.lines[most].dropLast(), true
		q.waiting--
		if q.lines[most].len() == 0 {
			q.leaveRound(most)
		}
	}
	l := &q.lines[at]
	if l.len() == 0 {
		q.round = append(q.round, at)
	}
	l.items = append(l.items, waiter[T]{what, now})
	q.waiting++
	return away, full
}

// Pop gives who is next; late: he has waited too long to be served. ok is
// false when nobody waits.
func (q *Queue[T]) Pop(now time.Time) (what T, late, ok bool) {
	if q.waiting == 0 {
		return what, false, false
	}
	at := q.round[0]
	copy(q.round, q.round[1:])
	q.round = q.round[:len(q.round)-1]
	w := q.lines[at].takeFirst()
	q.waiting--
	if q.lines[at].len() > 0 {
		q.round = append(q.round, at)
	}
	q.waited = now.Sub(w.since)
	return w.what, q.waited > q.cfg.Patience, true
}

// longest is the class in which most wait.
func (q *Queue[T]) longest() (most uint16) {
	for _, at := range q.round {
		if q.lines[at].len() > q.lines[most].len() {
			most = at
		}
	}
	return most
}

func (q *Queue[T]) leaveRound(at uint16) {
	for i, other := range q.round {
		if other == at {
			q.round = append(q.round[:i], q.round[i+1:]...)
			return
		}
	}
}

func (l *line[T]) len() int { return len(l.items) - l.head }

func (l *line[T]) takeFirst() waiter[T] {
	w := l.items[l.head]
	l.items[l.head] = waiter[T]{}
	l.head++
	switch {
	case l.head == len(l.items):
		l.items, l.head = l.items[:0], 0
	case l.head >= 64 && l.head*2 >= len(l.items):
		n := copy(l.items, l.items[l.head:])
		clear(l.items[n:])
		l.items, l.head = l.items[:n], 0
	}
	return w
}

func (l *line[T]) dropLast() T {
	last := len(l.items) - 1
	w := l.items[last]
	l.items[last] = waiter[T]{}
	l.items = l.items[:last]
	if l.head == len(l.items) {
		l.items, l.head = l.items[:0], 0
	}
	return w.what
}
