package store

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// The bounds of the queues: what comes when one is full is refused and
// counted. And the bounds of one batch, which bound how long an
// acknowledgement waits behind others.
const (
	maxSessionQueue = 16384
	maxAttemptQueue = 4096
	maxSeenQueue    = 8192

	batchSessions = 700
	batchAttempts = 150
	batchSeen     = 150
)

// lazyDelay is how long attempts and notes of what was seen wait for a commit
// of sessions to ride along with before they get one of their own.
const lazyDelay = 200 * time.Millisecond

// writer is the group commit: one goroutine that writes what many queued.
//
// Session changes are written at once, in the order in which they came; while
// one batch is being synced the next one gathers. Nothing else is waited for,
// so a lone change costs one sync and a thousand cost one sync too.
type writer struct {
	// Set at New.
	db      *sql.DB
	memory  *memory // forgets the devices that something new was seen of
	log     *slog.Logger
	metrics *writerMetrics
	wake    chan struct{} // capacity 1: there is something to do at once
	ended   chan struct{} // closed when run has returned

	failing atomic.Bool // the last commit went wrong

	mu       sync.Mutex
	sessions []sessionOp       // guarded by mu
	acts     []act             // guarded by mu
	attempts []device.Attempt  // guarded by mu
	seen     []DeviceUpdate    // guarded by mu
	seenAt   map[device.ID]int // guarded by mu: where in seen a device is
	flushes  []chan<- error    // guarded by mu, capacity 1 each
	closed   bool              // guarded by mu

	// Owned by run: taken from the queues, not written yet.
	late       lateRows
	suspect    bool       // the last commit with late rows went wrong
	statements statements // closed with db
}

// lateRows are rows that nobody waits for. They stay until a commit took
// them, so that an outage of the database loses none that there is room for.
type lateRows struct {
	attempts []device.Attempt
	seen     []DeviceUpdate
}

func (l *lateRows) empty() bool { return len(l.attempts) == 0 && len(l.seen) == 0 }

func newWriter(db *sql.DB, memory *memory, log *slog.Logger) *writer {
	return &writer{
		db: db, memory: memory, log: log, metrics: newWriterMetrics(),
		wake: make(chan struct{}, 1), ended: make(chan struct{}), seenAt: map[device.ID]int{},
	}
}

func (w *writer) start() { go w.run() } // ends after close

// session queues a change of a session.
func (w *writer) session(op sessionOp) bool {
	w.mu.Lock()
	ok := !w.closed && len(w.sessions) < maxSessionQueue
	if ok {
		w.sessions = append(w.sessions, op)
	}
	w.mu.Unlock()
	if !ok {
		w.metrics.refused.WithLabelValues(queueSession).Inc()
		return false
	}
	w.poke()
	return true
}

// attempt queues the record of a connection attempt.
func (w *writer) attempt(a device.Attempt) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.attempts) >= maxAttemptQueue {
		w.metrics.refused.WithLabelValues(queueAttempt).Inc()
		return false
	}
	w.attempts = append(w.attempts, a)
	return true
}

// see queues a note of what was seen of a device, or adds it to the one that
// is waiting.
func (w *writer) see(u DeviceUpdate) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at, ok := w.seenAt[u.Device]; ok && !w.closed {
		w.seen[at].merge(u)
		return true
	}
	if w.closed || len(w.seen) >= maxSeenQueue {
		w.metrics.refused.WithLabelValues(queueSeen).Inc()
		return false
	}
	w.seenAt[u.Device] = len(w.seen)
	w.seen = append(w.seen, u)
	return true
}

// flush waits until all that is queued now was tried, and gives the error of
// the last commit.
func (w *writer) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil { // or it would depend on which of two cases a select takes
		return fault.E(fault.Unavailable, "wait for the database", err)
	}
	tried := make(chan error, 1)
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errClosed()
	}
	w.flushes = append(w.flushes, tried)
	w.mu.Unlock()
	w.poke()
	select {
	case err := <-tried:
		return err
	case <-ctx.Done():
		return fault.E(fault.Unavailable, "wait for the database", ctx.Err())
	}
}

// close refuses what comes, and returns when what was queued is done with.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.poke()
	<-w.ended
}

func (w *writer) poke() {
	select {
	case w.wake <- struct{}{}:
	default: // it is awake, and will look at the queues again
	}
}

// run owns the writing. It ends when the writer is closed and all that was
// queued is done with.
func (w *writer) run() {
	defer close(w.ended)
	tick := time.NewTicker(lazyDelay)
	defer tick.Stop()
	for {
		late := false // write what nobody waits for even if it is alone
		select {
		case <-w.wake:
		case <-tick.C:
			late = true
		}
		w.mu.Lock()
		flushes, closed := w.flushes, w.closed
		w.flushes = nil
		w.mu.Unlock()

		err := w.drain(late || closed || len(flushes) > 0)
		for _, tried := range flushes {
			tried <- err
		}
		if closed {
			w.drop()
			return
		}
	}
}

// drain writes batch after batch until the queues are empty. Late rows are
// written alone only when late is set. After a failed commit they keep until
// the next time, and ride with no session until they went through alone: it
// may be they that the database cannot take. Once the writer is closed, nothing
// is tried after a failure, so that closing ends even if the database hangs.
func (w *writer) drain(late bool) (err error) {
	for {
		sessions, acts, closed := w.take()
		alone := len(sessions)+len(acts) == 0
		if alone && (!late || w.late.empty() || err != nil) {
			return err
		}
		if err == nil || !closed {
			ride := alone || !w.suspect
			err = w.commit(context.Background(), sessions, acts, ride)
			if ride {
				w.suspect = err != nil
			}
			w.report(err)
		}
		for i := range sessions {
			release(&sessions[i], err)
		}
		for i := range acts {
			acts[i].release(err)
		}
	}
}

// take takes the next batch of session changes and acts from the queues, and moves the
// late rows over if none are left of those moved before. It also tells whether
// the writer is closed.
func (w *writer) take() (sessions []sessionOp, acts []act, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.sessions), batchSessions)
	sessions = w.sessions[:n:n]
	if w.sessions = w.sessions[n:]; len(w.sessions) == 0 {
		w.sessions = nil
	}
	n = min(len(w.acts), batchActs)
	acts = w.acts[:n:n]
	if w.acts = w.acts[n:]; len(w.acts) == 0 {
		w.acts = nil
	}
	if len(w.late.attempts) == 0 {
		w.late.attempts, w.attempts = w.attempts, nil
	}
	if len(w.late.seen) == 0 && len(w.seen) > 0 {
		w.late.seen, w.seen = w.seen, nil
		w.seenAt = map[device.ID]int{}
	}
	return sessions, acts, w.closed
}

// release tells the caller of a session change how it went.
func release(op *sessionOp, err error) {
	if op.done == nil {
		return
	}
	if err == nil {
		err = op.err
	}
	op.done(err)
}

// drop counts the rows that the database did not take before the end.
func (w *writer) drop() {
	w.metrics.refused.WithLabelValues(queueAttempt).Add(float64(len(w.late.attempts)))
	w.metrics.refused.WithLabelValues(queueSeen).Add(float64(len(w.late.seen)))
}

// report logs when commits begin to fail and when they work again.
func (w *writer) report(err error) {
	failed := err != nil
	if w.failing.Swap(failed) == failed {
		return
	}
	if failed {
		w.log.Error("database cannot be written; sessions are not acknowledged", "error", err)
	} else {
		w.log.Info("database can be written again")
	}
}

func errClosed() error { return fault.Errorf(fault.Unavailable, "the store is closed") }
