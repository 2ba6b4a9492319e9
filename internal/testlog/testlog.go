// Package testlog sends a room's log to the test that runs it, so that a
// failing test shows what the room said and a passing one is silent.
package testlog

import (
	"io"
	"log/slog"
	"sync"
	"testing"
)

// New makes a logger that writes to t, debug lines included and without
// times. What is logged after the test has ended goes nowhere, because
// writing to a finished test panics.
func New(t testing.TB) *slog.Logger {
	t.Helper()
	w := &writer{out: t.Output()}
	t.Cleanup(w.stop)
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: dropTime}))
}

// dropTime leaves the time out: runs of one test should read the same.
func dropTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// writer passes lines on until the test ends.
type writer struct {
	mu  sync.Mutex
	out io.Writer // guarded by mu; nil when the test has ended
}

func (w *writer) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out = nil
}

// Write takes one line of the handler's.
func (w *writer) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.out == nil {
		return len(line), nil
	}
	return w.out.Write(line)
}
