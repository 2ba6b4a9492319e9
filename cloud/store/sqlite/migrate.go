package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cyan-cloud/cyan/cloud/fault"
)

// migration is one numbered step of the schema.
type migration struct {
	version int
	name    string
	text    string
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// migrations reads the steps, which are numbered from 1 without gaps.
func migrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // in order
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("sqlite: migration %s is not number %d", name, i+1)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		all = append(all, migration{version, name, string(text)})
	}
	return all, nil
}

// migrate brings the schema up to the last of the steps, each in its own
// transaction. It refuses a schema that is newer than that.
func migrate(ctx context.Context, db *sql.DB, steps []migration) error {
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)`); err != nil {
		return Fail("prepare the database", err)
	}
	at, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	if at > len(steps) {
		return fault.Errorf(fault.Unavailable,
			"the database has schema %d, and this program knows schemas up to %d: a newer cyan has used it, start that one", at, len(steps))
	}
	for _, m := range steps[at:] {
		if err := m.run(ctx, db); err != nil {
			return Fail("bring the database to the schema of "+m.name, err)
		}
	}
	return nil
}

func schemaVersion(ctx context.Context, q querier) (int, error) {
	var text string
	err := q.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'schema'`).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, Fail("read the database's schema version", err)
	}
	version, err := strconv.Atoi(text)
	if err != nil || version < 0 {
		return 0, fault.Errorf(fault.Unavailable, "the database says that its schema is %.40q, which is not a number", text)
	}
	return version, nil
}

func (m *migration) run(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	// Another process may have been faster.
	if at, err := schemaVersion(ctx, tx); err != nil || at >= m.version {
		return err
	}
	if _, err := tx.ExecContext(ctx, m.text); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ('schema', $1)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, strconv.Itoa(m.version)); err != nil {
		return err
	}
	return tx.Commit()
}
