package storetest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// save stores a session and waits for the answer.
func save(t testing.TB, s *store.Store, r store.SessionRow) {
	t.Helper()
	must(t, trySave(t, s, r))
}

func trySave(t testing.TB, s *store.Store, r store.SessionRow) error {
	t.Helper()
	answer := make(chan error, 1)
	if !s.SaveSession(r, func(err error) { answer <- err }) {
		t.Fatal("SaveSession is refused")
	}
	return <-answer
}

func sessions(t *testing.T, s *store.Store) {
	id := deviceID(1)
	must(t, s.TrustFirstUse(ctx(t), id, key(1)))
	_, err := s.Session(ctx(t), id)
	wantKind(t, "no session", err, fault.NotFound)
	row := store.SessionRow{
		Device: id, Origin: [8]byte{8, 7, 6, 5, 4, 3, 2, 1}, CID: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, Transport: "udp", Generation: 1<<30 - 1,
		Blob: []byte{0, 1, 2, 255}, Updated: noon(),
	}
	save(t, s, row)
	got, err := s.Session(ctx(t), id)
	must(t, err)
	same(t, "session", got, row)

	row.Blob, row.Updated = []byte("later"), noon().Add(time.Minute)
	save(t, s, row)
	got, err = s.Session(ctx(t), id)
	must(t, err)
	same(t, "session saved again", got, row)

	wantKind(t, "an unknown device's", trySave(t, s, store.SessionRow{Device: deviceID(9)}), fault.NotFound)
	wantKind(t, "too large", trySave(t, s, store.SessionRow{Device: id, Blob: make([]byte, store.MaxBlob+1)}), fault.Invalid)

	for range 2 { // to delete what is not there is fine
		must(t, tryDelete(t, s, row))
	}
	_, err = s.Session(ctx(t), id)
	wantKind(t, "deleted session", err, fault.NotFound)
	if !s.SaveSession(row, nil) || !s.DeleteSession(row, nil) {
		t.Fatal("a change that nobody waits for is refused")
	}
	must(t, s.Flush(ctx(t)))
}

// adopted: who lost a session to a later generation cannot write it.
func adopted(t *testing.T, s *store.Store) {
	id := deviceID(1)
	must(t, s.TrustFirstUse(ctx(t), id, key(1)))
	old := store.SessionRow{Device: id, Origin: [8]byte{3}, CID: [8]byte{1}, Generation: 100, Blob: []byte("old")}
	save(t, s, old)
	var taken store.SessionRow
	must(t, s.AdoptSessions(ctx(t), noon(), func(r store.SessionRow) error {
		same(t, "generation before", r.Stored, old.Generation)
		taken = r
		taken.Stored = 0 // only adopting gives it
		return nil
	}))
	wantKind(t, "save a session that another process adopted", trySave(t, s, old), fault.Conflict)
	got, err := s.Session(ctx(t), id)
	must(t, err)
	same(t, "session after the refusal", got, taken)

	must(t, tryDelete(t, s, old))
	taken.Blob = []byte("adopted")
	save(t, s, taken)
	got, err = s.Session(ctx(t), id)
	must(t, err)
	same(t, "session that goes on", got, taken)
}

// adopt: max(stored + 1, seconds since 2026-01-01 UTC), stored before it is
// told.
func adopt(t *testing.T, s *store.Store) {
	now := time.Date(2026, 1, 1, 0, 16, 40, 0, time.UTC) // second 1,000
	stored := []uint32{0, 998, 999, 1000, 1001, 1<<30 - 2, 1<<30 - 1}
	want := []uint32{1000, 1000, 1000, 1001, 1002, 1<<30 - 1} // the last is used up
	for i, generation := range stored {
		id := deviceID(uint32(i))
		must(t, s.TrustFirstUse(ctx(t), id, key(uint32(i))))
		save(t, s, store.SessionRow{Device: id, CID: [8]byte{byte(i)}, Transport: "udp", Generation: generation, Blob: []byte{byte(i)}, Updated: noon()})
	}
	var got []uint32
	must(t, s.AdoptSessions(ctx(t), now, func(r store.SessionRow) error {
		i := len(got)
		same(t, "adopted session", r, store.SessionRow{
			Device: deviceID(uint32(i)), CID: [8]byte{byte(i)}, Transport: "udp", Generation: r.Generation, Stored: stored[i], Blob: []byte{byte(i)}, Updated: noon(),
		})
		r.Stored = 0
		inStore, err := s.Session(ctx(t), r.Device)
		must(t, err)
		same(t, "stored when told", inStore, r)
		got = append(got, r.Generation)
		return nil
	}))
	same(t, "generations", got, want)

	got = nil
	must(t, s.AdoptSessions(ctx(t), time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), func(r store.SessionRow) error {
		got = append(got, r.Generation)
		return nil
	}))
	same(t, "generations with a clock that is wrong", got, []uint32{1001, 1001, 1001, 1002, 1003})

	stop := errors.New("stop")
	calls := 0
	err := s.AdoptSessions(ctx(t), now, func(store.SessionRow) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("AdoptSessions with fn failing: %v after %d calls, want the error after 1", err, calls)
	}
}

// adoptMany: more than are read at a time, in order, each once.
func adoptMany(t *testing.T, s *store.Store) {
	const n = 250
	for i := range uint32(n) {
		must(t, s.TrustFirstUse(ctx(t), deviceID(i), key(i)))
		if !s.SaveSession(store.SessionRow{Device: deviceID(i), Generation: i}, nil) {
			t.Fatal("SaveSession is refused")
		}
	}
	must(t, s.Flush(ctx(t)))
	var last device.ID
	count := 0
	must(t, s.AdoptSessions(ctx(t), noon(), func(r store.SessionRow) error {
		if bytes.Compare(last[:], r.Device[:]) >= 0 {
			t.Fatalf("session of %v after that of %v", r.Device, last)
		}
		last = r.Device
		count++
		return nil
	}))
	same(t, "sessions adopted", count, n)
}
