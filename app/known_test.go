package app

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// A token that another process revoked opens nothing once the bus has said so.
func TestRevocationsAreHeard(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "cyan.db")
	var stores [2]*store.Store
	for i := range stores {
		s, err := store.Open(ctx, store.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		stores[i] = s
	}
	b, err := bus.Open(ctx, bus.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	t.Cleanup(b.Watch(hearsay{stores[0]}))

	hash := account.HashToken("token")
	if err := stores[0].CreateUser(ctx, account.User{ID: "ada", Username: "ada"}); err != nil {
		t.Fatal(err)
	}
	if err := stores[0].AddToken(ctx, account.Token{Hash: hash, User: "ada"}); err != nil {
		t.Fatal(err)
	}
	if _, err := stores[0].UseToken(ctx, hash, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := stores[1].RevokeToken(ctx, hash); err != nil {
		t.Fatal(err)
	}
	if err := b.Revoke(bus.Revocation{Token: hash}); err != nil {
		t.Fatal(err)
	}
	if _, err := stores[0].UseToken(ctx, hash, time.Now()); fault.KindOf(err) != fault.NotFound || err == nil {
		t.Errorf("the revoked token gives %v", err)
	}
}
