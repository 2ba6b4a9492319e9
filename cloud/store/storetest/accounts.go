package storetest

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

func users(t *testing.T, s *store.Store) {
	n, err := s.Users(ctx(t))
	must(t, err)
	same(t, "users at first", n, 0)
	u := account.User{ID: "0123456789abcdef01234567", Username: " Ada@Example.COM ", Admin: true, PasswordHash: "$argon2id$…", Created: noon()}
	must(t, s.CreateUser(ctx(t), u))
	n, err = s.Users(ctx(t))
	must(t, err)
	same(t, "users", n, 1)

	u.Username = "ada@example.com"
	got, err := s.User(ctx(t), u.ID)
	must(t, err)
	same(t, "user by id", got, u)
	got, err = s.UserByName(ctx(t), "ADA@example.com")
	must(t, err)
	same(t, "user by name", got, u)

	_, err = s.User(ctx(t), "nobody")
	wantKind(t, "unknown id", err, fault.NotFound)
	_, err = s.UserByName(ctx(t), "nobody@example.com")
	wantKind(t, "unknown name", err, fault.NotFound)
	wantKind(t, "the same name again", s.CreateUser(ctx(t), account.User{ID: "other", Username: "ADA@EXAMPLE.com"}), fault.Conflict)
	wantKind(t, "the same id again", s.CreateUser(ctx(t), account.User{ID: u.ID, Username: "bob@example.com"}), fault.Conflict)

	must(t, s.SetPassword(ctx(t), u.ID, "new hash", false))
	u.PasswordHash = "new hash"
	got, err = s.User(ctx(t), u.ID)
	must(t, err)
	same(t, "user after SetPassword", got, u)
	wantKind(t, "password of nobody", s.SetPassword(ctx(t), "nobody", "hash", true), fault.NotFound)
}

func tokens(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	addUser(t, s, "bob")
	first := account.Token{
		Hash: account.HashToken("first"), User: "ada", Client: "particle-cli", Created: noon(),
		Expires: noon().Add(90 * 24 * time.Hour), Scopes: []account.Scope{account.DevicesList, account.FunctionCall},
	}
	second := account.Token{Hash: account.HashToken("second"), User: "ada", Created: noon().Add(time.Second)}
	others := account.Token{Hash: account.HashToken("others"), User: "bob", Created: noon()}
	for _, token := range []account.Token{first, second, others} {
		must(t, s.AddToken(ctx(t), token))
	}
	for _, want := range []account.Token{first, second, others} {
		got, err := s.Token(ctx(t), want.Hash)
		must(t, err)
		same(t, "token", got, want)
	}
	list, err := s.TokensOf(ctx(t), "ada")
	must(t, err)
	same(t, "tokens of ada", list, []account.Token{second, first})

	must(t, s.RevokeToken(ctx(t), first.Hash))
	_, err = s.Token(ctx(t), first.Hash)
	wantKind(t, "revoked token", err, fault.NotFound)
	wantKind(t, "revoke again", s.RevokeToken(ctx(t), first.Hash), fault.NotFound)
	_, err = s.Token(ctx(t), second.Hash)
	must(t, err)
	wantKind(t, "the same token again", s.AddToken(ctx(t), second), fault.Conflict)
	wantKind(t, "token of nobody", s.AddToken(ctx(t), account.Token{User: "nobody"}), fault.NotFound)
}

// passwordEndsTokens: a new password ends the user's tokens if it is to, and
// nobody else's.
func passwordEndsTokens(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	addUser(t, s, "bob")
	all := map[account.ID]account.Token{}
	for _, who := range []account.ID{"ada", "bob"} {
		all[who] = account.Token{Hash: account.HashToken(string(who)), User: who, Created: noon()}
		must(t, s.AddToken(ctx(t), all[who]))
	}
	must(t, s.SetPassword(ctx(t), "ada", "new", false))
	_, err := s.Token(ctx(t), all["ada"].Hash)
	must(t, err)
	must(t, s.SetPassword(ctx(t), "ada", "newer", true))
	_, err = s.Token(ctx(t), all["ada"].Hash)
	wantKind(t, "token of the old password", err, fault.NotFound)
	_, err = s.Token(ctx(t), all["bob"].Hash)
	must(t, err)
	must(t, s.RevokeTokens(ctx(t), "bob"))
	must(t, s.RevokeTokens(ctx(t), "bob")) // none is left
	_, err = s.Token(ctx(t), all["bob"].Hash)
	wantKind(t, "revoked with all others", err, fault.NotFound)
}

