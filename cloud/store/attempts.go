package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"math"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
)

// maxAttempts is the most that one call of Attempts gives.
const maxAttempts = 1000

const saveAttempt = `INSERT INTO attempts
	(id, device, proven, transport, source, gateway, started, ended, stages, outcome, reason, detail)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
	ON CONFLICT (id) DO UPDATE SET device = excluded.device, proven = excluded.proven, ended = excluded.ended,
		stages = excluded.stages, outcome = excluded.outcome, reason = excluded.reason, detail = excluded.detail`

// AddAttempt queues the record of a connection attempt and returns at once.
// It is written with the next commit or a moment later; adding the same id
// again replaces what was there. False means that the queue is full and the
// record is lost. Its stages must not be changed afterwards.
func (s *Store) AddAttempt(a device.Attempt) bool { return s.writer.attempt(a) }

// Attempts gives the device's newest attempts since the time, newest first,
// at most limit (and never more than 1,000; zero means that). The zero device
// gives the attempts of strangers who never said who they were.
func (s *Store) Attempts(ctx context.Context, id device.ID, since time.Time, limit int) ([]device.Attempt, error) {
	if limit <= 0 || limit > maxAttempts {
		limit = maxAttempts
	}
	rows, err := s.read.QueryContext(ctx, `SELECT id, device, proven, transport, source, gateway, started, ended, stages, outcome, reason, detail
		FROM attempts WHERE device = $1 AND started >= $2 ORDER BY started DESC, id DESC LIMIT $3`, id[:], nanos(since), limit)
	return collect(rows, err, "list the attempts", scanAttempt)
}

func scanAttempt(row scanner) (a device.Attempt, err error) {
	var proven bool
	var stages string
	err = row.Scan(&a.ID, bytesInto(a.Device[:]), &proven, &a.Transport, &a.Source, &a.Gateway,
		timeInto{&a.Started}, timeInto{&a.Ended}, &stages, &a.Outcome, &a.Reason, &a.Detail)
	a.Claimed = !proven && !a.Device.IsZero()
	if err == nil {
		err = json.Unmarshal([]byte(stages), &a.Stages)
	}
	return a, fail("read the attempt", err)
}

// attemptRow is an attempt on its way into the database.
type attemptRow struct{ *device.Attempt }

// apply writes the attempt within a batch.
func (a attemptRow) apply(ctx context.Context, stmt *sql.Stmt) error {
	passed := make([]device.Stage, len(a.Stages))
	for i, stage := range a.Stages {
		passed[i] = device.Stage{Name: stage.Name, At: stage.At.UTC()}
	}
	stages, err := json.Marshal(passed)
	if err != nil {
		return err
	}
	proven := !a.Claimed && !a.Device.IsZero()
	_, err = stmt.ExecContext(ctx, a.ID, a.Device[:], proven, a.Transport, a.Source, a.Gateway,
		nanos(a.Started), nanos(a.Ended), string(stages), int64(a.Outcome), string(a.Reason), a.Detail)
	return err
}

// How much of what devices say of their health is kept.
const (
	vitalsAge    = 31 * 24 * time.Hour
	maxVitals    = 1000 // that one call of Vitals gives
	vitalsStep   = time.Minute
	deviceVitals = int(vitalsAge / (30 * time.Minute)) // newest of each device
)

// AddVitals keeps what a device said of its health. Within a minute the later
// word replaces the earlier one, so that a device cannot fill the disk.
// NotFound if there is no such device.
func (s *Store) AddVitals(ctx context.Context, id device.ID, v device.Vitals) error {
	return s.add(ctx, "keep the vitals", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM vitals WHERE device = $1 AND at > $2 AND at <= $3`,
			id[:], nanos(v.At.Truncate(vitalsStep))-1, nanos(v.At))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO vitals (device, at, payload) VALUES ($1, $2, $3)
			ON CONFLICT (device, at) DO NOTHING`, id[:], nanos(v.At), string(v.Payload))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM vitals WHERE device = $1 AND at <= COALESCE(
			(SELECT at FROM vitals WHERE device = $1 ORDER BY at DESC LIMIT 1 OFFSET $2), 0)`, id[:], deviceVitals)
		return err
	})
}

// Vitals gives what the device said of its health from since until before
// until, newest first, at most limit and never more than 1,000. A zero time
// is no bound.
func (s *Store) Vitals(ctx context.Context, id device.ID, since, until time.Time, limit int) ([]device.Vitals, error) {
	if limit <= 0 || limit > maxVitals {
		limit = maxVitals
	}
	end := nanos(until)
	if until.IsZero() {
		end = math.MaxInt64
	}
	rows, err := s.rows(ctx, `SELECT at, payload FROM vitals WHERE device = $1 AND at >= $2 AND at < $3 ORDER BY at DESC LIMIT $4`,
		id[:], nanos(since), end, limit)
	return collect(rows, err, "read the vitals", func(row scanner) (v device.Vitals, err error) {
		var payload string
		err = row.Scan(timeInto{&v.At}, &payload)
		v.Payload = []byte(payload)
		return v, fail("read the vitals", err)
	})
}

// maxHistory is the most that one call of AttemptsOf gives.
const maxHistory = 50_000

// AttemptsOf gives the attempts of all devices of an owner that began from since
// until before until, oldest first, without their stages; more tells that there
// are others. Only those count that succeeded or failed for one of the reasons.
func (s *Store) AttemptsOf(ctx context.Context, owner account.ID, since, until time.Time, reasons []string) (list []device.Attempt, more bool, err error) {
	wanted, err := json.Marshal(reasons)
	if err != nil {
		return nil, false, fail("name the reasons", err)
	}
	rows, err := s.read.QueryContext(ctx, `SELECT a.id, a.device, a.proven, a.transport, a.source, a.gateway, a.started, a.ended, '[]', a.outcome, a.reason, a.detail
		FROM devices d JOIN attempts a ON a.device = d.id
		WHERE d.owner = $1 AND a.started >= $2 AND a.started < $3
			AND (a.outcome = $4 OR a.reason IN (SELECT value FROM json_each($5)))
		ORDER BY a.started, a.id LIMIT $6`,
		string(owner), nanos(since), nanos(until), int64(device.Succeeded), string(wanted), maxHistory+1)
	list, err = collect(rows, err, "list the attempts", scanAttempt)
	if len(list) > maxHistory {
		return list[:maxHistory], true, err
	}
	return list, false, err
}

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
