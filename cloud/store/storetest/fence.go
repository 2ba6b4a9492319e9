package storetest

import (
	"testing"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// FenceCase is a change of a session that meets what is stored of its device.
type FenceCase struct {
	Name   string
	Stored store.SessionRow
	Change store.SessionRow
	Remove bool // the change
	Done   bool // it is carried out
}

// FenceCases say which changes the fence lets through. Whatever plays a store
// has to agree with them.
func FenceCases() []FenceCase {
	row := func(origin, cid byte, generation uint32) store.SessionRow {
		return store.SessionRow{Device: deviceID(1), Origin: [8]byte{origin}, CID: [8]byte{cid}, Generation: generation}
	}
	begun := func(r store.SessionRow) store.SessionRow {
		r.Begins = true
		return r
	}
	return []FenceCase{
		{"a handshake takes another session's place", row(1, 1, 9), begun(row(2, 2, 5)), false, true},
		{"and where there are no connection ids", row(1, 0, 9), begun(row(2, 0, 5)), false, true},
		{"and that of a row without a name", row(0, 0, 9), begun(row(2, 0, 5)), false, true},
		{"a session goes on", row(1, 1, 5), row(1, 1, 5), false, true},
		{"a session goes on in a later process", row(1, 1, 5), row(1, 1, 6), false, true},
		{"a session goes on that a later process has", row(1, 1, 6), row(1, 1, 5), false, false},
		{"so does one without a connection id", row(1, 0, 6), row(1, 0, 5), false, false},
		{"a session goes on whose device has shaken hands elsewhere", row(2, 2, 5), row(1, 1, 9), false, false},
		{"so does one without a connection id, elsewhere", row(2, 0, 5), row(1, 0, 9), false, false},
		{"so does one with the same connection id", row(2, 1, 5), row(1, 1, 9), false, false},
		{"the first write over a row without a name", row(0, 1, 5), row(1, 1, 5), false, true},
		{"the first write over one without a connection id", row(0, 0, 5), row(1, 0, 6), false, true},
		{"a write over a row without a name that is another's", row(0, 2, 5), row(1, 1, 9), false, false},
		{"a write over one that a later process has", row(0, 1, 6), row(1, 1, 5), false, false},

		{"a session ends", row(1, 1, 5), row(1, 1, 5), true, true},
		{"a session ends that a later process has", row(1, 1, 6), row(1, 1, 5), true, false},
		{"a session ends whose device has shaken hands elsewhere", row(2, 2, 5), row(1, 1, 9), true, false},
		{"so does one without a connection id at the end", row(2, 0, 5), row(1, 0, 9), true, false},
		{"a session ends whose row has no name", row(0, 1, 5), row(1, 1, 6), true, true},
		{"a session ends and the row without a name is another's", row(0, 2, 5), row(1, 1, 9), true, false},
	}
}

func fence(t *testing.T, s *store.Store) {
	id := deviceID(1)
	must(t, s.TrustFirstUse(ctx(t), id, key(1)))
	for _, c := range FenceCases() {
		t.Run(c.Name, func(t *testing.T) {
			c.Stored.Begins, c.Stored.Blob, c.Change.Blob = true, []byte("stored"), []byte("change")
			save(t, s, c.Stored)
			if c.Remove {
				must(t, tryDelete(t, s, c.Change)) // what is not there any more is no failure
			} else if err := trySave(t, s, c.Change); c.Done {
				must(t, err)
			} else {
				wantKind(t, "the change", err, fault.Conflict)
			}
			got, err := s.Session(ctx(t), id)
			c.Stored.Begins, c.Change.Begins = false, false // they are not kept
			switch {
			case c.Remove && c.Done:
				wantKind(t, "a session that was removed", err, fault.NotFound)
				return
			case c.Done:
				same(t, "session", withoutTime(got), c.Change)
			default:
				same(t, "session", withoutTime(got), c.Stored)
			}
			must(t, err)
		})
	}
}

// withoutTime leaves out what a row that was made without a time is read with.
func withoutTime(r store.SessionRow) store.SessionRow {
	if r.Updated.UnixNano() == 0 {
		r.Updated = store.SessionRow{}.Updated
	}
	return r
}

func tryDelete(t testing.TB, s *store.Store, r store.SessionRow) error {
	t.Helper()
	answer := make(chan error, 1)
	if !s.DeleteSession(r, func(err error) { answer <- err }) {
		t.Fatal("DeleteSession is refused")
	}
	return <-answer
}