// tokenUse: the last use of a token is seen at once, an expired token has
// none, and no use is earlier than the one before.
func tokenUse(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	now := noon()
	token := account.Token{Hash: account.HashToken("token"), User: "ada", Created: now, Expires: now.Add(time.Hour)}
	must(t, s.AddToken(ctx(t), token))
	for _, use := range []struct{ at, last time.Time }{
		{now, now}, {now.Add(time.Minute), now.Add(time.Minute)}, {now, now.Add(time.Minute)}, {now.Add(2 * time.Hour), now.Add(time.Minute)},
	} {
		_, err := s.UseToken(ctx(t), token.Hash, use.at)
		must(t, err)
		got, err := s.Token(ctx(t), token.Hash)
		must(t, err)
		same(t, "last use", got.LastUsed, use.last)
		list, err := s.TokensOf(ctx(t), "ada")
		must(t, err)
		same(t, "last use in the list", list, []account.Token{got})
	}
	_, err := s.UseToken(ctx(t), account.HashToken("other"), now)
	wantKind(t, "use of no token", err, fault.NotFound)
}

// deleteUser: the user is gone with his tokens, and his devices are nobody's.
func deleteUser(t *testing.T, s *store.Store) {
	admin := account.User{ID: "root", Username: "root@example.com", Admin: true, Created: noon()}
	must(t, s.CreateUser(ctx(t), admin))
	ada := addUser(t, s, "ada")
	token := account.Token{Hash: account.HashToken("t"), User: "ada", Created: noon()}
	must(t, s.AddToken(ctx(t), token))
	must(t, s.Provision(ctx(t), deviceID(1), key(1), "ada"))
	must(t, s.Rename(ctx(t), deviceID(1), "ada", "oven"))

	wantKind(t, "the only administrator", s.DeleteUser(ctx(t), "root"), fault.Conflict)
	wantKind(t, "nobody", s.DeleteUser(ctx(t), "nobody"), fault.NotFound)
	must(t, s.DeleteUser(ctx(t), "ada"))
	_, err := s.UserByName(ctx(t), ada.Username)
	wantKind(t, "deleted user", err, fault.NotFound)
	_, err = s.Token(ctx(t), token.Hash)
	wantKind(t, "token of a deleted user", err, fault.NotFound)
	d, err := s.Device(ctx(t), deviceID(1))
	must(t, err)
	same(t, "device of a deleted user", d, device.Device{ID: deviceID(1), Created: noon()})
	must(t, s.CreateUser(ctx(t), account.User{ID: "root2", Username: "two@example.com", Admin: true}))
	must(t, s.DeleteUser(ctx(t), "root"))
}

// pruneTokens: a token is forgotten long after it expired, not before, and
// never if it does not expire.
func pruneTokens(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	now := noon()
	old := account.Token{Hash: account.HashToken("old"), User: "ada", Created: now, Expires: now.Add(-36 * 24 * time.Hour)}
	late := account.Token{Hash: account.HashToken("late"), User: "ada", Created: now, Expires: now.Add(-24 * time.Hour)}
	ever := account.Token{Hash: account.HashToken("ever"), User: "ada", Created: now}
	for _, token := range []account.Token{old, late, ever} {
		must(t, s.AddToken(ctx(t), token))
	}
	must(t, s.Prune(ctx(t), now))
	_, err := s.Token(ctx(t), old.Hash)
	wantKind(t, "token that expired long ago", err, fault.NotFound)
	for _, want := range []account.Token{late, ever} {
		got, err := s.Token(ctx(t), want.Hash)
		must(t, err)
		same(t, "token", got, want)
	}
}
