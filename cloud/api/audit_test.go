package api_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// audited waits until so many entries stand in the log of everybody, and gives
// them, oldest first.
func (w *world) audited(t *testing.T, n int) (list []account.Entry) {
	t.Helper()
	w.eventually("the audit log is written", func() bool {
		var err error
		list, err = w.store.Audit(t.Context(), account.AuditQuery{})
		return err == nil && len(list) >= n
	})
	if len(list) != n {
		t.Errorf("%d entries, want %d: %+v", len(list), n, list)
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// The log tells who did what to what, from where, and how it went; it holds
// no secret, and strangers cannot fill it.
func TestAudit(t *testing.T) {
	w := newWorld(t, nil)
	made := w.addService(t, "name=robot&scopes=devices.function:call")
	w.do("POST", "/v1/devices/oven/reset", `{"args":"s3cret"}`, "Authorization: Bearer "+made.Token)
	w.do("PUT", "/v1/devices/oven", "name=stove")
	w.do("PUT", "/v1/devices/lamp", "name=mine")
	w.do("POST", "/oauth/token", "grant_type=password&username=alice@example.com&password=s3cret")
	w.do("POST", "/oauth/token", "grant_type=password&username=s3cret&password=s3cret")
	fresh := w.login(t, "")
	w.do("DELETE", "/v1/access_tokens/"+fresh, "", "Authorization: ")
	// None of these is remembered: they change nothing, or come from nobody.
	w.do("GET", "/v1/devices", "")
	w.do("DELETE", "/v1/access_tokens/s3cret", "", "Authorization: ")
	w.do("PUT", "/v1/devices/oven", "name=mine", "Authorization: Bearer s3cret")
	w.do("POST", "/oauth/token", "grant_type=s3cret")

	own, robot := web.TokenName(account.HashToken(token)), web.TokenName(account.HashToken(made.Token))
	login := "token " + web.TokenName(account.HashToken(fresh))
	want := []account.Entry{
		{User: alice, Token: own, Action: "service_account.create", Object: "service account " + made.ServiceAccount.ID, Outcome: "ok"},
		{User: alice, Token: robot, Service: made.ServiceAccount.ID, Action: "device.call", Object: oven.String() + " reset", Outcome: "ok"},
		{User: alice, Token: own, Action: "device.update", Object: oven.String(), Outcome: "ok"},
		{User: alice, Token: own, Action: "device.update", Object: "lamp", Outcome: rest.CodeDeviceUnknown},
		{User: alice, Action: "login", Outcome: rest.CodeCredentials},
		{Action: "login", Outcome: rest.CodeCredentials},
		{User: alice, Action: "login", Object: login, Outcome: "ok"},
		{Action: "token.revoke", Object: login, Outcome: "ok"},
	}
	got := w.audited(t, len(want))
	for i, e := range got {
		if e.At.IsZero() || e.ID == "" || e.Source != "127.0.0.1" || e.Request != "test" {
			t.Errorf("entry without all that it needs: %+v", e)
		}
		e.At, e.ID, e.Source, e.Request = want[i].At, "", "", ""
		if e != want[i] {
			t.Errorf("entry %d:\ngot  %+v\nwant %+v", i, e, want[i])
		}
		if text, _ := json.Marshal(got[i]); strings.Contains(string(text), "s3cret") {
			t.Errorf("a secret: %s", text)
		}
	}
}

// People read their own part, in pages or as lines; an administrator reads all.
func TestReadAudit(t *testing.T) {
	w := newWorld(t, nil)
	admin := account.User{ID: "5f0000000000000000000009", Username: "root@example.com", Admin: true, PasswordHash: hashed, Created: noon}
	if err := w.store.CreateUser(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	const root = "00000000000000000000000000000000000000ad"
	if err := w.store.AddToken(t.Context(), account.Token{Hash: account.HashToken(root), User: admin.ID, Created: noon}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		w.do("PUT", "/v1/devices/"+oven.String(), "name="+name)
	}
	w.asBob("PUT", "/v1/devices/lamp", "name=light")
	w.audited(t, 4)
	var page rest.AuditPage
	w.do("GET", rest.PathAudit+"?limit=2", "").into(t, &page)
	if len(page.Entries) != 2 || page.Next != rest.Text(page.Entries[1].ID) || page.Entries[0].At.Before(page.Entries[1].At.Time) {
		t.Errorf("the first page: %+v", page)
	}
	w.do("GET", rest.PathAudit+"?limit=2&before="+string(page.Next), "").into(t, &page)
	if len(page.Entries) != 1 || page.Next != "" {
		t.Errorf("the last page: %+v", page)
	}
	got := w.do("GET", rest.PathAudit+"?all=true&format=jsonl", "", "Authorization: Bearer "+root)
	lines := 0
	for s := bufio.NewScanner(strings.NewReader(got.body)); s.Scan(); lines++ {
		var e rest.AuditEntry
		if err := json.Unmarshal(s.Bytes(), &e); err != nil || e.Action != "device.update" {
			t.Errorf("%v in %s", err, s.Text())
		}
	}
	if kind := got.header.Get("Content-Type"); lines != 4 || !strings.HasPrefix(kind, "application/x-ndjson") {
		t.Errorf("%d lines of %s", lines, kind)
	}
	for _, query := range []string{"?limit=0", "?since=noon", "?all=maybe"} {
		if e := w.do("GET", rest.PathAudit+query, "").fault(t); e.Code != rest.CodeBodyMalformed {
			t.Errorf("%s: %+v", query, e)
		}
	}
}

// An administrator makes accounts where strangers may not, and helps who has
// lost a password or an authenticator.
func TestAdministrator(t *testing.T) {
	w := newWorld(t, nil)
	admin := account.User{ID: "5f0000000000000000000009", Username: "root@example.com", Admin: true, PasswordHash: hashed, Created: noon}
	if err := w.store.CreateUser(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	root := "Authorization: Bearer " + w.loginAs(t, "root@example.com")
	if got := w.do("POST", rest.PathUsers, "username=eve@example.com&password=long+enough", root); got.status != http.StatusOK {
		t.Errorf("an account for somebody: %s", got.body)
	}
	w.enrol(t)
	if got := w.do("PUT", rest.PathUsers+"/alice@example.com", "password=another+one&mfa=false"); got.status != http.StatusForbidden {
		t.Errorf("no administrator: %s", got.body)
	}
	if got := w.do("PUT", rest.PathUsers+"/Alice@example.com", "password=another+one&mfa=false", root); got.status != http.StatusOK {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	if w.goodFor(token) {
		t.Error("the tokens outlive the password")
	}
	if got := w.do("POST", "/oauth/token", "grant_type=password&username=alice@example.com&password=another+one"); got.status != http.StatusOK {
		t.Errorf("a login with the new password: %s", got.body)
	}
}

// loginAs logs somebody in with the password that all have here.
func (w *world) loginAs(t *testing.T, username string) string {
	t.Helper()
	var given rest.Token
	form := url.Values{"grant_type": {"password"}, "username": {username}, "password": {password}}
	w.do("POST", "/oauth/token", form.Encode()).into(t, &given)
	return given.AccessToken
}

// Who asks too much hears so, when to come back, and before that how much is
// left; somebody else behind the same proxy goes on.
func TestRateLimits(t *testing.T) {
	w := newWorld(t, func(cfg *api.Config) {
		cfg.Rates = web.Rates{Requests: 4, Accounts: 2}
		cfg.Proxies = loopback()
	})
	from := func(address string) string { return "X-Forwarded-For: " + address }
	for i, c := range []struct{ path, left string }{
		{"/v1/user", "3"}, {"/oauth/token", "1"}, {"/oauth/token", "0"}, {"/v1/user", "0"},
	} {
		method := map[bool]string{true: "POST", false: "GET"}[c.path == "/oauth/token"]
		got := w.do(method, c.path, "", from("203.0.113.7"))
		if got.status == http.StatusTooManyRequests || got.header.Get("RateLimit-Remaining") != c.left {
			t.Errorf("request %d: status %d, %q left", i, got.status, got.header.Get("RateLimit-Remaining"))
		}
	}
	got := w.do("GET", "/v1/user", "", from("203.0.113.7"))
	if e := got.fault(t); got.status != http.StatusTooManyRequests || e.Code != rest.CodeRateLimited ||
		got.header.Get("Retry-After") == "" || got.header.Get("RateLimit-Limit") != "4" || got.header.Get("RateLimit-Reset") == "" {
		t.Errorf("status %d, %v: %s", got.status, got.header, got.body)
	}
	if got := w.do("GET", "/v1/user", "", from("198.51.100.1")); got.status != http.StatusOK {
		t.Errorf("somebody else: %s", got.body)
	}
	if got := newWorld(t, nil).do("GET", "/v1/user", ""); got.header.Get("RateLimit-Limit") != "" {
		t.Error("a bound that was not set")
	}
}
