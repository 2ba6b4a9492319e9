package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// commit writes the session changes, does the acts and, if late is set, writes
// as many late rows as a batch may have, in one transaction. A row or an act that
// is itself at fault gets its own error and the others go on; any other failure
// undoes the batch. When commit has returned nil, the batch is on the disk.
func (w *writer) commit(ctx context.Context, sessions []sessionOp, acts []act, late bool) error {
	start := time.Now()
	var attempts []device.Attempt
	var seen []DeviceUpdate
	if late {
		attempts = w.late.attempts[:min(len(w.late.attempts), batchAttempts)]
		seen = w.late.seen[:min(len(w.late.seen), batchSeen)]
	}
	needed := [writerStatements]bool{toAttempt: len(attempts) > 0, toSee: len(seen) > 0}
	for i := range sessions {
		needed[sessions[i].statement()] = true
	}
	var b batch
	err := w.statements.prepare(ctx, w.db, needed)
	if err == nil {
		err = b.begin(ctx, w.db, &w.statements)
	}
	for i := 0; err == nil && i < len(sessions); i++ {
		err = b.session(ctx, &sessions[i])
	}
	for i := 0; err == nil && i < len(acts); i++ {
		err = b.act(ctx, &acts[i])
	}
	for i := 0; err == nil && i < len(attempts); i++ {
		err = b.late(ctx, toAttempt, attemptRow{&attempts[i]}.apply)
	}
	for i := 0; err == nil && i < len(seen); i++ {
		err = b.late(ctx, toSee, seen[i].apply)
	}
	err = b.end(err)
	w.forget(seen)
	if err != nil {
		w.metrics.commits.WithLabelValues(resultFailed).Inc()
		// Whatever the reason: the rows are not known to be stored.
		return fault.E(fault.Unavailable, "the database cannot be written", err)
	}
	w.late.attempts = w.late.attempts[len(attempts):]
	w.late.seen = w.late.seen[len(seen):]
	w.metrics.commits.WithLabelValues(resultOK).Inc()
	w.metrics.rows.Observe(float64(len(sessions) + len(acts) + len(attempts) + len(seen)))
	w.metrics.took.Observe(time.Since(start).Seconds())
	w.metrics.spoiled.Add(float64(b.spoiled))
	return nil
}

// forget has the devices looked at anew.
func (w *writer) forget(seen []DeviceUpdate) {
	if len(seen) == 0 {
		return
	}
	ids := make([]device.ID, len(seen))
	for i := range seen {
		ids[i] = seen[i].Device
	}
	w.memory.devices.forget(ids...)
}

// The writer's statements.
const (
	toSave = iota
	toDelete
	toAttempt
	toSee
	writerStatements
)

var writerQueries = [writerStatements]string{
	toSave: saveSession, toDelete: deleteSession, toAttempt: saveAttempt, toSee: updateSeen,
}

// statements are the writer's, each prepared when it is first needed: parsing
// one takes as long as executing it a few times.
type statements [writerStatements]*sql.Stmt

// prepare prepares what is missing of those that are needed. It must not be
// called within a transaction, which has the only connection.
func (s *statements) prepare(ctx context.Context, db *sql.DB, needed [writerStatements]bool) (err error) {
	for i, need := range needed {
		if need && s[i] == nil {
			if s[i], err = db.PrepareContext(ctx, writerQueries[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// batch is one transaction of the writer.
type batch struct {
	tx      *sql.Tx
	all     statements // of the transaction
	spoiled int        // late rows left out, each being at fault itself
}

func (b *batch) begin(ctx context.Context, db *sql.DB, prepared *statements) (err error) {
	if b.tx, err = db.BeginTx(ctx, nil); err != nil {
		return err
	}
	for i, s := range prepared {
		if s != nil {
			b.all[i] = b.tx.StmtContext(ctx, s)
		}
	}
	return nil
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

// session applies one change. It returns an error only if the batch is lost.
func (b *batch) session(ctx context.Context, op *sessionOp) error {
	err := op.apply(ctx, b.all[op.statement()])
	if err != nil && rowFault(err) {
		op.err = fail("store the session", err)
		return nil
	}
	return err
}

// late applies a row that nobody waits for, in the same way.
func (b *batch) late(ctx context.Context, statement int, apply func(context.Context, *sql.Stmt) error) error {
	err := apply(ctx, b.all[statement])
	if err != nil && rowFault(err) {
		b.spoiled++
		return nil
	}
	return err
}

const (
	maxActQueue = 4096
	batchActs   = 256
)

// act is a small transaction of its own that is committed together with
// others: a thousand devices that are registered in one second cost a few
// syncs and not a thousand.
type act struct {
	what string
	do   func(*sql.Tx) error
	done chan<- error // capacity 1
	err  error
}

// together has do committed with whatever else waits. It is undone by itself
// when it fails.
func (w *writer) together(ctx context.Context, what string, do func(*sql.Tx) error) error {
	done := make(chan error, 1)
	w.mu.Lock()
	switch {
	case w.closed:
		w.mu.Unlock()
		return errClosed()
	case len(w.acts) >= maxActQueue:
		w.mu.Unlock()
		return fault.Errorf(fault.Busy, "%s: too much waits to be written", what)
	}
	w.acts = append(w.acts, act{what: what, do: do, done: done})
	w.mu.Unlock()
	w.poke()
	select {
	case err := <-done:
		return err
	case <-ctx.Done(): // it may be done all the same
		return fault.E(fault.Unavailable, what, ctx.Err())
	}
}

// act does one of the acts of a batch. It returns an error only if the batch is
// lost.
func (b *batch) act(ctx context.Context, a *act) error {
	if _, err := b.tx.ExecContext(ctx, `SAVEPOINT act`); err != nil {
		return err
	}
	if err := a.do(b.tx); err != nil {
		a.err = fail(a.what, err)
		if _, err := b.tx.ExecContext(ctx, `ROLLBACK TO act`); err != nil {
			return err
		}
	}
	_, err := b.tx.ExecContext(ctx, `RELEASE act`)
	return err
}

// release tells the caller of an act how it went.
func (a *act) release(err error) {
	if err == nil {
		err = a.err
	}
	a.done <- err
}
