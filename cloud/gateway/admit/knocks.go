package admit

import "time"

// A handshake on UDP costs its lane a quarter of a millisecond, a keep-alive a
// hundredth of that. When many knock at once, a few are let in between two looks
// into the mailbox, so that those who are connected wait for milliseconds, and
// the others in a queue. A device asks again after 3 s; what waits longer than
// KnockPatience would find its next try behind it.
const (
	KnocksAtOnce  = 16
	KnocksTime    = time.Millisecond // in a round
	KnockPlaces   = 4096
	KnockPatience = 2 * time.Second
)

// Knocks is where parts of handshakes wait for their turn, a few of which come
// in each round. Make it with NewKnocks; it belongs to one goroutine.
type Knocks[T any] struct {
	queue  *Queue[T]
	served int       // in this round
	until  time.Time // somebody comes in, in this round
}

// NewKnocks makes one at which nobody waits.
func NewKnocks[T any](cfg Config) Knocks[T] { return Knocks[T]{queue: New[T](cfg)} }

// Len tells how many wait.
func (k *Knocks[T]) Len() int { return k.queue.Len() }

// Waited tells how long the one had waited whom Next gave last.
func (k *Knocks[T]) Waited() time.Duration { return k.queue.Waited() }

// AtOnce tells whether one who knocks comes in without waiting: because nobody
// waits, and the round has not had its few.
func (k *Knocks[T]) AtOnce(now time.Time) bool {
	if k.queue.Len() > 0 || !k.open(now) {
		return false
	}
	k.served++
	return true
}

// Wait lets one wait; full: away is turned away for it, or is the one itself.
func (k *Knocks[T]) Wait(now time.Time, class uint64, what T) (away T, full bool) {
	return k.queue.Push(now, class, what)
}

// Round begins the next round.
func (k *Knocks[T]) Round() { k.served = 0 }

// open tells whether one more may come in this round.
func (k *Knocks[T]) open(now time.Time) bool {
	if k.served == 0 {
		k.until = now.Add(KnocksTime)
	}
	return k.served < KnocksAtOnce && !now.After(k.until)
}

// Next gives who is next in this round; late: it has waited too long to be
// served, and does not count. ok is false when nobody waits, or the round has
// had its few.
func (k *Knocks[T]) Next(now time.Time) (what T, late, ok bool) {
	if !k.open(now) {
		return what, false, false
	}
	what, late, ok = k.queue.Pop(now)
	if ok && !late {
		k.served++
	}
	return what, late, ok
}
