// Package sqlite opens the embedded database, brings it to the newest schema,
// and says in the house's words what goes wrong with it. It is all that is
// particular to SQLite.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/cyan-cloud/cyan/cloud/fault"
)

const (
	// applicationID marks the file as ours: "cyan" in ASCII.
	applicationID = 0x6379616e
	// checkBelow is the size in bytes up to which a file is checked for damage
	// when it is opened. Larger ones would hold up the start.
	checkBelow = 64 << 20
)

// Config says which database to open. The zero value is one in memory with
// no tables but meta.
type Config struct {
	Path       string        // the file; empty: in memory
	LockWait   time.Duration // how long a write waits for another process; 0: 3 s
	Migrations fs.FS         // with the steps of the schema, migrations/*.sql
}

// Open opens the file, or a database in memory, and brings it to the newest
// schema. It gives the pool to write with and the pool to read with.
func Open(ctx context.Context, cfg Config) (write, read *sql.DB, err error) {
	steps, err := migrations(cfg.Migrations)
	if err != nil {
		return nil, nil, fault.E(fault.Internal, "read the migrations", err)
	}
	if cfg.Path != "" {
		if err := recognize(ctx, cfg); err != nil {
			return nil, nil, Fail("look at the database", err)
		}
		if err := prepareFile(cfg.Path); err != nil {
			return nil, nil, fault.E(fault.Unavailable, "open the database", err)
		}
	}
	write, err = sql.Open("sqlite", dsn(cfg, writing))
	if err != nil {
		return nil, nil, Fail("open the database", err)
	}
	write.SetMaxOpenConns(1)
	if err = prepareDatabase(ctx, write, cfg.Path, steps); err != nil {
		_ = write.Close() // err is the one to tell
		return nil, nil, Fail("open the database", err)
	}
	if cfg.Path == "" {
		return write, write, nil
	}
	read, err = sql.Open("sqlite", dsn(cfg, reading))
	if err != nil {
		_ = write.Close()
		return nil, nil, Fail("open the database for reading", err)
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	read.SetConnMaxIdleTime(readerRest)
	return write, read, nil
}

// prepareFile makes sure that the file exists and that nobody but its owner
// can read it: it holds session keys. The write-ahead log takes after it.
func prepareFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// syncDir makes the names of new files in dir durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be synced there, and need not be
	}
	d, err := os.Open(dir)
	if err != nil {
		return fault.E(fault.Unavailable, "open the data folder", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fault.E(fault.Unavailable, "sync the data folder", err)
	}
	return nil
}

// prepareDatabase marks the database as ours and brings it to the newest
// schema, durably.
func prepareDatabase(ctx context.Context, db *sql.DB, path string, steps []migration) error {
	var id int
	if err := db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return err
	}
	if id != applicationID {
		if _, err := db.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d`, applicationID)); err != nil {
			return err
		}
	}
	if err := migrate(ctx, db, steps); err != nil || path == "" {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// access is what a connection is for.
type access uint8

const (
	looking access = iota // nothing is known of the file: change nothing
	reading
	writing
)

// The page caches, in KiB of pages: one of each reader and the writer's. What is
// not in them is in the system's cache, a microsecond or two away: with 32 MiB
// each they were half of what an idle device cost. In memory a page takes twice
// its 4 KiB, because with what belongs to it it is a little longer, and this
// SQLite gets its memory in powers of two.
const (
	cacheReading = "cache_size(-512)"
	cacheWriting = "cache_size(-2048)"
)

// readerRest is after how long a reader that nobody needs is closed, and its
// cache with it. To open one takes a millisecond.
const readerRest = time.Minute

// Shrink gives back what the writer's page cache holds. It is for now and then:
// to fill the cache again takes milliseconds.
func Shrink(ctx context.Context, write *sql.DB) error {
	_, err := write.ExecContext(ctx, `PRAGMA shrink_memory`)
	return Fail("give memory back", err)
}

// dsn is the data source name. Commits are synced in full because sessions
// are acknowledged upon them.
func dsn(cfg Config, a access) string {
	wait := cfg.LockWait
	if wait == 0 {
		wait = 3 * time.Second
	}
	q := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", wait.Milliseconds()),
		"foreign_keys(1)",
		"trusted_schema(0)",
	}}
	switch a {
	case looking:
		q.Set("mode", "ro")
	case reading:
		q.Add("_pragma", "query_only(1)")
		q.Add("_pragma", cacheReading)
	case writing:
		q.Add("_pragma", cacheWriting)
		q.Set("_txlock", "immediate")
		q.Add("_pragma", "journal_mode(wal)")
		q.Add("_pragma", "synchronous(full)")
		q.Add("_pragma", "wal_autocheckpoint(4000)")     // pages
		q.Add("_pragma", "journal_size_limit(67108864)") // bytes
	}
	if cfg.Path == "" {
		return "file::memory:?" + q.Encode()
	}
	return fileURI(cfg.Path) + "?" + q.Encode()
}

// fileURI names the file in the form in which any path can be written.
func fileURI(path string) string {
	path = filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" {
		path = "/" + path // file:/C:/…
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath()
}

// recognize refuses a file that is damaged or another program's, before
// anything is written to it.
func recognize(ctx context.Context, cfg Config) error {
	info, err := os.Stat(cfg.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	if err != nil {
		return fault.E(fault.Unavailable, "look at the database", err)
	}
	db, err := sql.Open("sqlite", dsn(cfg, looking))
	if err != nil {
		return err
	}
	defer db.Close()
	var id, tables int
	err = db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id), (SELECT COUNT(*) FROM sqlite_schema)`).Scan(&id, &tables)
	switch {
	case err != nil:
		return damaged(err)
	case id != applicationID && tables > 0:
		return fault.Errorf(fault.Unavailable, "%s is a database of another program, not cyan's: give another file", cfg.Path)
	case info.Size() > checkBelow:
		return nil
	}
	return check(ctx, db)
}

// check reads the whole file and looks for damage.
func check(ctx context.Context, db *sql.DB) error {
	var first string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&first); err != nil {
		return damaged(err)
	}
	if first != "ok" {
		return damaged(errors.New(first))
	}
	return nil
}

// damaged says in words for people that the file cannot be used.
func damaged(err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		if code := e.Code() & 0xff; code != sqlite3.SQLITE_CORRUPT && code != sqlite3.SQLITE_NOTADB {
			return err // locked, or the disk
		}
	}
	return fault.E(fault.Unavailable, "the database file is damaged or not a database: move it away, with its -wal file, and put a backup in its place", err)
}

// KindOf sorts SQLite's result codes. What is not known to be otherwise
// is the database's own trouble: disk full, locked, damaged, closed.
func KindOf(err error) fault.Kind {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.NotFound
	}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Kind
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return fault.Unavailable
	}
	if e.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY {
		return fault.NotFound
	}
	switch e.Code() & 0xff { // the upper bits say it more finely
	case sqlite3.SQLITE_CONSTRAINT:
		return fault.Conflict
	case sqlite3.SQLITE_TOOBIG:
		return fault.Invalid
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE:
		return fault.Internal
	default:
		return fault.Unavailable
	}
}

// Fail turns an error of the database into the house's words. What says what
// was being done. An error that already is one of ours passes unchanged.
func Fail(what string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.E(KindOf(err), what, err)
}
