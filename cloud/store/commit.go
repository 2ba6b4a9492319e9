package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/cyan-cloud/cyan/cloud/fault"
)

// commit writes the session changes, and as many late rows as a batch may
// have, in one transaction. A row that is itself at fault gets its own error
// and the others go on; any other failure undoes the batch. When commit has
// returned nil, the batch is on the disk.
func (w *writer) commit(sessions []sessionOp) error {
	start := time.Now()
	attempts := w.late.attempts[:min(len(w.late.attempts), batchAttempts)]
	seen := w.late.seen[:min(len(w.late.seen), batchSeen)]
	b := batch{ctx: context.Background()}
	err := b.begin(w.db)
	for i := 0; err == nil && i < len(sessions); i++ {
		err = b.session(&sessions[i])
	}
	for i := 0; err == nil && i < len(attempts); i++ {
		a := attemptRow{&attempts[i]}
		err = b.late(&b.attempts, saveAttempt, a.apply)
	}
	for i := 0; err == nil && i < len(seen); i++ {
		err = b.late(&b.seenNotes, updateSeen, seen[i].apply)
	}
	if err = b.end(err); err != nil {
		w.metrics.commits.WithLabelValues(resultFailed).Inc()
		return unavailable(err)
	}
	w.late.attempts = w.late.attempts[len(attempts):]
	w.late.seen = w.late.seen[len(seen):]
	w.metrics.commits.WithLabelValues(resultOK).Inc()
	w.metrics.rows.Observe(float64(len(sessions) + len(attempts) + len(seen)))
	w.metrics.took.Observe(time.Since(start).Seconds())
	w.metrics.spoiled.Add(float64(b.spoiled))
	return nil
}

// unavailable is the answer for a batch that could not be committed, whatever
// the reason: its rows are not known to be stored.
func unavailable(err error) error {
	return fault.E(fault.Unavailable, "the database cannot be written", err)
}

// batch is one transaction of the writer. Statements are prepared when first
// needed.
type batch struct {
	ctx                                 context.Context //nolint:containedctx // lives as long as one commit
	tx                                  *sql.Tx
	saves, removes, attempts, seenNotes *sql.Stmt
	spoiled                             int // late rows left out, each being at fault itself
}

func (b *batch) begin(db *sql.DB) (err error) {
	b.tx, err = db.BeginTx(b.ctx, nil)
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

func (b *batch) prepare(stmt **sql.Stmt, query string) (err error) {
	if *stmt == nil {
		*stmt, err = b.tx.PrepareContext(b.ctx, query)
	}
	return err
}

// session applies one change. It returns an error only if the batch is lost.
func (b *batch) session(op *sessionOp) error {
	if err := b.prepare(&b.saves, saveSession); err != nil {
		return err
	}
	if err := b.prepare(&b.removes, deleteSession); err != nil {
		return err
	}
	err := op.apply(b.ctx, b.saves, b.removes)
	if err != nil && rowFault(err) {
		op.err = fail("store the session", err)
		return nil
	}
	return err
}

// late applies a row that nobody waits for, in the same way.
func (b *batch) late(stmt **sql.Stmt, query string, apply func(context.Context, *sql.Stmt) error) error {
	if err := b.prepare(stmt, query); err != nil {
		return err
	}
	err := apply(b.ctx, *stmt)
	if err != nil && rowFault(err) {
		b.spoiled++
		return nil
	}
	return err
}
