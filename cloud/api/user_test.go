package api_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/bus/bustest"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
)

const loginAs = "grant_type=password&username=alice@example.com&password="

func TestChangePassword(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct {
		body   string
		tokens bool // the old token is still good
	}{
		{`{"password":"battery staple","current_password":"correct horse"}`, true},
		{"password=correct+horse+2&current_password=battery+staple&invalidate_tokens=true", false},
	} {
		got := w.do("PUT", "/v1/user", c.body)
		if got.status != http.StatusOK || got.body != `{"ok":true,"message":"User's password updated."}` {
			t.Fatalf("status %d: %s", got.status, got.body)
		}
		if w.goodFor(token) != c.tokens {
			t.Errorf("%s: the token is good: %v", c.body, !c.tokens)
		}
	}
	if got := w.do("POST", "/oauth/token", loginAs+"correct+horse"); got.status != http.StatusBadRequest {
		t.Errorf("the old password is good: status %d", got.status)
	}
	if got := w.do("POST", "/oauth/token", loginAs+"correct+horse+2"); got.status != http.StatusOK {
		t.Errorf("the new password is not good: %s", got.body)
	}
}

// Who has a token and guesses the password waits like one at the login.
func TestGuessingTheCurrentPasswordIsBounded(t *testing.T) {
	w := newWorld(t, func(cfg *api.Config) { cfg.MaxLogins = 2 })
	for range 2 {
		got := w.do("PUT", "/v1/user", "password=battery+staple&current_password=wrong")
		if e := got.fault(t); got.status != http.StatusForbidden || e.Code != rest.CodePasswordWrong {
			t.Fatalf("status %d: %s", got.status, got.body)
		}
	}
	got := w.do("DELETE", "/v1/user", "password=correct+horse")
	if e := got.fault(t); got.status != http.StatusTooManyRequests || e.Code != rest.CodeTooManyLogins {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}

func TestSignUp(t *testing.T) {
	w := newWorld(t, func(cfg *api.Config) { cfg.SignUp, cfg.MaxLogins = true, 2 })
	got := w.do("POST", "/v1/users", `{"username":"Carol@Example.com","password":"long enough"}`, "Authorization: ")
	if got.status != http.StatusOK || got.body != `{"ok":true}` {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	u, err := w.store.UserByName(t.Context(), "carol@example.com")
	if err != nil || u.Admin || len(u.ID) != 24 {
		t.Errorf("%+v, error %v", u, err)
	}
	for body, code := range map[string]string{
		"username=carol&password=long+enough":          "invalid",
		"username=dave@example.com&password=short":     "invalid",
		"username=CAROL@example.com&password=12345678": rest.CodeUsernameTaken,
	} {
		if e := w.do("POST", "/v1/users", body).fault(t); e.Code != code {
			t.Errorf("%s: code %s: %s", body, e.Code, e.Message)
		}
	}
	got = w.do("POST", "/v1/users", "username=eve@example.com&password=long+enough")
	if e := got.fault(t); e.Code != rest.CodeTooManyLogins {
		t.Errorf("many accounts from one address: %s", got.body)
	}
	if got := w.do("POST", "/oauth/token", "grant_type=password&username=carol@example.com&password=long+enough"); got.status != http.StatusOK {
		t.Errorf("who has an account cannot log in: %s", got.body)
	}
}

func TestSignedUpUsersLogIn(t *testing.T) {
	w := newWorld(t, func(cfg *api.Config) { cfg.SignUp = true })
	w.do("POST", "/v1/users", "username=carol@example.com&password=long+enough")
	got := w.do("POST", "/oauth/token", "grant_type=password&username=carol@example.com&password=long+enough")
	if got.status != http.StatusOK {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}

// An account that ends leaves devices that are nobody's, and the gateways
// know.
func TestDeleteUser(t *testing.T) {
	w := newWorld(t, nil)
	got := w.do("DELETE", "/v1/user", `{"password":"correct horse"}`)
	if got.status != http.StatusOK || got.body != `{"ok":true,"message":"User's account has been deleted."}` {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	if w.goodFor(token) {
		t.Error("the token is still good")
	}
	want := []bustest.Change{{Device: oven}, {Device: fridge}, {Device: blank}}
	w.eventually("all changes", func() bool { return cmp.Diff(want, w.gateway.Changes()) == "" })
	for _, id := range []device.ID{oven, fridge, blank} {
		w.wantOwner(t, id, "")
	}
	w.wantOwner(t, lamp, bob)
}

func TestTheOnlyAdministratorStays(t *testing.T) {
	w := newWorld(t, nil)
	root := account.User{ID: "5f0000000000000000000009", Username: "root@example.com", Admin: true, PasswordHash: hashed, Created: noon}
	if err := w.store.CreateUser(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	record := account.Token{Hash: account.HashToken("root"), User: root.ID, Created: noon}
	if err := w.store.AddToken(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	got := w.do("DELETE", "/v1/user", "password=correct+horse", "Authorization: Bearer root")
	if e := got.fault(t); got.status != http.StatusConflict || e.Message != "The only administrator cannot be deleted" {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}
