// Package eventlog keeps the events of the last hours, so that streams can be
// resumed and what was acknowledged is not lost.
//
// The log is a SQLite file of its own: it is large, busy and dispensable, and
// what stands beside it in the database of the store is none of that. One
// goroutine writes whatever waits in one transaction and syncs it once; only
// then does it tell those who wait, in the order in which they came. Numbers are
// given in that order, so that a reader who has read up to one has missed
// nothing before it.
//
// What is dropped because of its age, or for want of room, or could not be
// written, leaves a mark with its owner's name: a reader who comes from before
// it learns that there is a gap, and nobody else does.
package eventlog

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store/sqlite"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Config says where the log is and how much it keeps.
type Config struct {
	// Path is the file, which is created if it does not exist.
	Path string
	// Age is how long events are kept. Zero: 24 h.
	Age time.Duration
	// Bytes bounds what is kept, as it takes up room in the file. Zero: 256 MiB.
	Bytes int64

	Logger     *slog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: none
}

// Log is the history of events, open. Its methods may be called from any
// goroutine.
type Log struct {
	// Set at Open.
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	write   *sql.DB       // one connection
	read    *sql.DB       // several
	wake    chan struct{} // holds one token: there is something to do
	ended   chan struct{} // closed when run has returned

	head    atomic.Pointer[event.Position] // of the newest event
	failing atomic.Bool                    // the last commit went wrong

	mu      sync.Mutex
	waiting []entry             // guarded by mu
	bytes   int                 // guarded by mu; of what waits
	closed  bool                // guarded by mu
	lost    map[string]struct{} // guarded by mu; whose events are not in the log, and there is no mark yet

	fresh int64 // owned by run; bytes written since the log was last pruned
}

//go:embed migrations/*.sql
var migrations embed.FS

// anybody stands in dropped for the public events of all.
const anybody = "*"

// Open opens the log.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	if cfg.Age <= 0 {
		cfg.Age = 24 * time.Hour
	}
	if cfg.Bytes <= 0 {
		cfg.Bytes = 256 << 20
	}
	l := &Log{
		cfg: cfg, log: cfg.Logger, metrics: newMetrics(cfg.Registerer), wake: make(chan struct{}, 1),
		ended: make(chan struct{}), lost: map[string]struct{}{},
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if l.write, l.read, err = sqlite.Open(ctx, sqlite.Config{Path: cfg.Path, Migrations: migrations}); err != nil {
		return nil, fault.E(fault.KindOf(err), "open the history of events", err)
	}
	if err := l.findHead(ctx); err != nil {
		return nil, unavailable("find the end of the history", errors.Join(err, l.closeFiles()))
	}
	go l.run() //nolint:contextcheck // ends after Close
	return l, nil
}

// CatchUp looks for the end of the log anew: another process wrote to it until
// now.
func (l *Log) CatchUp(ctx context.Context) error { return l.findHead(ctx) }

// findHead finds the newest event. The numbers go on past those that were
// dropped.
func (l *Log) findHead(ctx context.Context) error {
	head := new(event.Position)
	var body []byte
	err := l.write.QueryRowContext(ctx, `SELECT seq, body FROM events ORDER BY seq DESC LIMIT 1`).Scan(&head.Seq, &body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = l.write.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), 0) FROM dropped`).Scan(&head.Seq)
	case err == nil:
		var e event.Event
		e, err = event.Parse(body)
		head.ID = e.ID
	}
	l.head.Store(head)
	return err
}

// Close writes what waits and closes the file. Events that come afterwards are
// refused.
func (l *Log) Close() error {
	l.mu.Lock()
	again := l.closed
	l.closed = true
	l.mu.Unlock()
	l.rouse()
	<-l.ended
	if again {
		return nil
	}
	if err := l.closeFiles(); err != nil {
		return unavailable("close the history of events", err)
	}
	return nil
}

// closeFiles closes the writer last: the last connection folds the write-ahead
// log into the file.
func (l *Log) closeFiles() error { return errors.Join(l.read.Close(), l.write.Close()) }

// Remove removes a log: events that were published while none was kept would
// be missing in it, and nobody would know.
func Remove(path string) error {
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.E(fault.Unavailable, "remove the old history of events", err)
		}
	}
	return nil
}

// Check tells whether the log can be written: nil, or an error of kind
// Unavailable.
func (l *Log) Check(context.Context) error {
	if l.failing.Load() {
		return unavailable("write the history of events", errors.New("the last write went wrong"))
	}
	return nil
}

// unavailable is the failure of the log to do what.
func unavailable(what string, err error) error {
	return fault.E(fault.Unavailable, "the history of events does not answer", fmt.Errorf("%s: %w", what, err)).
		WithCode(rest.CodeStoreUnavailable)
}
