package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// reopen: everything is there after closing and opening again.
func reopen(t *testing.T, db Database) {
	opener := db.New(t)
	s := open(t, opener, store.Config{})
	user := addUser(t, s, "ada")
	must(t, s.Provision(ctx(t), deviceID(1), key(1), "ada"))
	row := store.SessionRow{Device: deviceID(1), Transport: "udp", Generation: 7, Blob: []byte("session"), Updated: noon()}
	save(t, s, row)
	token := account.Token{Hash: account.HashToken("token"), User: "ada", Created: noon()}
	must(t, s.AddToken(ctx(t), token))
	token.LastUsed = noon().Add(time.Second)
	_, err := s.UseToken(ctx(t), token.Hash, token.LastUsed)
	must(t, err)
	must(t, s.Close())

	s = open(t, opener, store.Config{})
	must(t, s.Ping(ctx(t)))
	gotToken, err := s.Token(ctx(t), token.Hash)
	must(t, err)
	same(t, "token", gotToken, token)
	gotUser, err := s.User(ctx(t), "ada")
	must(t, err)
	same(t, "user", gotUser, user)
	gotKey, err := s.KeyOf(ctx(t), deviceID(1))
	must(t, err)
	same(t, "key", gotKey, key(1))
	gotRow, err := s.Session(ctx(t), deviceID(1))
	must(t, err)
	row.Owner = "ada"
	same(t, "session", gotRow, row)
}

// closeDrains: what was taken before Close is written by it, and answered.
func closeDrains(t *testing.T, db Database) {
	opener := db.New(t)
	s := open(t, opener, store.Config{})
	const n, few = 3000, 10 // rows and devices
	for i := range uint32(few) {
		must(t, s.TrustFirstUse(ctx(t), deviceID(i), key(i)))
	}
	answers := make(chan error, n)
	for i := range uint32(n) {
		row := store.SessionRow{Device: deviceID(i % few), Generation: i}
		attempt := device.Attempt{ID: fmt.Sprint("attempt ", i), Device: row.Device, Started: noon()}
		if !s.SaveSession(row, func(err error) { answers <- err }) || !s.AddAttempt(attempt) ||
			!s.Seen(store.DeviceUpdate{Device: row.Device, Heard: noon().Add(time.Duration(i))}) {
			t.Fatal("a row is refused")
		}
	}
	must(t, s.Close())
	same(t, "answers", len(answers), n)
	for range n {
		must(t, <-answers)
	}
	s = open(t, opener, store.Config{})
	for i := range uint32(few) {
		newest := n - few + i
		row, err := s.Session(ctx(t), deviceID(i))
		must(t, err)
		d, err := s.Device(ctx(t), deviceID(i))
		must(t, err)
		same(t, "session", row.Generation, newest)
		same(t, "last heard", d.LastHeard, noon().Add(time.Duration(newest)))
		same(t, "attempts", len(idsOfAttempts(t, s, deviceID(i), noon(), 0)), n/few)
	}
}

// closed: a closed store takes nothing, and says so.
func closed(t *testing.T, s *store.Store) {
	must(t, s.Close())
	must(t, s.Close()) // again
	never := func(error) { t.Error("a closed store answers a row that it refused") }
	if s.SaveSession(store.SessionRow{}, never) || s.DeleteSession(store.SessionRow{}, never) || s.AddAttempt(device.Attempt{}) || s.Seen(store.DeviceUpdate{}) {
		t.Error("a closed store takes rows")
	}
	wantKind(t, "Flush", s.Flush(ctx(t)), fault.Unavailable)
	wantKind(t, "Ping", s.Ping(ctx(t)), fault.Unavailable)
	wantKind(t, "Rename", s.Rename(ctx(t), deviceID(1), "ada", "name"), fault.Unavailable)
	_, err := s.DevicesOf(ctx(t), "ada")
	wantKind(t, "DevicesOf", err, fault.Unavailable)
}
