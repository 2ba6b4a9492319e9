package session

import "unique"

// shared is a value that many sessions have alike: what they run, what they
// subscribed to, which of our addresses they speak to. It is there once, however
// many they are. The zero value is that of T.
type shared[T comparable] struct{ handle unique.Handle[T] }

func share[T comparable](v T) (s shared[T]) {
	var zero T
	if v != zero {
		s.handle = unique.Make(v)
	}
	return s
}

func (s shared[T]) get() (v T) {
	if s.handle != (unique.Handle[T]{}) {
		v = s.handle.Value()
	}
	return v
}
