package api_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// addService makes a service account of alice's.
func (w *world) addService(t *testing.T, body string) rest.ServiceToken {
	t.Helper()
	got := w.do("POST", rest.PathServices, body)
	var made rest.ServiceToken
	got.into(t, &made)
	if got.status != http.StatusCreated || len(made.Token) != 40 {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	return made
}

// A service account reaches its owner's devices within its scopes, and its
// tokens end with it.
func TestServiceAccounts(t *testing.T) {
	w := newWorld(t, nil)
	made := w.addService(t, `{"name":"grafana","scopes":["devices:list","devices.variable:get"]}`)
	if made.ExpiresIn != 0 {
		t.Errorf("its token is good for %d s", made.ExpiresIn)
	}
	bearer := "Authorization: Bearer " + made.Token
	if got := w.do("GET", "/v1/devices/oven/count", "", bearer); got.status != http.StatusOK {
		t.Errorf("what it may: %s", got.body)
	}
	got := w.do("POST", "/v1/devices/oven/reset", "{}", bearer)
	if e := got.fault(t); got.status != http.StatusForbidden || e.Code != rest.CodeScopeMissing || !strings.Contains(e.Message, "devices.function:call") {
		t.Errorf("what it may not: %+v", e)
	}

	path := rest.PathServices + "/" + made.ServiceAccount.ID
	got = w.do("POST", path+"/tokens", "expires_in=60")
	var second rest.ServiceToken
	if got.into(t, &second); got.status != http.StatusCreated || second.ExpiresIn != 60 {
		t.Errorf("a second token: status %d: %s", got.status, got.body)
	}
	var shown rest.ServiceAccount
	w.do("GET", path, "").into(t, &shown)
	if len(shown.Tokens) != 2 || shown.Name != "grafana" || !slices.Equal(shown.Scopes, []string{"devices:list", "devices.variable:get"}) {
		t.Errorf("%+v", shown)
	}
	var list rest.ServiceAccounts
	if w.do("GET", rest.PathServices, "").into(t, &list); len(list.ServiceAccounts) != 1 {
		t.Errorf("%+v", list)
	}
	if got := w.do("DELETE", path, "", "Authorization: Bearer "+bobToken); got.status != http.StatusNotFound {
		t.Errorf("somebody else deletes it: %s", got.body)
	}
	if got := w.do("DELETE", rest.PathTokens, ""); got.status != http.StatusOK || !w.goodFor(made.Token) {
		t.Error("the owner's tokens end, and it goes with them")
	}
	fresh := "Authorization: Bearer " + w.login(t, "")
	if got := w.do("DELETE", path, "", fresh); got.status != http.StatusOK || w.goodFor(made.Token) || w.goodFor(second.Token) {
		t.Errorf("its tokens outlive it: %s", got.body)
	}
}

func TestServiceAccountsAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	limited := w.login(t, "&scope=account+devices:list")
	w.addService(t, "name=taken&scopes[]=devices:list&scopes[]=events:get")
	for _, c := range []struct {
		body, token string
		status      int
		says        string
	}{
		{"scopes=devices:list", token, 400, "name"},
		{"name=x", token, 400, "scopes"},
		{"name=x&scopes=devices:eat", token, 400, "devices:eat"},
		{"name=x&scopes=account", token, 400, "account"},
		{"name=taken&scopes=devices:list", token, 409, "already"},
		{"name=x&scopes=devices:list+events:get", limited, 403, "lacks"},
		{"name=x&scopes=devices:list&expires_in=soon", token, 400, "expires_in"},
		{"name=" + strings.Repeat("x", 101) + "&scopes=devices:list", token, 400, "name"},
	} {
		got := w.do("POST", rest.PathServices, c.body, "Authorization: Bearer "+c.token)
		if e := got.fault(t); got.status != c.status || !strings.Contains(e.Description, c.says) {
			t.Errorf("%s: status %d: %s", c.body, got.status, got.body)
		}
	}
	if got := w.do("POST", rest.PathServices, "name=y&scopes=devices:list", "Authorization: Bearer "+limited); got.status != http.StatusCreated {
		t.Errorf("what it has it may give: %s", got.body)
	}
}

