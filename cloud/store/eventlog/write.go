package eventlog

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// The bounds of the queue: what comes when it is full is refused and counted.
// And that of one transaction, which bounds how long an event waits behind
// others.
const (
	maxWaiting      = 16384
	maxWaitingBytes = 16 << 20
	maxBatch        = 1000
)

// maxLost bounds the owners who are remembered to have lost an event; those
// beyond are told of no gap.
const maxLost = 4096

// writeTime bounds one transaction.
const writeTime = 30 * time.Second

// entry is an event on its way into the log.
type entry struct {
	owner, id string
	public    bool
	body      []byte
	done      func(error)
}

// Append puts the event into the log and returns at once; done is called when
// it is there, on the disk, or cannot be. The calls come one at a time and in
// the order of the events, and must not block. false: there is no room for the
// event, and done is not called.
func (l *Log) Append(e *event.Event, done func(error)) bool {
	in := entry{owner: string(e.Owner), id: e.ID, public: e.Public, body: event.Append(nil, e), done: done}
	l.mu.Lock()
	full := len(l.waiting) >= maxWaiting || l.bytes+len(in.body) > maxWaitingBytes
	ok := !l.closed && !full
	if ok {
		l.waiting = append(l.waiting, in)
		l.bytes += len(in.body)
	} else {
		l.lose(&in)
	}
	l.mu.Unlock()
	if !ok {
		l.metrics.refused.Inc()
		return false
	}
	l.rouse()
	return true
}

// Keep is Append for who can wait: after nil, the event is on the disk.
func (l *Log) Keep(ctx context.Context, e *event.Event) error {
	kept := make(chan error, 1)
	if !l.Append(e, func(err error) { kept <- err }) {
		return fault.Errorf(fault.Busy, "too many events are waiting to be kept").WithCode(rest.CodeOverloaded)
	}
	select {
	case err := <-kept:
		return err
	case <-ctx.Done():
		return unavailable("wait for the event to be kept", ctx.Err())
	}
}

func (l *Log) rouse() {
	select {
	case l.wake <- struct{}{}:
	default: // it is awake, and will look at the queue again
	}
}

// pruneEvery is how often the log looks for what is too old.
const pruneEvery = time.Minute

// run owns the writing. It ends when the log is closed and all that waited is
// done with.
func (l *Log) run() {
	defer close(l.ended)
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.wake:
		case <-tick.C:
			l.tidy(time.Now())
		}
		batch, closed := l.take()
		for ; len(batch) > 0; batch, closed = l.take() {
			err := l.commit(batch, time.Now())
			l.report(err)
			for i := range batch {
				if batch[i].done != nil {
					batch[i].done(err)
				}
			}
			if l.fresh > l.cfg.Bytes/16 {
				l.tidy(time.Now())
			}
		}
		if closed {
			return
		}
	}
}

func (l *Log) take() (batch []entry, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.waiting), maxBatch)
	batch = l.waiting[:n:n]
	if l.waiting = l.waiting[n:]; len(l.waiting) == 0 {
		l.waiting = nil
	}
	for i := range batch {
		l.bytes -= len(batch[i].body)
	}
	return batch, l.closed
}

// commit writes a batch in one transaction. When it has returned nil, the batch
// is on the disk.
func (l *Log) commit(batch []entry, now time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeTime)
	defer cancel()
	var last int64
	l.mu.Lock()
	lost := slices.Collect(maps.Keys(l.lost))
	l.mu.Unlock()
	err := l.transact(ctx, func(tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, `INSERT INTO events (owner, public, stored, body) VALUES ($1, $2, $3, $4)`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for i := range batch {
			e := &batch[i]
			res, err := stmt.ExecContext(ctx, e.owner, e.public, now.UnixMilli(), e.body)
			if err != nil {
				return err
			}
			if last, err = res.LastInsertId(); err != nil {
				return err
			}
		}
		return confess(ctx, tx, lost, last-int64(len(batch))+1)
	})
	if err != nil {
		l.metrics.commits.WithLabelValues("failed").Inc()
		l.metrics.lost.Add(float64(len(batch)))
		l.mu.Lock()
		for i := range batch {
			l.lose(&batch[i])
		}
		l.mu.Unlock()
		return unavailable("write the history of events", err)
	}
	l.mu.Lock()
	for _, owner := range lost {
		delete(l.lost, owner)
	}
	l.mu.Unlock()
	for i := range batch {
		l.fresh += int64(len(batch[i].body)) + overhead
	}
	l.head.Store(&event.Position{Seq: uint64(last), ID: batch[len(batch)-1].id})
	l.metrics.commits.WithLabelValues("ok").Inc()
	l.metrics.events.Add(float64(len(batch)))
	return nil
}

// overhead is about what an event takes up beside its body.
const overhead = 128

// lose remembers whose event is not in the log. Caller holds mu.
func (l *Log) lose(e *entry) {
	if len(l.lost) < maxLost {
		l.lost[e.owner] = struct{}{}
	}
	if e.public {
		l.lost[anybody] = struct{}{}
	}
}

// confess marks, ahead of the event with the number, that some of their owners'
// are missing.
func confess(ctx context.Context, tx *sql.Tx, lost []string, seq int64) error {
	for _, owner := range lost {
		if _, err := tx.ExecContext(ctx, `INSERT INTO dropped (owner, seq) VALUES ($1, $2)
			ON CONFLICT (owner) DO UPDATE SET seq = excluded.seq`, owner, seq); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) transact(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// report logs when commits begin to fail and when they work again.
func (l *Log) report(err error) {
	failed := err != nil
	if l.failing.Swap(failed) == failed {
		return
	}
	if failed {
		l.log.Error("the history of events cannot be written; events are not acknowledged", "error", err)
	} else {
		l.log.Info("the history of events can be written again")
	}
}
