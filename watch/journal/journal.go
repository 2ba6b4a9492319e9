package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Config says how much is kept. The zero value keeps everything.
type Config struct {
	// MaxAge is how long a value is kept at least, and a thirty-second part of
	// that longer at most. Zero: for ever.
	MaxAge time.Duration
	// MaxBytes bounds the files together; where it is in the way of MaxAge, it
	// wins. Zero: no bound.
	MaxBytes int64
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

const (
	parts    = 32 // of the bounds, that a file may be: what goes at once is no more
	minPart  = 4 << 10
	maxPart  = 8 << 20
	maxLine  = 1 << 20 // bytes of one value
	modeDir  = 0o700
	modeFile = 0o600
)

// ErrTooLong says that a value is longer than a line may be.
var ErrTooLong = errors.New("journal: a value of more than 1 MiB")

// ErrClosed says that the journal is closed.
var ErrClosed = errors.New("journal: closed")

// Journal is a folder of values. It is safe for concurrent use; two of them on
// one folder are not.
type Journal[T any] struct {
	dir string
	cfg Config

	mu       sync.Mutex // guards what follows
	segments []segment  // oldest first; the last is written to
	file     *os.File   // of the last segment; nil: none yet
	dropped  int
	closed   bool
}

// segment is one of the files.
type segment struct {
	path  string
	first time.Time // of its values
	last  time.Time
	size  int64
}

// line is how a value is written down.
type line[T any] struct {
	At time.Time `json:"at"`
	Is T         `json:"is"`
}

// Open opens the folder, which is made if it is not there, and cuts off what a
// crash left torn.
func Open[T any](dir string, cfg Config) (*Journal[T], error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	j := &Journal[T]{dir: dir, cfg: cfg}
	if err := os.MkdirAll(dir, modeDir); err != nil {
		return nil, err
	}
	if err := j.load(); err != nil {
		return nil, fmt.Errorf("opening the journal in %s: %w", dir, err)
	}
	return j, nil
}

// Append writes a value down. It is in the hands of the system then: a crash of
// this process does not lose it, a power cut may, until Sync.
func (j *Journal[T]) Append(v T) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	now := j.cfg.Now().UTC()
	text, err := json.Marshal(line[T]{now, v})
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if len(text) >= maxLine {
		return ErrTooLong
	}
	if err := j.turn(now, int64(len(text)+1)); err != nil {
		return err
	}
	s := &j.segments[len(j.segments)-1]
	if _, err := j.file.Write(append(text, '\n')); err != nil {
		// Half a line would spoil the next one.
		return errors.Join(err, j.file.Truncate(s.size))
	}
	s.size += int64(len(text) + 1)
	s.last = now
	return nil
}

// Sync waits until everything that was appended is on the disk.
func (j *Journal[T]) Sync() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	return j.file.Sync()
}

// Replay gives all values in the order in which they were appended, until one
// is refused.
func (j *Journal[T]) Replay(do func(T) error) error { return j.Since(time.Time{}, do) }

// Since gives the values that were appended at or after a time. It may be
// called while others append; what comes after the call is not given.
func (j *Journal[T]) Since(from time.Time, do func(T) error) error {
	j.mu.Lock()
	list := append([]segment(nil), j.segments...)
	j.mu.Unlock()
	for _, s := range list {
		if s.last.Before(from) {
			continue
		}
		_, err := read(s.path, s.size, func(l line[T]) error {
			if l.At.Before(from) {
				return nil
			}
			return do(l.Is)
		})
		if err != nil && !errors.Is(err, os.ErrNotExist) { // it went meanwhile
			return err
		}
	}
	return nil
}

// Dropped is how many lines were found that could not be read: the torn ones of
// crashes, at most one each.
func (j *Journal[T]) Dropped() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.dropped
}

// Bytes is how long the files are together.
func (j *Journal[T]) Bytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes()
}

// Close puts everything on the disk and ends the journal.
func (j *Journal[T]) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	if j.file == nil {
		return nil
	}
	err := errors.Join(j.file.Sync(), j.file.Close())
	j.file = nil
	return err
}

func (j *Journal[T]) bytes() (n int64) {
	for _, s := range j.segments {
		n += s.size
	}
	return n
}

func (j *Journal[T]) path(number int) string {
	return filepath.Join(j.dir, fmt.Sprintf("%016d%s", number, suffix))
}
