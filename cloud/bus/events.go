package bus

import (
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// subscribers are those on this node who want events: a list that is replaced
// and never changed, so that delivering takes no lock.
type subscribers struct {
	mu   sync.Mutex // serialises changes
	list atomic.Pointer[[]*subscriber]
}

type subscriber struct {
	mu   sync.Mutex // held while fn runs
	fn   func(*event.Event)
	gone bool // guarded by mu
}

func (l *subscribers) all() []*subscriber {
	if p := l.list.Load(); p != nil {
		return *p
	}
	return nil
}

func (l *subscribers) add(s *subscriber) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := append(slices.Clone(l.all()), s)
	l.list.Store(&next)
}

func (l *subscribers) remove(s *subscriber) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := slices.DeleteFunc(slices.Clone(l.all()), func(have *subscriber) bool { return have == s })
	l.list.Store(&next)
}

// Publish hands the event to everybody who subscribed, on every node. It
// never blocks: when the outbox is full the event is dropped, counted, and
// the error's kind is Busy.
func (b *Bus) Publish(e *event.Event) error {
	if err := b.Check(); err != nil {
		b.metrics.dropped.WithLabelValues(dropDisconnected).Inc()
		return err
	}
	err := b.outbox.put(e)
	switch {
	case err == nil:
		b.metrics.published.Inc()
	case fault.KindOf(err) == fault.Busy:
		b.metrics.dropped.WithLabelValues(dropOutboxFull).Inc()
	default:
		b.metrics.dropped.WithLabelValues(dropTooLong).Inc()
	}
	return err
}

// sendEvents empties the outbox.
func (b *Bus) sendEvents() {
	full := b.outbox.take()
	for rest := full; len(rest) > 0; {
		var batch []byte
		var n int
		batch, rest, n = nextBatch(rest)
		if err := b.conn.Publish(subjectEvents, batch); err != nil {
			b.metrics.dropped.WithLabelValues(dropDisconnected).Add(float64(n))
		}
	}
	b.outbox.done(full)
}

// Subscribe calls fn for every event on the bus, one at a time and in each
// publisher's order. fn must not block, nor change the event. cancel returns
// when fn has returned for the last time; fn must not call it.
func (b *Bus) Subscribe(fn func(*event.Event)) (cancel func(), err error) {
	if b.closing() {
		return nil, errUnavailable()
	}
	s := &subscriber{fn: fn}
	b.subscribers.add(s)
	return func() {
		b.subscribers.remove(s)
		s.mu.Lock()
		s.gone = true
		s.mu.Unlock()
	}, nil
}

// deliver takes a message of events from the bus to this node's subscribers.
func (b *Bus) deliver(m *nats.Msg) {
	if len(m.Data) == 0 {
		b.pulsed()
		return
	}
	b.unread(eachEvent(m.Data, func(e *event.Event) {
		b.metrics.delivered.Inc()
		if !b.hearing.keep(e) {
			b.give(e)
		}
	}))
}

// give hands an event to this node's subscribers.
func (b *Bus) give(e *event.Event) {
	for _, s := range b.subscribers.all() {
		b.hand(s, e)
	}
}

func (b *Bus) hand(s *subscriber, e *event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if v := recover(); v != nil {
			b.panicked("subscriber", v)
		}
	}()
	if !s.gone {
		s.fn(e)
	}
}

// panicked counts and logs a panic that was caught.
func (b *Bus) panicked(where string, value any) {
	b.metrics.panics.Inc()
	b.log.Error("panic", "where", where, "value", value, "stack", string(debug.Stack()))
}
