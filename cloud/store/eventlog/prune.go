package eventlog

import (
	"context"
	"database/sql"
	"time"
)

// step is how many events one transaction drops: others must not wait long.
const step = 500

// tidy drops what is too old or too much.
func (l *Log) tidy(now time.Time) {
	l.fresh = 0
	if err := l.Prune(context.Background(), now); err != nil {
		l.log.Error("old events could not be dropped", "error", err)
	}
}

// Prune drops what is too old at now, or too much; the oldest first. The log
// does this by itself.
func (l *Log) Prune(ctx context.Context, now time.Time) error {
	before := now.Add(-l.cfg.Age).UnixMilli()
	for {
		n, err := l.pruneStep(ctx, before)
		l.metrics.pruned.Add(float64(n))
		if err != nil {
			return unavailable("drop old events", err)
		}
		if n < step {
			return nil
		}
	}
}

// pruneStep drops up to step events and tells how many.
func (l *Log) pruneStep(ctx context.Context, before int64) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	err = l.transact(ctx, func(tx *sql.Tx) error {
		used, err := usedBytes(ctx, tx)
		if err != nil {
			return err
		}
		var cut int64
		if n, cut, err = oldest(ctx, tx, before, used > l.cfg.Bytes); err != nil || n == 0 {
			return err
		}
		for _, query := range []string{
			`INSERT INTO dropped (owner, seq) SELECT owner, MAX(seq) FROM events WHERE seq <= $1 GROUP BY owner
				ON CONFLICT (owner) DO UPDATE SET seq = MAX(seq, excluded.seq)`,
			`INSERT INTO dropped (owner, seq) SELECT '` + anybody + `', MAX(seq) FROM events WHERE seq <= $1 AND public GROUP BY public
				ON CONFLICT (owner) DO UPDATE SET seq = MAX(seq, excluded.seq)`,
			`DELETE FROM events WHERE seq <= $1`,
		} {
			if _, err := tx.ExecContext(ctx, query, cut); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// oldest finds how many of the oldest events are to go, and the last of them.
func oldest(ctx context.Context, tx *sql.Tx, before int64, whatever bool) (n int, cut int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT seq, stored FROM events ORDER BY seq LIMIT $1`, step)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq, stored int64
		if err := rows.Scan(&seq, &stored); err != nil {
			return 0, 0, err
		}
		if !whatever && stored >= before {
			break
		}
		n, cut = n+1, seq
	}
	return n, cut, rows.Err()
}

// usedBytes is how much of the file is in use; the rest will be used again.
func usedBytes(ctx context.Context, tx *sql.Tx) (int64, error) {
	var pages, free, size int64
	for pragma, into := range map[string]*int64{"page_count": &pages, "freelist_count": &free, "page_size": &size} {
		if err := tx.QueryRowContext(ctx, `PRAGMA `+pragma).Scan(into); err != nil {
			return 0, err
		}
	}
	return (pages - free) * size, nil
}
