package admit

import "time"

// The RSA of a TCP handshake takes milliseconds, and so it waits for a worker
// outside the lanes, apart from the handshakes on UDP, which cost a tenth of it.
// A device on TCP gives us 20 s; what has waited for longer than BenchPatience
// would come too late once its answer has waited too.
const (
	BenchPlaces   = 8192
	BenchPatience = 8 * time.Second
)

// Bench is where that work waits for somebody to do it. A handshake that was
// begun is ended before another is begun. Make it with NewBench; it belongs to
// who holds a lock.
type Bench[T any] struct {
	begun []T
	fresh *Queue[T]
}

// NewBench makes one without work.
func NewBench[T any](cfg Config) Bench[T] { return Bench[T]{fresh: New[T](cfg)} }

// Begin adds the work of a handshake that begins; full: away is turned away for
// it, or is the one itself.
func (b *Bench[T]) Begin(now time.Time, class uint64, what T) (away T, full bool) {
	return b.fresh.Push(now, class, what)
}

// End adds the work of a handshake that was begun. There is never more of it
// than workers and one store's answers.
func (b *Bench[T]) End(what T) { b.begun = append(b.begun, what) }

// Next gives what is to be done next, and how long it had waited; late: for too
// long. ok is false when there is nothing to do.
func (b *Bench[T]) Next(now time.Time) (what T, waited time.Duration, late, ok bool) {
	if len(b.begun) > 0 {
		var none T
		what, b.begun[0] = b.begun[0], none
		b.begun = b.begun[1:]
		return what, 0, false, true
	}
	what, late, ok = b.fresh.Pop(now)
	return what, b.fresh.Waited(), late, ok
}

// Waiting tells how many handshakes wait to be begun.
func (b *Bench[T]) Waiting() int { return b.fresh.Len() }
