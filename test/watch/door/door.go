// Package door stands before a cloud's doors for devices, and fails in the
// ways in which clouds fail those who come anew, while those inside go on.
package door

import (
	"io"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/internal/port"
)

// Fault is what is wrong with a door.
type Fault int

// The faults.
const (
	None       Fault = iota
	Unanswered       // who comes anew is let in and gets no answer: the service behind hangs
	Refused          // the port is closed; over UDP, where nobody is inside a port, to those who have a session, too
)

// Door is a door that something can be wrong with.
type Door interface {
	// Addr is where devices connect; it stays the same.
	Addr() string
	// Set makes something wrong, or right.
	Set(Fault) error
	// Deafen lets a share of those who are inside send and hear nothing any
	// more until they come anew, and gives their number.
	Deafen(share float64) int
	Close()
}

// again tries for a while: a port that was closed a moment ago may not be free
// at once.
func again(do func() error) (err error) {
	for late := time.Now().Add(time.Minute); ; {
		if err = do(); err == nil || time.Now().After(late) {
			return err
		}
		<-time.After(20 * time.Millisecond)
	}
}

// base is what doors have in common. F is the socket that devices come to.
type base[F io.Closer] struct {
	at, to string
	open   func(at string) (F, error)
	attend func(F)        // until the socket is closed
	all    sync.WaitGroup // every goroutine of the door; they end with Close

	mu     sync.Mutex
	fault  Fault // guarded by mu
	front  F     // guarded by mu
	there  bool  // guarded by mu: there is a front; otherwise who comes is refused
	closed bool  // guarded by mu
}

// begin opens the door before the cloud's port at to.
func (b *base[F]) begin(t testing.TB, to string) error {
	t.Helper()
	b.at, b.to = port.Free(t), to
	return b.listen()
}

func (b *base[F]) Addr() string { return b.at }

func (b *base[F]) wrong() Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fault
}

// listen opens the port. The caller holds mu, or nobody else has the door.
func (b *base[F]) listen() error {
	return again(func() error {
		front, err := b.open(b.at)
		if err == nil {
			b.front, b.there = front, true
			b.all.Go(func() { b.attend(front) }) // until it is closed
		}
		return err
	})
}

func (b *base[F]) Set(f Fault) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = f
	switch {
	case f == Refused && b.there:
		b.there = false
		return b.front.Close()
	case f != Refused && !b.there && !b.closed:
		return b.listen()
	}
	return nil
}

// shut lets nobody in any more.
func (b *base[F]) shut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.there {
		_ = b.front.Close()
	}
}
