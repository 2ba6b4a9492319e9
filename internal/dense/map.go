package dense

import (
	"hash/maphash"
	"iter"
)

// chunk is how many entries of a map are allocated together.
const chunk = 64

// Map is a map for very many small entries. NewMap makes one.
type Map[K comparable, V any] struct {
	seed   maphash.Seed
	index  Index
	chunks []*[chunk]pair[K, V]
	n      int
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

// NewMap makes an empty map.
func NewMap[K comparable, V any]() *Map[K, V] { return &Map[K, V]{seed: maphash.MakeSeed()} }

func (m *Map[K, V]) hash(key K) uint64 { return maphash.Comparable(m.seed, key) }

func (m *Map[K, V]) pair(slot uint32) *pair[K, V] { return &m.chunks[slot/chunk][slot%chunk] }

func (m *Map[K, V]) hashOf(slot uint32) uint64 { return m.hash(m.pair(slot).key) }

func (m *Map[K, V]) find(hash uint64, key K) (slot uint32, ok bool) {
	return m.index.Find(hash, func(slot uint32) bool { return m.pair(slot).key == key })
}

// Len is how many entries there are.
func (m *Map[K, V]) Len() int { return m.n }

// At gives where the key's value is until something is put in or deleted; nil:
// there is none.
func (m *Map[K, V]) At(key K) *V {
	if slot, ok := m.find(m.hash(key), key); ok {
		return &m.pair(slot).value
	}
	return nil
}

// Put gives where the key's value is until something is put in or deleted. One
// that was not there is zero.
func (m *Map[K, V]) Put(key K) *V {
	hash := m.hash(key)
	slot, ok := m.find(hash, key)
	if !ok {
		slot = uint32(m.n)
		if m.n == len(m.chunks)*chunk {
			m.chunks = append(m.chunks, new([chunk]pair[K, V]))
		}
		m.n++
		m.pair(slot).key = key
		m.index.Add(hash, slot, m.hashOf)
	}
	return &m.pair(slot).value
}

// Delete forgets the key, and tells whether it was there. The last entry takes
// the place of the one that goes.
func (m *Map[K, V]) Delete(key K) bool {
	hash := m.hash(key)
	slot, ok := m.find(hash, key)
	if !ok {
		return false
	}
	m.index.Remove(hash, slot, m.hashOf)
	last := uint32(m.n - 1)
	end := m.pair(last)
	if slot != last {
		m.index.Move(m.hash(end.key), last, slot)
		*m.pair(slot) = *end
	}
	*end = pair[K, V]{}
	m.n--
	if m.n%chunk == 0 {
		m.chunks[m.n/chunk] = nil
		m.chunks = m.chunks[:m.n/chunk]
	}
	return true
}

// DeleteFunc forgets the entries that gone tells.
func (m *Map[K, V]) DeleteFunc(gone func(K, *V) bool) {
	for slot := m.n - 1; slot >= 0; slot-- { // what takes the place of another has been looked at
		if p := m.pair(uint32(slot)); gone(p.key, &p.value) {
			m.Delete(p.key)
		}
	}
}

// All gives every entry, in no order that means anything. Values may be
// changed, and nothing put in or deleted meanwhile.
func (m *Map[K, V]) All() iter.Seq2[K, *V] {
	return func(yield func(K, *V) bool) {
		for slot := range m.n {
			if p := m.pair(uint32(slot)); !yield(p.key, &p.value) {
				return
			}
		}
	}
}
