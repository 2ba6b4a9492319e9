package session

import (
	"unique"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/session/offer"
	"github.com/cyan-cloud/cyan/internal/intern"
)

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

func (s *Session) knowsApplication() bool { return s.app != nil }

// application is what it said that it offers: nothing, if it said nothing.
func (s *Session) application() offer.Text {
	if s.app == nil {
		return ""
	}
	return offer.Text(*s.app)
}

// Share has what the device offers lie with what others offer, once for all who
// offer the same. Whoever holds many sessions does that with one that was restored
// or adopted, and after Described.
func (s *Session) Share(texts *intern.Table) {
	if s.app != nil {
		s.app = texts.Of(*s.app)
	}
}

// Describe gives what the application offers; ok tells whether it said so.
func (s *Session) Describe() (d device.Describe, ok bool) {
	if !s.knowsApplication() {
		return device.Describe{}, false
	}
	return s.application().Describe(), true
}
