package api_test

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/wire/rest"
)

const aliceBasic = "Authorization: Basic YWxpY2VAZXhhbXBsZS5jb206Y29ycmVjdCBob3JzZQ=="

// login gives a new token of alice's.
func (w *world) login(t *testing.T, more string) string {
	t.Helper()
	got := w.do("POST", "/oauth/token", goodLogin+more)
	if got.status != http.StatusOK {
		t.Fatal(got.body)
	}
	var token rest.Token
	got.into(t, &token)
	return token.AccessToken
}

// goodFor tells whether the token is taken.
func (w *world) goodFor(token string) bool {
	w.t.Helper()
	return w.do("GET", "/v1/user", "", "Authorization: Bearer "+token).status == http.StatusOK
}

// Old scripts list tokens with a password, and delete what is listed.
func TestListAndDeleteTokens(t *testing.T) {
	w := newWorld(t, nil)
	fresh := w.login(t, "&client_id=phone&expires_in=0")
	if !w.goodFor(fresh) {
		t.Fatal("the new token is not good")
	}
	expired := account.Token{Hash: account.HashToken("old"), User: alice, Created: noon, Expires: noon.Add(time.Hour)}
	if err := w.store.AddToken(t.Context(), expired); err != nil {
		t.Fatal(err)
	}
	var list []rest.ListedToken
	got := w.do("GET", "/v1/access_tokens", "", aliceBasic)
	got.into(t, &list)
	if len(list) != 2 || strings.Contains(got.body, fresh) || strings.Contains(got.body, token) {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	hash := account.HashToken(fresh)
	if l := list[0]; l.Token != hex.EncodeToString(hash[:]) || l.Client != "phone" || !l.ExpiresAt.IsZero() || l.Scopes == nil ||
		time.Since(l.LastUsed.Time) > time.Minute || time.Since(l.CreatedAt.Time) > time.Minute {
		t.Errorf("%+v", l)
	}
	if !list[1].LastUsed.IsZero() {
		t.Errorf("a token that was never used, was: %+v", list[1])
	}
	if w.goodFor(list[0].Token) {
		t.Error("what stands in the list is as good as the token")
	}
	if got := w.do("DELETE", "/v1/access_tokens/"+list[0].Token, "", "Authorization: "); got.status != http.StatusOK {
		t.Error(got.body)
	}
	if w.goodFor(fresh) || !w.goodFor(token) {
		t.Error("the wrong one is gone")
	}
}

func TestRevokeAllTokens(t *testing.T) {
	w := newWorld(t, nil)
	other := w.login(t, "")
	if got := w.do("DELETE", "/v1/access_tokens", "{}"); got.status != http.StatusOK || got.body != `{"ok":true}` {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if w.goodFor(token) || w.goodFor(other) || !w.goodFor(bobToken) {
		t.Error("not all of alice's tokens are gone, and no other")
	}
}

// defects reads the metric of tokens that were refused though they must be
// good.
func (w *world) defects(t *testing.T) string {
	t.Helper()
	_, rest, ok := strings.Cut(w.do("GET", "/metrics", "", "Authorization: ").body, "\ncyan_api_fresh_tokens_refused_total ")
	if !ok {
		t.Fatal("there is no such metric")
	}
	count, _, _ := strings.Cut(rest, "\n")
	return count
}

// A token that is refused right after it was given out is our defect, unless
// somebody has revoked it.
func TestFreshTokensThatAreRefusedAreCounted(t *testing.T) {
	w := newWorld(t, nil)
	for _, revoke := range []func(fresh string){
		func(fresh string) { w.do("DELETE", "/v1/access_tokens/current", "", "Authorization: Bearer "+fresh) },
		func(fresh string) { w.do("DELETE", "/v1/access_tokens/"+fresh, "", "Authorization: ") },
		func(fresh string) { w.do("DELETE", "/v1/access_tokens", "", "Authorization: Bearer "+fresh) },
		func(fresh string) {
			w.do("PUT", "/v1/user", "password=correct+horse&current_password=correct+horse&invalidate_tokens=true", "Authorization: Bearer "+fresh)
		},
	} {
		fresh := w.login(t, "")
		revoke(fresh)
		if w.goodFor(fresh) {
			t.Error("the token is still good")
		}
	}
	if got := w.defects(t); got != "0" {
		t.Errorf("%s defects before there was one", got)
	}
	lost := w.login(t, "")
	if err := w.store.RevokeToken(t.Context(), account.HashToken(lost)); err != nil { // behind the API's back
		t.Fatal(err)
	}
	w.goodFor(lost)
	if got := w.defects(t); got != "1" {
		t.Errorf("%s defects, want 1", got)
	}
}