// free are the routes that any token may use: they are about the token.
var free = []string{"GET /v1/user", "GET /v1/user/identify", "GET /v1/access_tokens/current", "DELETE /v1/access_tokens/current"}

// A token that is limited to something else is refused on every route that
// wants a token, by the name of the scope that it lacks.
func TestScopesAreEnforcedOnEveryRoute(t *testing.T) {
	w := newWorld(t, nil)
	bearer := "Authorization: Bearer " + w.login(t, "&scope=signals:read")
	tried := 0
	for _, r := range w.api.Routes() {
		method, path, _ := strings.Cut(r.Pattern, " ")
		if r.Open && !r.Heeds || path == "" || slices.Contains(free, r.Pattern) || r.Scope == account.SignalsRead {
			continue
		}
		words := []string{"oven"}
		if strings.Contains(path, "{word}") {
			words = []string{"count", "events", "attempts"}
		}
		for _, word := range words {
			at := strings.NewReplacer("{device}", "oven", "{word}", word, "{function}", "reset", "{rest...}", "x", "{prefix...}", "x",
				"{service}", "x", "{transfer}", "x", "{username}", "x").Replace(path)
			if word != "events" {
				at = strings.TrimSuffix(at, word+"/x") + map[bool]string{true: word}[strings.HasSuffix(at, word+"/x")]
			}
			got := w.do(method, at, "", bearer)
			if e := got.fault(t); e.Code != rest.CodeScopeMissing || !strings.Contains(e.Description, ":") {
				t.Errorf("%s (%s): %s", r.Pattern, at, got.body)
			}
			tried++
		}
	}
	if tried < 30 {
		t.Errorf("only %d requests were tried", tried)
	}
}

// TestTheTableOfScopesIsWhole writes the table of scopes for people, and
// checks that every scope opens something.
func TestTheTableOfScopesIsWhole(t *testing.T) {
	w := newWorld(t, nil)
	below := []string{"GET /v1/devices/{device}/{variable}", "GET /v1/devices/{device}/events", "GET /v1/devices/{device}/attempts"}
	opens := map[account.Scope][]string{account.VariableGet: {below[0]}, account.EventsGet: {below[1]}, account.DevicesGet: {below[2]}}
	for _, r := range w.api.Routes() {
		if r.Scope != "" {
			opens[r.Scope] = append(opens[r.Scope], r.Pattern)
		}
	}
	var b strings.Builder
	b.WriteString(scopesHead)
	for _, row := range account.Scopes() {
		routes := opens[row.Scope]
		if len(routes) == 0 {
			t.Errorf("the scope %s opens nothing", row.Scope)
		}
		slices.Sort(routes)
		for i, r := range routes {
			routes[i] = "`" + r + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", row.Scope, row.Allows, strings.Join(routes, "<br>"))
	}
	file := filepath.Join("..", "..", "docs", "guide", "scopes.md")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wantFile(t, file, b.String())
}

const scopesHead = `# What tokens can be limited to

A token without scopes may do all that its user may. One with scopes may do what they name, and is refused everything else
with 403 and the name of the scope that it lacks. Ask for scopes when you log in (` + "`scope=devices:list events:get`" + ` beside the password),
or make a service account, which is bound to its scopes:

    curl -H "Authorization: Bearer $TOKEN" -d name=grafana -d 'scopes=devices:list devices.variable:get' \
        http://127.0.0.1:8080/v1/service_accounts

The answer shows the service account's token this once. It is good until it is revoked, unless ` + "`expires_in`" + ` says otherwise. The service
account acts on its owner's devices; it can never have the scope ` + "`account`" + `, and nobody can give it a scope that his own token lacks.
Its tokens are listed by ` + "`GET /v1/service_accounts/{service}`" + `, each is ended like any other, and all end with ` + "`DELETE`" + ` on the same path.
They outlive a change of the owner's password and ` + "`DELETE /v1/access_tokens`" + `.

Every token may ask whose it is (` + "`GET /v1/user`, `GET /v1/access_tokens/current`" + `) and end itself.

This page is written by a test from the table of routes: ` + "`go test ./cloud/api -update`" + `.

| scope | allows to | paths |
|---|---|---|
`
