package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/store/sqlite"
)

// MinAttemptAge is how long an attempt is kept at least, unless the bounds on
// the number of attempts are reached.
const MinAttemptAge = 30 * 24 * time.Hour

// pruneEvery is how often the store prunes itself.
const pruneEvery = time.Hour

// AttemptBounds says how much of the record of connection attempts is kept.
// The numbers protect the disk from a device that knocks every second and
// from strangers who invent devices.
type AttemptBounds struct {
	Age       time.Duration // zero: 35 days; less than MinAttemptAge counts as that
	PerDevice int           // newest attempts kept of each device; zero: 2,000
	Total     int           // attempts kept altogether, a stranger's going first; zero: 2,000,000
}

func (b AttemptBounds) orDefault() AttemptBounds {
	if b.Age == 0 {
		b.Age = 35 * 24 * time.Hour
	}
	b.Age = max(b.Age, MinAttemptAge)
	if b.PerDevice <= 0 {
		b.PerDevice = 2000
	}
	if b.Total <= 0 {
		b.Total = 2_000_000
	}
	return b
}

// Prune removes attempts that are past their age or over the bounds, tokens
// that expired as long ago, old vitals, and what the audit log has too much
// of. It works in small transactions, so that sessions need not wait for it.
// The store does this by itself every hour.
func (s *Store) Prune(ctx context.Context, now time.Time) error {
	before := nanos(now.Add(-s.bounds.Age))
	for _, proven := range []bool{false, true} {
		if err := s.prune(ctx, -1, `DELETE FROM attempts WHERE id IN (
			SELECT id FROM attempts WHERE proven = $2 AND started < $3 ORDER BY started LIMIT $1)`, proven, before); err != nil {
			return err
		}
	}
	if err := s.pruneDevices(ctx); err != nil {
		return err
	}
	var total int
	if err := s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM attempts`).Scan(&total); err != nil {
		return fail("count the attempts", err)
	}
	if err := s.prune(ctx, max(0, total-s.bounds.Total), `DELETE FROM attempts WHERE id IN (
		SELECT id FROM attempts ORDER BY proven, started LIMIT $1)`); err != nil {
		return err
	}
	if err := s.prune(ctx, -1, `DELETE FROM tokens WHERE hash IN (
		SELECT hash FROM tokens WHERE expires <> 0 AND expires < $2 LIMIT $1)`, before); err != nil {
		return err
	}
	if err := s.prune(ctx, -1, `DELETE FROM vitals WHERE (device, at) IN (
		SELECT device, at FROM vitals WHERE at < $2 LIMIT $1)`, nanos(now.Add(-vitalsAge))); err != nil {
		return err
	}
	return s.pruneAudit(ctx, now)
}

// pruneDevices removes the oldest attempts of devices that have too many.
// Strangers without an id are bound only by age and total.
func (s *Store) pruneDevices(ctx context.Context) error {
	type excess struct {
		id device.ID
		n  int
	}
	var nobody device.ID
	rows, err := s.read.QueryContext(ctx, `SELECT device, COUNT(*) FROM attempts WHERE device <> $2 GROUP BY device HAVING COUNT(*) > $1`, s.bounds.PerDevice, nobody[:])
	over, err := collect(rows, err, "count the attempts of each device", func(row scanner) (e excess, err error) {
		return e, row.Scan(bytesInto(e.id[:]), &e.n)
	})
	if err != nil {
		return err
	}
	for _, e := range over {
		if err := s.prune(ctx, e.n-s.bounds.PerDevice, `DELETE FROM attempts WHERE id IN (
			SELECT id FROM attempts WHERE device = $2 ORDER BY started LIMIT $1)`, e.id[:]); err != nil {
			return err
		}
	}
	return nil
}

// prune runs the statement, whose $1 is how many rows it may remove, until n
// rows are gone or none are left; n < 0 means all.
func (s *Store) prune(ctx context.Context, n int, query string, args ...any) error {
	const step = 500
	for n != 0 {
		limit := step
		if n > 0 {
			limit = min(n, step)
		}
		var gone int64
		err := s.update(ctx, "prune", func(tx *sql.Tx) error {
			res, err := tx.ExecContext(ctx, query, append([]any{limit}, args...)...)
			if err != nil {
				return err
			}
			gone, err = res.RowsAffected()
			return err
		})
		if err != nil {
			return err
		}
		s.pruned.Add(float64(gone))
		if gone < int64(limit) {
			return nil
		}
		if n > 0 {
			n -= int(gone)
		}
	}
	return nil
}

// keep prunes every hour and writes the uses of tokens down every minute,
// until ctx ends.
func (s *Store) keep(ctx context.Context) {
	prune, write := time.NewTicker(pruneEvery), time.NewTicker(writeUsesEvery)
	defer prune.Stop()
	defer write.Stop()
	for {
		select {
		case <-ctx.Done():
			if err := s.writeUses(context.WithoutCancel(ctx)); err != nil {
				s.log.Warn("the last uses of tokens are lost", "error", err)
			}
			return
		case <-write.C:
			if err := s.writeUses(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("the uses of tokens wait to be written", "error", err)
			}
			if err := sqlite.Shrink(ctx, s.write); err != nil && ctx.Err() == nil {
				s.log.Warn("the database keeps memory that it does not need", "error", err)
			}
		case now := <-prune.C:
			if err := s.Prune(ctx, now); err != nil && ctx.Err() == nil {
				s.log.Error("pruning went wrong", "error", err)
			}
		}
	}
}

func newPruned() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{
		Name: "cyan_store_pruned_total", Help: "Rows removed because of their age or their number.",
	})
}
