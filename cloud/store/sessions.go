package store

import (
	"bytes"
	"context"
	"database/sql"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// MaxBlob is how large a session's own encoding may be, in bytes.
const MaxBlob = 256 << 10

// A session's generation is the upper 30 bits of its 48-bit record sequence.
// It starts at the seconds since the epoch of generations, so that a
// generation taken now is greater than any taken earlier, even when the
// database that remembered those was lost.
const (
	maxGeneration   = 1<<30 - 1
	generationEpoch = 1767225600 // 2026-01-01 00:00:00 UTC in Unix seconds
)

// SessionRow is a device's session as it is stored: one a device.
type SessionRow struct {
	Device device.ID
	// Origin names the session: a new handshake has a new one. Zero: the row is
	// from before there were names.
	Origin [8]byte
	// CID is the connection id that the gateway gave the session. Zero: it has
	// none.
	CID        [8]byte
	Transport  string // "tcp" or "udp"
	Generation uint32
	// Stored is the generation that the row had before AdoptSessions took this
	// one. Only AdoptSessions gives it.
	Stored uint32
	// Begins says of a row that is saved that the session's handshake has just
	// been done: it may take any other session's place. It is not given with a
	// row that is read.
	Begins  bool
	Blob    []byte // the session's own encoding
	Updated time.Time
	// Owner is the device's owner. It is given with a row that is read, and
	// not looked at in one that is saved.
	Owner account.ID
}

const (
	// nameless is the origin of a row from before sessions had names.
	nameless = `x'0000000000000000'`

	// The condition is the fence. What a process stores of a session that goes on
	// is written over that session's own row and no other, so that one which was
	// away while its device shook hands elsewhere cannot put the old keys over the
	// new. Within a session the generation never goes down, so that whoever lost it
	// to a process that took a greater one can no longer write it.
	saveSession = `INSERT INTO sessions (device, origin, cid, transport, generation, state, updated) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (device) DO UPDATE SET origin = excluded.origin, cid = excluded.cid, transport = excluded.transport,
			generation = excluded.generation, state = excluded.state, updated = excluded.updated
		WHERE $8 OR sessions.generation <= excluded.generation
			AND (sessions.origin = excluded.origin OR sessions.origin = ` + nameless + ` AND sessions.cid = excluded.cid)`
	deleteSession = `DELETE FROM sessions WHERE device = $1 AND generation <= $2 AND (origin = $3 OR origin = ` + nameless + ` AND cid = $4)`
	selectSession = `SELECT s.device, s.origin, s.cid, s.transport, s.generation, s.state, s.updated, COALESCE(d.owner, '')
		FROM sessions s JOIN devices d ON d.id = s.device`
)

// SaveSession queues the row to be written and returns at once; false means
// that the queue is full or the store closed, and done is not called. After
// the row is safe on the disk done is called with nil, on the store's
// goroutine: it must not block. Errors: Unavailable (the database cannot be
// written now), NotFound (the device is not registered), Conflict (a greater
// generation of this session is stored, because another process has adopted it,
// or another session, because the device has shaken hands elsewhere), Invalid (the blob is larger than MaxBlob).
//
// The blob must not be changed until done was called. Done may be nil.
func (s *Store) SaveSession(r SessionRow, done func(error)) bool {
	return s.writer.session(sessionOp{row: r, done: done})
}

// DeleteSession queues the removal of a session that has ended, in order with
// SaveSession and with the same promises. Of r only what names the session and
// its generation counts. It is fine if there is none, or another one, or this
// one with a greater generation: that stays.
func (s *Store) DeleteSession(r SessionRow, done func(error)) bool {
	return s.writer.session(sessionOp{row: r, remove: true, done: done})
}

// Session gives the device's stored session. NotFound if there is none.
func (s *Store) Session(ctx context.Context, id device.ID) (SessionRow, error) {
	return scanSession(s.row(ctx, selectSession+` WHERE s.device = $1`, id[:]))
}

// CountSessions gives how many sessions are stored.
func (s *Store) CountSessions(ctx context.Context) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM sessions`).Scan(&n)
	return n, fail("count the sessions", err)
}

// AdoptSessions takes a new generation for every stored session, durably and
// in one transaction, and then calls fn for each row, in the order of the
// device ids. The generation is max(stored + 1, seconds since 2026-01-01
// UTC); a session that has used up its last is forgotten, and its device will
// shake hands. The first error of fn ends the walk and is returned.
//
// The blob holds the generation that it was saved with: the row's counts.
func (s *Store) AdoptSessions(ctx context.Context, now time.Time, fn func(SessionRow) error) error {
	var spent int64
	var stored []generationOf
	err := s.update(ctx, "adopt the sessions", func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE generation >= $1`, maxGeneration)
		if err != nil {
			return err
		}
		if spent, err = res.RowsAffected(); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT device, generation FROM sessions ORDER BY device`)
		if stored, err = collect(rows, err, "read the generations", scanGeneration); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE sessions SET generation = CASE WHEN generation >= $1 THEN generation + 1 ELSE $1 END`, generationAt(now))
		return err
	})
	if err != nil {
		return err
	}
	if spent > 0 {
		s.log.Warn("sessions without generations left were forgotten", "sessions", spent)
	}
	return s.eachSession(ctx, func(r SessionRow) error {
		for len(stored) > 0 && bytes.Compare(stored[0].device[:], r.Device[:]) < 0 {
			stored = stored[1:]
		}
		if len(stored) > 0 && stored[0].device == r.Device {
			r.Stored = stored[0].generation
		} else {
			r.Stored = r.Generation // somebody else has made the row just now
		}
		return fn(r)
	})
}

