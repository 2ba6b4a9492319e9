package store

import (
	"context"
	"time"
)

// Outcomes tells how many attempts of all devices have begun since the time,
// and how many of them failed for one of the reasons.
func (s *Store) Outcomes(ctx context.Context, since time.Time, reasons []string) (tried, failed int, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT reason, COUNT(*) FROM attempts WHERE proven IN (TRUE, FALSE) AND started >= $1 GROUP BY reason`, nanos(since))
	if err != nil {
		return 0, 0, fail("count the attempts", err)
	}
	defer rows.Close()
	wanted := make(map[string]bool, len(reasons))
	for _, r := range reasons {
		wanted[r] = true
	}
	for rows.Next() {
		var reason string
		var n int
		if err := rows.Scan(&reason, &n); err != nil {
			return 0, 0, fail("count the attempts", err)
		}
		tried += n
		if wanted[reason] {
			failed += n
		}
	}
	return tried, failed, fail("count the attempts", rows.Err())
}
