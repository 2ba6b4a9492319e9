package store_test

import (
	"database/sql"
	"encoding/binary"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, what string, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("%s: error %v (%v), want kind %v", what, err, fault.KindOf(err), want)
	}
}

// openFile opens a store in a new folder and closes it at the end.
func openFile(t testing.TB, cfg store.Config) (s *store.Store, path string) {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "cyan.db")
	}
	s, err := store.Open(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, cfg.Path
}

func deviceID(n uint32) (id device.ID) {
	binary.BigEndian.PutUint32(id[8:], n)
	id[0] = 1
	return id
}

// addDevice registers a device with a key of its own.
func addDevice(t testing.TB, s *store.Store, n uint32) device.ID {
	t.Helper()
	id := deviceID(n)
	must(t, s.TrustFirstUse(t.Context(), id, device.Key{Algorithm: device.ECC, SPKI: id[:]}))
	return id
}

// trySave stores a session and waits for the answer.
func trySave(t testing.TB, s *store.Store, r store.SessionRow) error {
	t.Helper()
	answer := make(chan error, 1)
	if !s.SaveSession(r, func(err error) { answer <- err }) {
		t.Fatal("SaveSession is refused")
	}
	return <-answer
}

// hold keeps the writer busy in a callback until the function that it gives
// is called.
func hold(t testing.TB, s *store.Store) (release func()) {
	t.Helper()
	held, free := make(chan struct{}), make(chan struct{})
	if !s.DeleteSession(store.SessionRow{}, func(error) { close(held); <-free }) {
		t.Fatal("DeleteSession is refused")
	}
	<-held
	return func() { close(free) }
}

// lock takes the database's lock as another process would, until the function
// that it gives is called.
func lock(t testing.TB, path string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(t.Context(), `BEGIN IMMEDIATE`)
	must(t, err)
	return func() {
		_, err := db.ExecContext(t.Context(), `ROLLBACK`)
		must(t, err)
		must(t, db.Close())
	}
}

// metric gives the value of a counter, of the series with the label value if
// one is given.
func metric(t testing.TB, reg *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if label == "" || m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("there is no metric %s{%s}", name, label)
	return 0
}
