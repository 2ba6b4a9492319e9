package api_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/api/people"
	"github.com/cyan-cloud/cyan/wire/rest"
)

const goodLogin = "grant_type=password&username=Alice@Example.com&password=correct+horse"

func TestLogin(t *testing.T) {
	w := newWorld(t, nil)
	const quarter = 90 * 24 * 3600
	for name, c := range map[string]struct {
		body    string
		headers []string
		expires int64
		client  string
	}{
		"stock 3.49":      {goodLogin + "&client_id=particle-cli&client_secret=particle-cli&expires_in=7776000", nil, quarter, "particle-cli"},
		"stock 3.43":      {goodLogin + "&client_id=CLI2&client_secret=client_secret_here", []string{"Authorization: Bearer null"}, quarter, "CLI2"},
		"old bearer":      {goodLogin + "&client_id=x", []string{"Authorization: Bearer " + token}, quarter, "x"},
		"basic client":    {goodLogin, []string{"Authorization: Basic cGFydGljbGU6cGFydGljbGU="}, quarter, "particle"},
		"no client":       {goodLogin, []string{"Authorization: "}, quarter, ""},
		"JSON":            {`{"grant_type":"password","username":"alice@example.com","password":"correct horse","expires_in":60}`, nil, 60, ""},
		"never expires":   {goodLogin + "&expires_in=0", nil, 0, ""},
		"expires at":      {goodLogin + "&expires_at=2199-01-01T00:00:00Z", nil, -1, ""},
		"expires too far": {goodLogin + "&expires_in=99999999999", nil, 100 * 365 * 24 * 3600, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.do("POST", "/oauth/token", c.body, c.headers...)
			if got.status != http.StatusOK {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			var answer rest.Token
			got.into(t, &answer)
			if answer.TokenType != "bearer" || len(answer.AccessToken) != 40 || (c.expires >= 0 && answer.ExpiresIn != c.expires) {
				t.Errorf("%+v", answer)
			}
			record, err := w.store.Token(t.Context(), account.HashToken(answer.AccessToken))
			if err != nil {
				t.Fatal(err)
			}
			if record.User != alice || record.Client != c.client || record.Expires.IsZero() != (c.expires == 0) {
				t.Errorf("%+v", record)
			}
			if got := w.do("GET", "/v1/user", "", "Authorization: Bearer "+answer.AccessToken); got.status != http.StatusOK {
				t.Errorf("the token is not good: %s", got.body)
			}
		})
	}
	for _, bad := range []string{"&expires_in=soon", "&expires_in=-1", "&expires_at=2001-01-01T00:00:00Z", "&expires_at=soon"} {
		if e := w.do("POST", "/oauth/token", goodLogin+bad).fault(t); e.Code != rest.CodeBodyMalformed {
			t.Errorf("%s: code %s", bad, e.Code)
		}
	}
}

func TestLogoutEndsTheToken(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range [][]string{
		{"/v1/access_tokens/current"},
		{"/v1/access_tokens/" + bobToken, "Authorization: "}, // who knows it may end it
	} {
		if got := w.do("DELETE", c[0], "", c[1:]...); got.status != http.StatusOK || got.body != `{"ok":true}` {
			t.Errorf("%s: status %d: %s", c[0], got.status, got.body)
		}
	}
	for _, ended := range []string{token, bobToken} {
		if got := w.do("GET", "/v1/user", "", "Authorization: Bearer "+ended); got.status != http.StatusUnauthorized {
			t.Errorf("status %d after the end", got.status)
		}
	}
}

func TestTokenWhereverItStands(t *testing.T) {
	w := newWorld(t, nil)
	for name, got := range map[string]reply{
		"header": w.do("GET", "/v1/user", ""),
		"scheme": w.do("GET", "/v1/user", "", "Authorization: bearer "+token),
		"query":  w.do("GET", "/v1/user?access_token="+token, "", "Authorization: "),
		"form":   w.do("PUT", "/v1/devices/oven/ping", "access_token="+token, "Authorization: "),
		"JSON":   w.do("PUT", "/v1/devices/oven/ping", `{"access_token":"`+token+`"}`, "Authorization: "),
	} {
		if got.status != http.StatusOK {
			t.Errorf("%s: status %d: %s", name, got.status, got.body)
		}
	}
}

// A source that guesses has to wait, even if it knows the password by then;
// a success in between starts the count anew.
func TestGuessersWait(t *testing.T) {
	w := newWorld(t, func(cfg *api.Config) { cfg.MaxLogins, cfg.LoginLockout = 3, time.Hour })
	wrong := "grant_type=password&username=alice@example.com&password=wrong"
	for _, body := range []string{wrong, wrong, goodLogin, wrong, wrong, wrong} {
		if got := w.do("POST", "/oauth/token", body); got.status == http.StatusTooManyRequests {
			t.Fatalf("too early: %s", got.body)
		}
	}
	got := w.do("POST", "/oauth/token", goodLogin)
	if e := got.fault(t); got.status != http.StatusTooManyRequests || e.Code != rest.CodeTooManyLogins {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if wait, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || wait < 1 || wait > 3600 {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	if got := w.do("GET", "/v1/user", ""); got.status != http.StatusOK {
		t.Error("its token is not good any more")
	}
}

func TestGuessersMayTryAgainLater(t *testing.T) {
	w := newWorld(t, func(cfg *api.Config) { cfg.MaxLogins, cfg.LoginLockout = 1, time.Nanosecond })
	for range 3 {
		if got := w.do("POST", "/oauth/token", "grant_type=password&username=a&password=b"); got.status != http.StatusBadRequest {
			t.Errorf("status %d: %s", got.status, got.body)
		}
	}
}

// counting counts how many passwords are looked up at once.
type counting struct {
	people.Accounts
	mu    sync.Mutex
	names []string
}

func (c *counting) UserByName(_ context.Context, name string) (account.User, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names = append(c.names, name)
	return account.User{ID: alice, PasswordHash: hashed}, nil
}

// Guesses at the same time count, too: they do not all get in before the
// first has failed.
func TestGuessesAtOnceCount(t *testing.T) {
	var store *counting
	w := newWorld(t, func(cfg *api.Config) {
		store = &counting{Accounts: cfg.Accounts}
		cfg.Accounts, cfg.MaxLogins = store, 3
	})
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() { w.do("POST", "/oauth/token", "grant_type=password&username=alice&password=wrong") })
	}
	all.Wait()
	if len(store.names) != 3 {
		t.Errorf("%d guesses got in, want 3", len(store.names))
	}
}

// A name that does not exist takes as long as one that does.
func TestUnknownNamesTakeAsLong(t *testing.T) {
	w := newWorld(t, func(cfg *api.Config) { cfg.MaxLogins = -1 })
	try := func(name string, best time.Duration) time.Duration {
		start := time.Now()
		w.do("POST", "/oauth/token", "grant_type=password&password=wrong&username="+name)
		return min(best, time.Since(start))
	}
	// In turns, until each has had a moment in which nothing else went on.
	known, unknown := time.Hour, time.Hour
	for n := 0; n < 5 || n < 100 && (unknown < known/3 || known < unknown/3); n++ {
		known, unknown = try("alice@example.com", known), try("nobody@example.com", unknown)
	}
	if unknown < known/3 || known < unknown/3 {
		t.Errorf("a known name takes %v, an unknown one %v", known, unknown)
	}
}
