package lane

import (
	"hash/maphash"
	"iter"

	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/internal/dense"
)

// chunk is how many connections are allocated together.
const chunk = 64

// room is where a lane's connections and their sessions are, one behind the
// other: allocated one by one, among handshakes that come and go, they would leave
// holes. The place of one that ended is given to the next, and not given back.
type room struct {
	chunks   []*[chunk]conn
	sessions []*[chunk]session.Session
	free     []uint32 // slots
	ended    []*conn  // in the step at hand, which may still look at them
}

func (r *room) at(slot uint32) *conn { return &r.chunks[slot/chunk][slot%chunk] }

// admit gives c a place, where it is from now on.
func (r *room) admit(c *conn) *conn {
	if len(r.free) == 0 {
		first := uint32(len(r.chunks) * chunk)
		r.chunks, r.sessions = append(r.chunks, new([chunk]conn)), append(r.sessions, new([chunk]session.Session))
		for slot := first + chunk; slot > first; slot-- {
			r.free = append(r.free, slot-1)
		}
	}
	last := len(r.free) - 1
	c.slot = r.free[last]
	r.free = r.free[:last]
	place := r.at(c.slot)
	*place = *c
	if c.sess != nil {
		r.converse(place, c.sess)
	}
	return place
}

// converse gives c a session, which nobody else goes on with.
func (r *room) converse(c *conn, s *session.Session) {
	c.sess = &r.sessions[c.slot/chunk][c.slot%chunk]
	*c.sess = *s
}

// leave gives up c's place behind the step at hand.
func (r *room) leave(c *conn) { r.ended = append(r.ended, c) }

// clean makes the places of those that have ended free.
func (r *room) clean() {
	for i, c := range r.ended {
		r.free = append(r.free, c.slot)
		if c.sess != nil {
			*c.sess = session.Session{}
		}
		*c, r.ended[i] = conn{}, nil
	}
	r.ended = r.ended[:0]
}

// book finds connections by something that each has for as long as it stands in
// there.
type book[K comparable] struct {
	room  *room
	seed  maphash.Seed
	key   func(*conn) K
	index *dense.Index
}

func newBook[K comparable](r *room, key func(*conn) K) book[K] {
	return book[K]{room: r, seed: maphash.MakeSeed(), key: key, index: new(dense.Index)}
}

func (b *book[K]) hash(key K) uint64 { return maphash.Comparable(b.seed, key) }

func (b *book[K]) hashOf(slot uint32) uint64 { return b.hash(b.key(b.room.at(slot))) }

// of gives whose key it is; nil: nobody's.
func (b *book[K]) of(key K) *conn {
	slot, ok := b.index.Find(b.hash(key), func(slot uint32) bool { return b.key(b.room.at(slot)) == key })
	if !ok {
		return nil
	}
	return b.room.at(slot)
}

// put makes c the one that is found, and gives who was until now.
func (b *book[K]) put(c *conn) (before *conn) {
	key := b.key(c)
	before = b.of(key)
	switch {
	case before == nil:
		b.index.Add(b.hash(key), c.slot, b.hashOf)
	case before != c:
		b.index.Move(b.hash(key), before.slot, c.slot)
	}
	return before
}

// drop takes c out, if it is the one that is found.
func (b *book[K]) drop(c *conn) {
	if key := b.key(c); b.of(key) == c {
		b.index.Remove(b.hash(key), c.slot, b.hashOf)
	}
}

func (b *book[K]) len() int { return b.index.Len() }

// all gives everyone, in no order that means anything.
func (b *book[K]) all() iter.Seq[*conn] {
	return func(yield func(*conn) bool) {
		for slot := range b.index.All() {
			if !yield(b.room.at(slot)) {
				return
			}
		}
	}
}
