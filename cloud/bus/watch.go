package bus

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Watcher is a door that people listen at. It hears what must end their
// streams, because silence would be taken for news of nothing. Its methods
// must not block.
type Watcher interface {
	// Deaf says that events do not reach this node, and have perhaps not for
	// some seconds.
	Deaf()
	// Missed says that some events did not, because it could not keep up.
	Missed()
	// Revoked says whose rights have ended, on whatever node.
	Revoked(r Revocation)
	// OwnerChanged says whose a device is now; empty: nobody's.
	OwnerChanged(id device.ID, owner account.ID)
}

// Revocation is the end of a right to listen.
type Revocation struct {
	Token   account.TokenHash // of this token; zero: of all of the user's
	User    account.ID        // empty when Token says it
	Deleted bool              // the user is no more
}

// watchers are the doors of this node, and what is known of its hearing.
type watchers struct {
	mu   sync.Mutex
	list []Watcher // guarded by mu

	// unheard counts the pulses of this node that have not come back.
	unheard atomic.Int32
}

// maxUnheard is how many pulses may be on their way, as many as heartbeats
// of a node before it is forgotten.
const maxUnheard = 5

// Watch has the door hear of what must end streams. cancel ends that.
func (b *Bus) Watch(w Watcher) (cancel func()) {
	b.watchers.mu.Lock()
	defer b.watchers.mu.Unlock()
	b.watchers.list = append(b.watchers.list, w)
	return func() {
		b.watchers.mu.Lock()
		defer b.watchers.mu.Unlock()
		b.watchers.list = slices.DeleteFunc(b.watchers.list, func(have Watcher) bool { return have == w })
	}
}

// each calls fn for every watcher.
func (w *watchers) each(fn func(Watcher)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, watcher := range w.list {
		fn(watcher)
	}
}

// Hearing tells whether events reach this node: nil, or an error of kind
// Unavailable. A connection can be open and dead; so the node listens for its
// own pulse among the events.
func (b *Bus) Hearing() error {
	if err := b.Check(); err != nil {
		return err
	}
	if b.watchers.unheard.Load() >= maxUnheard {
		return errUnavailable()
	}
	return nil
}

// pulse sends this node's pulse, with every heartbeat, and looks whether the
// last ones came back.
func (b *Bus) pulse() {
	if b.watchers.unheard.Add(1) == maxUnheard {
		b.log.Error("no events come from the bus", "for", maxUnheard*b.cfg.Heartbeat)
		b.deaf()
	}
	// An empty message of events. One that cannot be sent does not come back.
	_ = b.conn.Publish(subjectEvents, nil)
}

// pulsed notes that a pulse came, this node's or another's.
func (b *Bus) pulsed() { b.watchers.unheard.Store(0) }

func (b *Bus) deaf() { b.watchers.each(Watcher.Deaf) }

func (b *Bus) missed() { b.watchers.each(Watcher.Missed) }

// Revoke tells every node's doors whose rights have ended, this node's at once.
// The error is Unavailable if the others cannot be told: they are deaf then, and
// end all their streams.
func (b *Bus) Revoke(r Revocation) error {
	b.watchers.each(func(w Watcher) { w.Revoked(r) })
	w := newWriter(64)
	w.string(string(r.Token[:]))
	w.string(string(r.User))
	w.bool(r.Deleted)
	if err := b.conn.Publish(subjectRevoked, w.b); err != nil {
		return fault.E(fault.Unavailable, "tell the other nodes of the revocation", err).WithCode(rest.CodeBusUnavailable)
	}
	return nil
}

// revoked takes what another node, or this one, said with Revoke.
func (b *Bus) revoked(m *nats.Msg) {
	r := newLastingReader(m.Data)
	token, said := r.string(), Revocation{User: account.ID(r.string()), Deleted: r.bool()}
	if r.end() != nil || len(token) != len(said.Token) {
		b.metrics.dropped.WithLabelValues(dropMalformed).Inc()
		b.deaf() // whose rights have ended cannot be told
		return
	}
	copy(said.Token[:], token)
	b.watchers.each(func(w Watcher) { w.Revoked(said) })
}