// generationOf is a session's generation: what is read of all at once.
type generationOf struct {
	device     device.ID
	generation uint32
}

func scanGeneration(row scanner) (g generationOf, err error) {
	err = row.Scan(bytesInto(g.device[:]), &g.generation)
	return g, fail("read the generation", err)
}

// eachSession calls fn for every stored session. It reads a page at a time,
// so that no transaction is open while fn works.
func (s *Store) eachSession(ctx context.Context, fn func(SessionRow) error) error {
	const page = 200
	after := []byte{}
	for {
		rows, err := s.read.QueryContext(ctx, selectSession+` WHERE s.device > $1 ORDER BY s.device LIMIT $2`, after, page)
		batch, err := collect(rows, err, "read the sessions", scanSession)
		if err != nil {
			return err
		}
		for _, r := range batch {
			if err := fn(r); err != nil {
				return err
			}
		}
		if len(batch) < page {
			return nil
		}
		after = batch[page-1].Device[:]
	}
}

// generationAt is the generation that a clock alone would give.
func generationAt(now time.Time) int64 {
	return min(max(now.Unix()-generationEpoch, 1), maxGeneration)
}

func scanSession(row scanner) (r SessionRow, err error) {
	err = row.Scan(bytesInto(r.Device[:]), bytesInto(r.Origin[:]), bytesInto(r.CID[:]), &r.Transport, &r.Generation, &r.Blob, timeInto{&r.Updated}, &r.Owner)
	return r, lookup("read the session", "no session of the device is stored", err)
}

// sessionOp is one queued change of a session.
type sessionOp struct {
	row    SessionRow
	remove bool
	done   func(error)
	err    error // this row's own failure, once the batch was tried
}

// statement tells which of the writer's statements makes the change.
func (op *sessionOp) statement() int {
	if op.remove {
		return toDelete
	}
	return toSave
}

// apply makes the change within a batch.
func (op *sessionOp) apply(ctx context.Context, stmt *sql.Stmt) error {
	if op.remove {
		r := &op.row
		_, err := stmt.ExecContext(ctx, r.Device[:], int64(r.Generation), r.Origin[:], r.CID[:])
		return err
	}
	return op.save(ctx, stmt)
}

func (op *sessionOp) save(ctx context.Context, stmt *sql.Stmt) error {
	r := &op.row
	if len(r.Blob) > MaxBlob {
		return fault.Errorf(fault.Invalid, "the session has %d bytes, at most %d can be stored", len(r.Blob), MaxBlob)
	}
	blob := r.Blob
	if blob == nil {
		blob = []byte{}
	}
	res, err := stmt.ExecContext(ctx, r.Device[:], r.Origin[:], r.CID[:], r.Transport, int64(r.Generation), blob, nanos(r.Updated), r.Begins)
	if err != nil {
		if kindOf(err) == fault.NotFound {
			return fault.E(fault.NotFound, noDevice, err)
		}
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return fault.Errorf(fault.Conflict, "another session of the device is stored, or a later generation of this one")
}
