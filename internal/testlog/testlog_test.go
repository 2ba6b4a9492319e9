package testlog_test

import (
	"bytes"
	"io"
	"log/slog"
	"testing"

	"github.com/cyan-cloud/cyan/internal/testlog"
)

// recorder is a test whose output can be looked at and which can be ended.
type recorder struct {
	testing.TB
	out bytes.Buffer
	end []func()
}

func (r *recorder) Output() io.Writer { return &r.out }
func (r *recorder) Cleanup(f func())  { r.end = append(r.end, f) }
func (r *recorder) Helper()           {}

func TestLinesReachTheTestUntilItEnds(t *testing.T) {
	r := &recorder{TB: t}
	log := testlog.New(r).With("component", "lane")
	log.Debug("datagram dropped", slog.String("reason", "stale_epoch"))

	const want = "level=DEBUG msg=\"datagram dropped\" component=lane reason=stale_epoch\n"
	if got := r.out.String(); got != want {
		t.Errorf("logged %q, want %q", got, want)
	}

	for _, f := range r.end {
		f()
	}
	log.Info("too late")
	if got := r.out.String(); got != want {
		t.Errorf("after the test's end: logged %q", got)
	}
}
