package store_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// While another process holds the database nothing is acknowledged, and the
// answer comes soon; afterwards all is as before, and no attempt is missing.
func TestLocked(t *testing.T) {
	var log bytes.Buffer // written on the store's goroutine, read after Close
	s, path := openFile(t, store.Config{LockWait: 20 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	id := addDevice(t, s, 1)
	must(t, trySave(t, s, store.SessionRow{Device: id, Generation: 1}))

	unlock := lock(t, path)
	if !s.AddAttempt(device.Attempt{ID: "during", Device: id, Started: time.Unix(1, 0)}) {
		t.Fatal("AddAttempt is refused")
	}
	for range 2 {
		wantKind(t, "save", trySave(t, s, store.SessionRow{Device: id, Generation: 2}), fault.Unavailable)
	}
	wantKind(t, "claim", s.Claim(t.Context(), id, "ada"), fault.Unavailable)
	wantKind(t, "ping", s.Ping(t.Context()), fault.Unavailable)
	if !s.Stats().Failing {
		t.Error("the statistics do not say that commits fail")
	}
	row, err := s.Session(t.Context(), id) // reading goes on
	must(t, err)
	if row.Generation != 1 {
		t.Errorf("generation %d is stored though it was not acknowledged", row.Generation)
	}
	unlock()

	must(t, s.Ping(t.Context())) // before any commit of the writer
	must(t, trySave(t, s, store.SessionRow{Device: id, Generation: 3}))
	must(t, s.Flush(t.Context()))
	list, err := s.Attempts(t.Context(), id, time.Time{}, 0)
	must(t, err)
	if len(list) != 1 {
		t.Errorf("%d attempts are stored, want the one made during the outage", len(list))
	}
	must(t, s.Close())
	for _, line := range []string{`msg="database cannot be written`, `msg="database can be written again`} {
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%q is in the log %d times, want once:\n%s", line, n, log.String())
		}
	}
}

// When the disk is full, what was acknowledged before is there, what was not
// is told so, and with room all goes on.
func TestDiskFull(t *testing.T) {
	s, _ := openFile(t, store.Config{})
	for n := range uint32(64) {
		addDevice(t, s, n)
	}
	pages, err := store.QueryOnWriter(s, `PRAGMA page_count`)
	must(t, err)
	n, err := strconv.Atoi(pages)
	must(t, err)
	must(t, store.ExecOnWriter(s, fmt.Sprintf(`PRAGMA max_page_count = %d`, n+40)))
	blob := bytes.Repeat([]byte{1}, 16<<10) // four pages
	stored, refused := 0, 0
	for n := range uint32(64) {
		err := trySave(t, s, store.SessionRow{Device: deviceID(n), Blob: blob})
		if err == nil {
			stored++
			continue
		}
		wantKind(t, "save on a full disk", err, fault.Unavailable)
		refused++
		_, err = s.Session(t.Context(), deviceID(n))
		wantKind(t, "session that was not acknowledged", err, fault.NotFound)
	}
	if stored == 0 || refused == 0 {
		t.Fatalf("%d stored and %d refused: the disk did not fill", stored, refused)
	}
	must(t, store.ExecOnWriter(s, `PRAGMA max_page_count = 1000000`))
	for n := range uint32(64) {
		if n < uint32(stored) {
			row, err := s.Session(t.Context(), deviceID(n))
			must(t, err)
			if !bytes.Equal(row.Blob, blob) {
				t.Errorf("session %d is not what was acknowledged", n)
			}
			continue
		}
		must(t, trySave(t, s, store.SessionRow{Device: deviceID(n), Blob: blob}))
	}
}

// Rows that nobody waits for cannot keep sessions from being stored, even
// when their table is beyond repair.
func TestLateRowsThatCannotBeWritten(t *testing.T) {
	s, _ := openFile(t, store.Config{})
	id := addDevice(t, s, 1)
	must(t, store.ExecOnWriter(s, `DROP TABLE attempts`))
	if !s.AddAttempt(device.Attempt{ID: "1", Device: id}) {
		t.Fatal("AddAttempt is refused")
	}
	wantKind(t, "flush", s.Flush(t.Context()), fault.Unavailable)
	for n := range uint32(3) {
		must(t, trySave(t, s, store.SessionRow{Device: id, Generation: n}))
	}
}

// Closing ends even if the database never comes back, and tells everybody.
func TestCloseWhileLocked(t *testing.T) {
	reg := prometheus.NewRegistry()
	s, path := openFile(t, store.Config{LockWait: 20 * time.Millisecond, Registerer: reg})
	id := addDevice(t, s, 1)
	unlock := lock(t, path)
	defer unlock()
	const n = 5 * store.BatchSessions
	answers := make(chan error, n)
	release := hold(t, s)
	for range n {
		if !s.SaveSession(store.SessionRow{Device: id}, func(err error) { answers <- err }) {
			t.Fatal("SaveSession is refused")
		}
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	for s.AddAttempt(device.Attempt{}) { // until Close has begun
		runtime.Gosched()
	}
	release()
	must(t, <-closed)
	for range n {
		wantKind(t, "save", <-answers, fault.Unavailable)
	}
	if got := metric(t, reg, "cyan_store_commits_total", "failed"); got > 2 {
		t.Errorf("%v commits were tried, want the one of the first batch and one of what nobody waits for", got)
	}
}

// Nothing is done, or waited for, on behalf of a caller who has gone.
func TestContextEnded(t *testing.T) {
	s, path := openFile(t, store.Config{})
	id := addDevice(t, s, 1)
	unlock := lock(t, path)
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantKind(t, "claim", s.Claim(ctx, id, "ada"), fault.Unavailable)
	wantKind(t, "flush", s.Flush(ctx), fault.Unavailable)
	_, err := s.Device(ctx, id)
	wantKind(t, "device", err, fault.Unavailable)
}
