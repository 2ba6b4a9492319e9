package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// commit writes the session changes and, if late is set, as many late rows as
// a batch may have, in one transaction. A row that is itself at fault gets its
// own error and the others go on; any other failure undoes the batch. When
// commit has returned nil, the batch is on the disk.
func (w *writer) commit(ctx context.Context, sessions []sessionOp, late bool) error {
	start := time.Now()
	var attempts []device.Attempt
	var seen []DeviceUpdate
	if late {
		attempts = w.late.attempts[:min(len(w.late.attempts), batchAttempts)]
		seen = w.late.seen[:min(len(w.late.seen), batchSeen)]
	}
	var b batch
	err := b.begin(ctx, w.db)
	for i := 0; err == nil && i < len(sessions); i++ {
		err = b.session(ctx, &sessions[i])
	}
	for i := 0; err == nil && i < len(attempts); i++ {
		err = b.late(ctx, &b.attempts, saveAttempt, attemptRow{&attempts[i]}.apply)
	}
	for i := 0; err == nil && i < len(seen); i++ {
		err = b.late(ctx, &b.seen, updateSeen, seen[i].apply)
	}
	if err = b.end(err); err != nil {
		w.metrics.commits.WithLabelValues(resultFailed).Inc()
		// Whatever the reason: the rows are not known to be stored.
		return fault.E(fault.Unavailable, "the database cannot be written", err)
	}
	w.late.attempts = w.late.attempts[len(attempts):]
	w.late.seen = w.late.seen[len(seen):]
	w.metrics.commits.WithLabelValues(resultOK).Inc()
	w.metrics.rows.Observe(float64(len(sessions) + len(attempts) + len(seen)))
	w.metrics.took.Observe(time.Since(start).Seconds())
	w.metrics.spoiled.Add(float64(b.spoiled))
	return nil
}

// batch is one transaction of the writer. Its statements are prepared when
// first needed, and closed with it.
type batch struct {
	tx                           *sql.Tx
	save, remove, attempts, seen *sql.Stmt
	spoiled                      int // late rows left out, each being at fault itself
}

func (b *batch) begin(ctx context.Context, db *sql.DB) (err error) {
	b.tx, err = db.BeginTx(ctx, nil)
	return err
}

// end commits the batch, or undoes it if err is not nil.
func (b *batch) end(err error) error {
	if b.tx == nil {
		return err
	}
	if err != nil {
		_ = b.tx.Rollback() // err is the one to tell
		return err
	}
	return b.tx.Commit()
}

func (b *batch) prepare(ctx context.Context, stmt **sql.Stmt, query string) (err error) {
	if *stmt == nil {
		*stmt, err = b.tx.PrepareContext(ctx, query)
	}
	return err
}

// session applies one change. It returns an error only if the batch is lost.
func (b *batch) session(ctx context.Context, op *sessionOp) error {
	stmt, query, apply := &b.save, saveSession, op.save
	if op.remove {
		stmt, query, apply = &b.remove, deleteSession, op.delete
	}
	if err := b.prepare(ctx, stmt, query); err != nil {
		return err
	}
	err := apply(ctx, *stmt)
	if err != nil && rowFault(err) {
		op.err = fail("store the session", err)
		return nil
	}
	return err
}

// late applies a row that nobody waits for, in the same way.
func (b *batch) late(ctx context.Context, stmt **sql.Stmt, query string, apply func(context.Context, *sql.Stmt) error) error {
	if err := b.prepare(ctx, stmt, query); err != nil {
		return err
	}
	err := apply(ctx, *stmt)
	if err != nil && rowFault(err) {
		b.spoiled++
		return nil
	}
	return err
}
