package storetest

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
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

	must(t, s.SetPassword(ctx(t), u.ID, "new hash"))
	u.PasswordHash = "new hash"
	got, err = s.User(ctx(t), u.ID)
	must(t, err)
	same(t, "user after SetPassword", got, u)
	wantKind(t, "password of nobody", s.SetPassword(ctx(t), "nobody", "hash"), fault.NotFound)
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
