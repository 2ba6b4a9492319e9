package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// addToken makes a user of that name if there is none, and a token of his.
func addToken(t testing.TB, s *store.Store, user account.ID, text string) account.TokenHash {
	t.Helper()
	err := s.CreateUser(t.Context(), account.User{ID: user, Username: string(user)})
	if err != nil && fault.KindOf(err) != fault.Conflict {
		t.Fatal(err)
	}
	hash := account.HashToken(text)
	must(t, s.AddToken(t.Context(), account.Token{Hash: hash, User: user, Created: time.Unix(1, 0)}))
	return hash
}

// While the database cannot be read, tokens and devices that were read lately
// are still known, nothing else is, and not for ever.
func TestKnownDuringAnOutage(t *testing.T) {
	s, _ := openFile(t, store.Config{})
	ctx := t.Context()
	used, unused := addToken(t, s, "ada", "used"), addToken(t, s, "ada", "unused")
	oven, fan := addDevice(t, s, 1), addDevice(t, s, 2)
	must(t, s.Claim(ctx, oven, "ada"))
	must(t, s.Rename(ctx, oven, "ada", "oven"))
	look := func() error {
		_, errToken := s.UseToken(ctx, used, time.Now())
		_, errDevice := s.Device(ctx, oven)
		d, errName := s.DeviceByName(ctx, "ada", "Oven")
		if errName == nil && d.ID != oven {
			t.Errorf("the oven is %s", d.ID)
		}
		for _, err := range []error{errToken, errDevice, errName} {
			if err != nil {
				return err
			}
		}
		return nil
	}
	must(t, look())

	store.BreakReading(s)
	store.LetPass(s, time.Minute) // long enough that everything is looked at anew
	must(t, look())
	_, err := s.UseToken(ctx, unused, time.Now())
	wantKind(t, "a token that was not read before", err, fault.Unavailable)
	_, err = s.Device(ctx, fan)
	wantKind(t, "a device that was not read before", err, fault.Unavailable)
	_, err = s.DevicesOf(ctx, "ada")
	wantKind(t, "a list", err, fault.Unavailable)

	store.LetPass(s, store.KnownWithout)
	wantKind(t, "what was read too long ago", look(), fault.Unavailable)
}

// What this process changes is seen at once, by whichever way it changes.
func TestChangesAreSeenAtOnce(t *testing.T) {
	s, _ := openFile(t, store.Config{})
	ctx := t.Context()
	addToken(t, s, "ada", "any")
	id := addDevice(t, s, 1)
	named := func(name string) fault.Kind {
		_, err := s.DeviceByName(ctx, "ada", name)
		if err == nil {
			return 0
		}
		return fault.KindOf(err)
	}
	look := func() device.Device {
		d, err := s.Device(ctx, id)
		must(t, err)
		return d
	}
	look()
	must(t, s.Claim(ctx, id, "ada"))
	if look().Owner != "ada" {
		t.Error("the claim is not seen")
	}
	must(t, s.Rename(ctx, id, "ada", "oven"))
	if look().Name != "oven" || named("oven") != 0 {
		t.Error("the name is not seen")
	}
	other := addDevice(t, s, 2)
	must(t, s.Claim(ctx, other, "ada"))
	must(t, s.Rename(ctx, id, "ada", "fridge"))
	must(t, s.Rename(ctx, other, "ada", "oven"))
	if d, err := s.DeviceByName(ctx, "ada", "oven"); err != nil || d.ID != other {
		t.Errorf("the name went to another device and finds %v, %v", d.ID, err)
	}
	heard := time.Unix(1e9, 0).UTC()
	s.Seen(store.DeviceUpdate{Device: id, Heard: heard})
	must(t, s.Flush(ctx))
	if !look().LastHeard.Equal(heard) {
		t.Error("what was seen of the device is not seen")
	}
	must(t, s.Release(ctx, id, "ada"))
	if look().Owner != "" || named("fridge") != fault.NotFound {
		t.Error("the release is not seen")
	}
}

// What another process changes is seen after a while, and at once if it says
// so.
func TestChangesByOthers(t *testing.T) {
	s, path := openFile(t, store.Config{})
	other, _ := openFile(t, store.Config{Path: path})
	ctx := t.Context()
	for i, notice := range []func(){s.Forget, func() { store.LetPass(s, store.KnownFor) }} {
		hash := addToken(t, s, "ada", fmt.Sprint("token", i))
		_, err := s.UseToken(ctx, hash, time.Now())
		must(t, err)
		must(t, other.RevokeToken(ctx, hash))
		notice()
		_, err = s.UseToken(ctx, hash, time.Now())
		wantKind(t, "a token that another process revoked", err, fault.NotFound)
	}
}

// However many are asking for a token while it is revoked: once that is done
// nobody gets it any more.
func TestRevokedTokensAreNeverServed(t *testing.T) {
	s, _ := openFile(t, store.Config{})
	ctx := t.Context()
	for round, revoke := range []func(account.TokenHash) error{
		func(hash account.TokenHash) error { return s.RevokeToken(ctx, hash) },
		func(account.TokenHash) error { return s.RevokeTokens(ctx, "ada") },
		func(account.TokenHash) error { return s.SetPassword(ctx, "ada", "new", true) },
		func(account.TokenHash) error { return s.DeleteUser(ctx, "ada") },
	} {
		for n := range 20 {
			hash := addToken(t, s, "ada", fmt.Sprint(round, n))
			asking, stop := context.WithCancel(ctx)
			var asked sync.WaitGroup
			for range 4 {
				asked.Go(func() { // until stop
					for asking.Err() == nil {
						_, _ = s.UseToken(ctx, hash, time.Now())
					}
				})
			}
			must(t, revoke(hash))
			for range 50 {
				if _, err := s.UseToken(ctx, hash, time.Now()); err == nil {
					t.Errorf("a token is good after way %d to revoke it", round)
					break
				}
			}
			stop()
			asked.Wait()
		}
	}
}

// A look that began before a change is not remembered after it.
func TestLookAcrossAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k store.Known
		old, err := k.Look("key", func() (string, error) {
			k.Forget("key") // the change is made after the old value was read
			return "old", nil
		})
		if old != "old" || err != nil {
			t.Errorf("the look itself gives %q, %v", old, err)
		}
		if v, ok := k.Get("key"); ok {
			t.Errorf("%q is known after it has changed", v)
		}
		_, _ = k.Look("key", func() (string, error) { return "new", nil })
		if v, ok := k.Get("key"); !ok || v != "new" {
			t.Errorf("%q is known (%v), want new", v, ok)
		}
		time.Sleep(store.KnownFor) //nolint:forbidigo // in a bubble
		if v, ok := k.Get("key"); ok {
			t.Errorf("%q is known for too long", v)
		}
		for n := range 2 * store.MaxKnown {
			_, _ = k.Look(fmt.Sprint(n), func() (string, error) { return "", nil })
		}
		if n := k.Len(); n != store.MaxKnown {
			t.Errorf("%d are known, want %d", n, store.MaxKnown)
		}
	})
}

// Knowing costs no memory: every request asks.
func TestKnownAllocates(t *testing.T) {
	s, _ := openFile(t, store.Config{})
	ctx, hash, id, now := t.Context(), addToken(t, s, "ada", "token"), addDevice(t, s, 1), time.Now()
	n := testing.AllocsPerRun(100, func() {
		if _, err := s.UseToken(ctx, hash, now); err != nil {
			t.Error(err)
		}
		if _, err := s.Device(ctx, id); err != nil {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("looking at a token and a device allocates %v times", n)
	}
}
