// Package storetest is what every database behind package store must do: one
// suite, run against each of them.
package storetest

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// Database is a database to be tested.
type Database struct {
	// New makes an empty one for the test and gives a function that opens it.
	// The function sets where it is in the Config. Where the database is not
	// volatile, it may be called again after the store was closed, and finds
	// what was stored.
	New func(t *testing.T) func(store.Config) (*store.Store, error)
	// Volatile says that closing loses everything.
	Volatile bool
}

// Run runs the suite.
func Run(t *testing.T, db Database) {
	t.Helper()
	t.Run("users", func(t *testing.T) { users(t, db.open(t)) })
	t.Run("tokens", func(t *testing.T) { tokens(t, db.open(t)) })
	t.Run("a password ends tokens", func(t *testing.T) { passwordEndsTokens(t, db.open(t)) })
	t.Run("use of tokens", func(t *testing.T) { tokenUse(t, db.open(t)) })
	t.Run("delete a user", func(t *testing.T) { deleteUser(t, db.open(t)) })
	t.Run("rename a user", func(t *testing.T) { renameUser(t, db.open(t)) })
	t.Run("second factor", func(t *testing.T) { secondFactor(t, db.open(t)) })
	t.Run("tickets", func(t *testing.T) { tickets(t, db.open(t)) })
	t.Run("service accounts", func(t *testing.T) { services(t, db.open(t)) })
	t.Run("transfers", func(t *testing.T) { transfers(t, db.open(t)) })
	t.Run("audit log", func(t *testing.T) { auditLog(t, db) })
	t.Run("vitals", func(t *testing.T) { vitals(t, db.open(t)) })
	t.Run("provision", func(t *testing.T) { provision(t, db.open(t)) })
	t.Run("keys", func(t *testing.T) { keys(t, db.open(t)) })
	t.Run("holders of many keys", func(t *testing.T) { manyHolders(t, db.open(t)) })
	t.Run("trust on first use", func(t *testing.T) { trustFirstUse(t, db.open(t)) })
	t.Run("claim and release", func(t *testing.T) { claimRelease(t, db.open(t)) })
	t.Run("claim codes", func(t *testing.T) { claimCodes(t, db.open(t)) })
	t.Run("claim codes are bounded", func(t *testing.T) { claimCodeBound(t, db.open(t)) })
	t.Run("names", func(t *testing.T) { names(t, db.open(t)) })
	t.Run("notes", func(t *testing.T) { notes(t, db.open(t)) })
	t.Run("restarts", func(t *testing.T) { restarts(t, db.open(t)) })
	t.Run("ownership against a model", func(t *testing.T) { ownershipModel(t, db.open(t)) })
	t.Run("seen", func(t *testing.T) { seen(t, db.open(t)) })
	t.Run("sessions", func(t *testing.T) { sessions(t, db.open(t)) })
	t.Run("session fence", func(t *testing.T) { fence(t, db.open(t)) })
	t.Run("session that another process adopted", func(t *testing.T) { adopted(t, db.open(t)) })
	t.Run("sessions against a model", func(t *testing.T) { sessionModel(t, db.open(t)) })
	t.Run("adopt sessions", func(t *testing.T) { adopt(t, db.open(t)) })
	t.Run("adopt many sessions", func(t *testing.T) { adoptMany(t, db.open(t)) })
	t.Run("attempts", func(t *testing.T) { attempts(t, db.open(t)) })
	t.Run("annotations", func(t *testing.T) { annotations(t, db.open(t)) })
	t.Run("prune", func(t *testing.T) { prune(t, db) })
	t.Run("prune tokens", func(t *testing.T) { pruneTokens(t, db.open(t)) })
	t.Run("closed", func(t *testing.T) { closed(t, db.open(t)) })
	if !db.Volatile {
		t.Run("reopen", func(t *testing.T) { reopen(t, db) })
		t.Run("close writes what is queued", func(t *testing.T) { closeDrains(t, db) })
	}
}

// open gives an empty store, closed at the end of the test.
func (db Database) open(t *testing.T) *store.Store {
	t.Helper()
	return open(t, db.New(t), store.Config{})
}

func open(t *testing.T, opener func(store.Config) (*store.Store, error), cfg store.Config) *store.Store {
	t.Helper()
	s, err := opener(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// must ends the test if something that has to work did not.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantKind checks the kind of an error that is wanted.
func wantKind(t testing.TB, what string, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("%s: error %v (%v), want kind %v", what, err, fault.KindOf(err), want)
	}
}

// reporter is what testing and rapid have in common.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// same compares what is stored with what is wanted.
func same[T any](t reporter, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// noon is when the tests happen.
func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC) }

func deviceID(n uint32) (id device.ID) {
	id[0] = 0xe0
	binary.BigEndian.PutUint32(id[8:], n)
	return id
}

func key(n uint32) device.Key {
	spki := binary.BigEndian.AppendUint32([]byte("public key "), n)
	return device.Key{Algorithm: device.ECC, SPKI: spki, Added: noon()}
}

// addUser adds a user of that id.
func addUser(t testing.TB, s *store.Store, id account.ID) account.User {
	t.Helper()
	u := account.User{ID: id, Username: string(id) + "@example.com", PasswordHash: "hash of " + string(id), Created: noon()}
	must(t, s.CreateUser(ctx(t), u))
	return u
}

func ctx(t testing.TB) context.Context { return t.Context() }
