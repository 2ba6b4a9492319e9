package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
)

// AuditBounds says how much of the audit log is kept.
type AuditBounds struct {
	Age   time.Duration // zero: 365 days
	Total int           // entries, the oldest going first; zero: 2,000,000
}

func (b AuditBounds) orDefault() AuditBounds {
	if b.Age <= 0 {
		b.Age = 365 * 24 * time.Hour
	}
	if b.Total <= 0 {
		b.Total = 2_000_000
	}
	return b
}

// maxEntries is the most that one call of Audit gives.
const maxEntries = 1000

// AddEntries appends to the audit log, in one transaction. Nothing changes an
// entry, and only its age or the number of those after it removes one.
func (s *Store) AddEntries(ctx context.Context, entries []account.Entry) error {
	return s.add(ctx, "append to the audit log", func(tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, `INSERT INTO audit (id, at, user_id, service, token, source, action, object, outcome, request)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for i := range entries {
			e := &entries[i]
			if _, err := stmt.ExecContext(ctx, e.ID, nanos(e.At), string(e.User), e.Service, e.Token, e.Source, e.Action,
				e.Object, e.Outcome, e.Request); err != nil {
				return err
			}
		}
		return nil
	})
}

// Audit gives entries of the audit log, newest first, at most 1,000.
func (s *Store) Audit(ctx context.Context, q account.AuditQuery) ([]account.Entry, error) {
	limit := q.Limit
	if limit <= 0 || limit > maxEntries {
		limit = maxEntries
	}
	before := q.Before
	if before == "" {
		before = "~" // after every id
	}
	const entry = `SELECT id, at, user_id, service, token, source, action, object, outcome, request FROM audit WHERE id < $1 AND at >= $2`
	query, args := entry+` ORDER BY id DESC LIMIT $3`, []any{before, nanos(q.Since), limit}
	if q.User != "" {
		query, args = entry+` AND user_id = $4 ORDER BY id DESC LIMIT $3`, append(args, string(q.User))
	}
	rows, err := s.rows(ctx, query, args...)
	return collect(rows, err, "read the audit log", func(row scanner) (e account.Entry, err error) {
		err = row.Scan(&e.ID, timeInto{&e.At}, &e.User, &e.Service, &e.Token, &e.Source, &e.Action, &e.Object, &e.Outcome, &e.Request)
		return e, fail("read the audit log", err)
	})
}

// pruneAudit removes what is past its age or over the bound.
func (s *Store) pruneAudit(ctx context.Context, now time.Time) error {
	const oldest = `DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT $1)`
	if err := s.prune(ctx, -1, `DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $2 ORDER BY id LIMIT $1)`,
		nanos(now.Add(-s.audit.Age))); err != nil {
		return err
	}
	var total int
	if err := s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM audit`).Scan(&total); err != nil {
		return fail("count the audit log", err)
	}
	return s.prune(ctx, max(0, total-s.audit.Total), oldest)
}
