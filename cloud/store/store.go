package store

import (
	"context"
	"database/sql"
	"embed"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store/sqlite"
)

// The steps of the schema, numbered from 1 without gaps.
//
//go:embed migrations/*.sql
var migrations embed.FS

// Config says where the database is and how much it keeps. The zero value is
// a database in memory with the default bounds.
type Config struct {
	// Path is the database file. It is created, with its folder, if it does
	// not exist. Empty: in memory, gone when the store is closed.
	Path string
	// Logger gets failures of the database and what was pruned. Nil: no log.
	Logger *slog.Logger
	// Registerer gets the metrics. Nil: none are registered.
	Registerer prometheus.Registerer
	// LockWait is how long a write waits while another process holds the
	// database, before it fails as unavailable. Zero: 3 s.
	LockWait time.Duration
	// Attempts bounds the record of connection attempts.
	Attempts AttemptBounds
	// Audit bounds the audit log.
	Audit AuditBounds
}

// Store is the database, open. Its methods may be called from any goroutine.
type Store struct {
	// Set at Open.
	log           *slog.Logger
	bounds        AttemptBounds
	audit         AuditBounds
	write         *sql.DB // one connection: SQLite takes one writer at a time
	read          *sql.DB // several; the same as write when in memory
	writer        *writer
	pruned        prometheus.Counter
	keeping       sync.WaitGroup
	selectHolders []string           // queries; see the function
	stop          context.CancelFunc // ends housekeeping

	uses     uses
	memory   memory
	prepared sync.Map // query → *sql.Stmt of read, closed with it

	closing  sync.Once
	closeErr error // set once closing is done
}

// Open opens the database, creating it or bringing it up to this program's
// schema where needed. A file that is damaged, belongs to another program or
// to a newer cyan is refused with a sentence that says so.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	log = log.With("component", "store")
	write, read, err := sqlite.Open(ctx, sqlite.Config{Path: cfg.Path, LockWait: cfg.LockWait, Migrations: migrations})
	if err != nil {
		return nil, err
	}
	s := &Store{log: log, bounds: cfg.Attempts.orDefault(), audit: cfg.Audit.orDefault(), write: write, read: read, pruned: newPruned(), selectHolders: selectHolders()}
	s.writer = newWriter(write, &s.memory, log)
	if err := s.register(cfg.Registerer); err != nil {
		_ = s.closeDatabases() // err is the one to tell
		return nil, fault.E(fault.Internal, "register the store's metrics", err)
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.writer.start()                      //nolint:contextcheck // a commit belongs to many callers, none of whom can end it
	s.keeping.Go(func() { s.keep(life) }) // ends with life
	return s, nil
}

// Close writes what is queued, tells the callers, and closes the database.
// Rows offered afterwards are refused. Closing again gives the same answer.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.stop()
		s.keeping.Wait()
		s.writer.close()
		s.Forget()
		s.closeErr = fail("close the database", s.closeDatabases())
	})
	return s.closeErr
}

// Flush waits until all that is queued now was tried, and gives the error of
// the last commit.
func (s *Store) Flush(ctx context.Context) error { return s.writer.flush(ctx) }

func (s *Store) closeDatabases() error {
	if s.read == s.write {
		return s.write.Close()
	}
	// The writer goes last: the last connection folds the log into the file.
	err := s.read.Close()
	if e := s.write.Close(); e != nil {
		err = e
	}
	return err
}

// Ping tells whether the database can be read and, if the last commit went
// wrong, whether it can be written again. Unavailable if not.
func (s *Store) Ping(ctx context.Context) error {
	const what = "reach the database"
	var version string
	if err := s.row(ctx, `SELECT value FROM meta WHERE key = 'schema'`).Scan(&version); err != nil {
		return fail(what, err)
	}
	if s.writer.failing.Load() {
		return s.probe(ctx)
	}
	return nil
}

// probe makes one durable write of no consequence.
func (s *Store) probe(ctx context.Context) error {
	return s.add(ctx, "write to the database", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ('probe', $1)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value`, time.Now().UTC().Format(time.RFC3339Nano))
		return err
	})
}

// row asks for one row. The query must be a constant, or what is kept of it
// would grow.
func (s *Store) row(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := s.statement(ctx, query)
	if err != nil {
		return s.read.QueryRowContext(ctx, query, args...) // has the error to tell
	}
	return stmt.QueryRowContext(ctx, args...)
}

// rows asks for many, in the same way.
func (s *Store) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// statement prepares a query for reading, once, and keeps it: parsing takes
// longer than looking up, and every request and handshake looks something up.
func (s *Store) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	kept, ok := s.prepared.Load(query)
	if !ok {
		stmt, err := s.read.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		if kept, ok = s.prepared.LoadOrStore(query, stmt); ok {
			_ = stmt.Close() // somebody was faster
		}
	}
	return kept.(*sql.Stmt), nil
}

// update runs fn in a transaction and makes it durable. What names the work
// for the error. The context can end the wait for the database and fn's
// statements, but not the commit: its outcome must be known.
//
// All that was read of tokens and devices is forgotten once the commit was
// tried, whatever became of it.
func (s *Store) update(ctx context.Context, what string, fn func(*sql.Tx) error) error {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return fail(what, err)
	}
	defer conn.Close()
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return fail(what, err)
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback() // the error of fn is the one to tell
		return fail(what, err)
	}
	err = tx.Commit()
	s.Forget()
	return fail(what, err)
}

// add is update for what changes no token and no device that there is: nothing
// needs to be forgotten, and it is committed together with others.
func (s *Store) add(ctx context.Context, what string, fn func(*sql.Tx) error) error {
	return s.writer.together(ctx, what, fn)
}
