package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Annotation is something that was done to the cloud itself, by whom, and what
// it cost the devices: whoever owns one may read it.
type Annotation struct {
	ID       string // sortable by time; made by Annotated if it is empty
	At       time.Time
	Kind     string // one of the constants below
	Node     string
	Author   string
	From, To string        // versions of the program, where they are known
	Sessions int           // that went on; UnknownCount: not known
	Ended    int           // that did not
	Freeze   time.Duration // in which nobody served
	Detail   string        // one sentence for people
}

// The kinds of annotation.
const (
	KindStart   = "start"
	KindStop    = "stop"
	KindCrash   = "crash" // a start behind a process that did not stop
	KindUpgrade = "upgrade"
	KindDrain   = "drain"
	KindBack    = "recovery" // devices were disconnected together, and are back
	KindDrill   = "drill"    // an ingress that only canaries use was broken on purpose, or is whole again
)

// UnknownCount is the count of what nobody counted.
const UnknownCount = -1

// maxAnnotations is how many are kept, and the most that is given at once.
const maxAnnotations = 2000

// AddAnnotation keeps an annotation for good.
func (s *Store) AddAnnotation(ctx context.Context, a Annotation) error {
	if a.ID == "" {
		var random [4]byte
		_, _ = rand.Read(random[:]) // never fails
		a.ID = fmt.Sprintf("%016x%s", a.At.UnixNano(), hex.EncodeToString(random[:]))
	}
	return s.update(ctx, "keep the annotation", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO annotations
			(id, at, kind, node, author, from_version, to_version, sessions, ended, freeze, detail)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			a.ID, nanos(a.At), a.Kind, a.Node, a.Author, a.From, a.To, a.Sessions, a.Ended, int64(a.Freeze), a.Detail)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM annotations WHERE id NOT IN (SELECT id FROM annotations ORDER BY at DESC, id DESC LIMIT $1)`, maxAnnotations)
		return err
	})
}

// Annotations gives those since the time, newest first, at most limit.
func (s *Store) Annotations(ctx context.Context, since time.Time, limit int) ([]Annotation, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, at, kind, node, author, from_version, to_version, sessions, ended, freeze, detail
		FROM annotations WHERE at >= $1 ORDER BY at DESC, id DESC LIMIT $2`, nanos(since), min(limit, maxAnnotations))
	return collect(rows, err, "list the annotations", func(row scanner) (a Annotation, err error) {
		err = row.Scan(&a.ID, timeInto{&a.At}, &a.Kind, &a.Node, &a.Author, &a.From, &a.To, &a.Sessions, &a.Ended, &a.Freeze, &a.Detail)
		return a, fail("read the annotation", err)
	})
}

// running is the key under which the process stands that has the database.
const running = "running"

// Runs notes which process has the database from now on, and gives what was
// noted before: it is empty when that one stopped as it should. An empty note
// is such a stop.
func (s *Store) Runs(ctx context.Context, note string) (before string, err error) {
	err = s.update(ctx, "note which process has the database", func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = $1`, running).Scan(&before)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ($1, $2)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value`, running, note)
		return err
	})
	return before, err
}
