package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// request is what a server got.
type request struct {
	Method, Path, Auth, Kind, Body string
}

// server answers every request with the same, and keeps the last one.
func server(t *testing.T, status int, answer string, headers ...string) (*client.Client, *request) {
	t.Helper()
	last := new(request)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*last = request{r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body)}
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return client.New(client.Config{URL: s.URL + "/", Token: "secret", UserAgent: "test"}), last
}

// Each method sends what it should and reads what comes.
func TestRequests(t *testing.T) {
	ctx := t.Context()
	const formKind, jsonKind = "application/x-www-form-urlencoded", "application/json"
	data := "on"
	for name, c := range map[string]struct {
		answer string
		run    func(c *client.Client) (any, error)
		sent   request
		want   any
	}{
		"login": {
			`{"token_type":"bearer","access_token":"t","expires_in":60}`,
			func(c *client.Client) (any, error) { return c.Login(ctx, "a@b", "p&q") },
			request{"POST", "/oauth/token", "Bearer secret", formKind, "client_id=test&client_secret=test&grant_type=password&password=p%26q&username=a%40b"},
			rest.Token{TokenType: "bearer", AccessToken: "t", ExpiresIn: 60},
		},
		"login for a time": {
			`{"access_token":"t"}`,
			func(c *client.Client) (any, error) {
				return c.Grant(ctx, client.Grant{Username: "a", Password: "p", ExpiresIn: time.Hour, Scopes: []string{"x:y", "z"}})
			},
			request{"POST", "/oauth/token", "Bearer secret", formKind, "client_id=test&client_secret=test&expires_in=3600&grant_type=password&password=p&scope=x%3Ay+z&username=a"},
			rest.Token{AccessToken: "t"},
		},
		"login for ever": {
			`{"access_token":"t"}`,
			func(c *client.Client) (any, error) {
				return c.Grant(ctx, client.Grant{Username: "a", Password: "p", Endless: true})
			},
			request{"POST", "/oauth/token", "Bearer secret", formKind, "client_id=test&client_secret=test&expires_in=0&grant_type=password&password=p&username=a"},
			rest.Token{AccessToken: "t"},
		},
		"second factor": {
			`{"access_token":"t"}`, func(c *client.Client) (any, error) { return c.GrantOTP(ctx, "m", "123456") },
			request{"POST", "/oauth/token", "Bearer secret", formKind, "client_id=test&client_secret=test&grant_type=urn%3Acustom%3Amfa-otp&mfa_token=m&otp=123456"},
			rest.Token{AccessToken: "t"},
		},
		"second factor begun": {
			`{"mfa_token":"m","secret":"s","qr_url":"u"}`, func(c *client.Client) (any, error) { return c.StartMFA(ctx) },
			request{"GET", "/v1/user/mfa-enable", "Bearer secret", "", ""},
			client.Enrolment{Token: "m", Secret: "s", URL: "u"},
		},
		"second factor proven": {
			`{"ok":true,"recovery_codes":["a-b"]}`, func(c *client.Client) (any, error) { return c.FinishMFA(ctx, "m", "123456") },
			request{"POST", "/v1/user/mfa-enable", "Bearer secret", jsonKind, `{"mfa_token":"m","otp":"123456"}`},
			[]string{"a-b"},
		},
		"second factor ended": {
			`{"ok":true}`, func(c *client.Client) (any, error) { return nil, c.EndMFA(ctx, "p") },
			request{"PUT", "/v1/user/mfa-disable", "Bearer secret", jsonKind, `{"current_password":"p"}`},
			nil,
		},
		"tokens with a second factor": {
			`[]`, func(c *client.Client) (any, error) { return c.Tokens(ctx, "a@b", "p", "123456") },
			request{"GET", "/v1/access_tokens?otp=123456", "Basic YUBiOnA=", "", ""},
			[]rest.ListedToken{},
		},
		"audit": {
			`{"entries":[{"id":"7","action":"login"}],"next":"7"}`,
			func(c *client.Client) (any, error) {
				return c.Audit(ctx, client.AuditQuery{Since: time.Unix(0, 0), Before: "9", Limit: 1, All: true})
			},
			request{"GET", "/v1/audit?all=true&before=9&limit=1&since=1970-01-01T00%3A00%3A00Z", "Bearer secret", "", ""},
			rest.AuditPage{Entries: []rest.AuditEntry{{ID: "7", Action: "login"}}, Next: "7"},
		},
		"product": {
			`{"updated":1}`, func(c *client.Client) (any, error) { return nil, c.AddToProduct(ctx, "30000", "1") },
			request{"POST", "/v1/products/30000/devices", "Bearer secret", jsonKind, `{"id":"1"}`},
			nil,
		},
		"logout": {
			`{"ok":true}`, func(c *client.Client) (any, error) { return nil, c.Logout(ctx) },
			request{"DELETE", "/v1/access_tokens/current", "Bearer secret", "", ""},
			nil,
		},
		"token": {
			`{"client":"x"}`, func(c *client.Client) (any, error) { return c.CurrentToken(ctx) },
			request{"GET", "/v1/access_tokens/current", "Bearer secret", "", ""},
			rest.CurrentToken{Client: "x"},
		},
		"tokens": {
			`[{"token":"ab","client":"x"}]`, func(c *client.Client) (any, error) { return c.Tokens(ctx, "a@b", "p", "") },
			request{"GET", "/v1/access_tokens", "Basic YUBiOnA=", "", ""},
			[]rest.ListedToken{{Token: "ab", Client: "x"}},
		},
		"revoke a token": {
			`{"ok":true}`, func(c *client.Client) (any, error) { return nil, c.RevokeToken(ctx, "ab") },
			request{"DELETE", "/v1/access_tokens/ab", "Bearer secret", "", ""},
			nil,
		},
		"revoke all tokens": {
			`{"ok":true}`, func(c *client.Client) (any, error) { return nil, c.RevokeTokens(ctx) },
			request{"DELETE", "/v1/access_tokens", "Bearer secret", "", ""},
			nil,
		},
		"password": {
			`{"ok":true}`, func(c *client.Client) (any, error) { return nil, c.SetPassword(ctx, "old", "new", true) },
			request{"PUT", "/v1/user", "Bearer secret", jsonKind, `{"password":"new","current_password":"old","invalidate_tokens":true}`},
			nil,
		},
		"sign up": {
			`{"ok":true}`, func(c *client.Client) (any, error) { return nil, c.SignUp(ctx, "a@b", "p") },
			request{"POST", "/v1/users", "Bearer secret", jsonKind, `{"username":"a@b","password":"p"}`},
			nil,
		},
		"user": {
			`{"username":"a@b"}`, func(c *client.Client) (any, error) { return c.User(ctx) },
			request{"GET", "/v1/user", "Bearer secret", "", ""},
			rest.User{Username: "a@b"},
		},
		"devices": {
			`[{"id":"1","name":null},{"id":"2","name":"x"}]`, func(c *client.Client) (any, error) { return c.Devices(ctx) },
			request{"GET", "/v1/devices", "Bearer secret", "", ""},
			[]rest.Device{{ID: "1"}, {ID: "2", Name: "x"}},
		},
		"device": {
			`{"id":"1"}`, func(c *client.Client) (any, error) { return c.Device(ctx, "my oven") },
			request{"GET", "/v1/devices/my%20oven", "Bearer secret", "", ""},
			rest.Device{ID: "1"},
		},
		"call": {
			`{"return_value":-7}`, func(c *client.Client) (any, error) { return c.Call(ctx, "oven", "set", "1") },
			request{"POST", "/v1/devices/oven/set", "Bearer secret", jsonKind, `{"args":"1"}`},
			rest.FunctionResult{ReturnValue: -7},
		},
		"call without argument": {
			`{"return_value":0}`, func(c *client.Client) (any, error) { return c.Call(ctx, "oven", "set", "") },
			request{"POST", "/v1/devices/oven/set", "Bearer secret", jsonKind, `{"args":""}`},
			rest.FunctionResult{},
		},
		"variable": {
			`{"name":"v","result":21.5}`, func(c *client.Client) (any, error) { return c.Variable(ctx, "oven", "v") },
			request{"GET", "/v1/devices/oven/v", "Bearer secret", "", ""},
			rest.Variable{Name: "v", Result: 21.5},
		},
		"ping": {
			`{"ok":true,"online":true}`, func(c *client.Client) (any, error) { return c.Ping(ctx, "oven") },
			request{"PUT", "/v1/devices/oven/ping", "Bearer secret", jsonKind, `{}`},
			rest.Ping{OK: true, Online: true},
		},
		"attempts": {
			`{"device":"1","attempts":[]}`,
			func(c *client.Client) (any, error) { return c.Attempts(ctx, "oven", time.Unix(0, 0)) },
			request{"GET", "/v1/devices/oven/attempts?limit=1000&since=1970-01-01T00%3A00%3A00Z", "Bearer secret", "", ""},
			rest.Attempts{Device: "1", Attempts: []rest.Attempt{}},
		},
		"provision": {
			`{"ok":true,"id":"1"}`, func(c *client.Client) (any, error) { return c.Provision(ctx, "1", []byte{0xff, 0xfe}) },
			request{"POST", "/v1/provisioning/1", "Bearer secret", jsonKind, `{"deviceID":"1","publicKey":"//4=","algorithm":"","filename":"test"}`},
			rest.Provisioned{OK: true, ID: "1"},
		},
		"claim": {
			`{"ok":true,"id":"1","connected":true}`, func(c *client.Client) (any, error) { return c.Claim(ctx, "1") },
			request{"POST", "/v1/devices", "Bearer secret", jsonKind, `{"id":"1","request_transfer":false}`},
			rest.Claimed{OK: true, ID: "1", Connected: true},
		},
		"claim code": {
			`{"claim_code":"c","device_ids":["1"]}`, func(c *client.Client) (any, error) { return c.ClaimCode(ctx) },
			request{"POST", "/v1/device_claims", "Bearer secret", jsonKind, `{}`},
			rest.ClaimCode{Code: "c", DeviceIDs: []string{"1"}},
		},
		"unclaim": {
			`{"ok":true}`, func(c *client.Client) (any, error) { return nil, c.Unclaim(ctx, "my oven") },
			request{"DELETE", "/v1/devices/my%20oven", "Bearer secret", "", ""},
			nil,
		},
		"rename": {
			`{"id":"1","name":"new"}`, func(c *client.Client) (any, error) { return c.Rename(ctx, "oven", "new") },
			request{"PUT", "/v1/devices/oven", "Bearer secret", jsonKind, `{"name":"new"}`},
			rest.Renamed{ID: "1", Name: "new"},
		},
		"annotate": {
			`{"id":"1","notes":"n"}`,
			func(c *client.Client) (any, error) {
				u, err := c.Annotate(ctx, "oven", "n")
				return *u.Notes, err
			},
			request{"PUT", "/v1/devices/oven", "Bearer secret", jsonKind, `{"notes":"n"}`},
			"n",
		},
		"signal": {
			`{"id":"1","connected":true,"signaling":false}`,
			func(c *client.Client) (any, error) {
				u, err := c.Signal(ctx, "oven", false)
				return *u.Signaling, err
			},
			request{"PUT", "/v1/devices/oven", "Bearer secret", jsonKind, `{"signal":"0"}`},
			false,
		},
		"publish": {
			`{"ok":true}`, func(c *client.Client) (any, error) { return nil, c.Publish(ctx, rest.Publish{Name: "n", Data: &data}) },
			request{"POST", "/v1/devices/events", "Bearer secret", jsonKind, `{"name":"n","data":"on"}`},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c2, last := server(t, http.StatusOK, c.answer)
			got, err := c.run(c2)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.sent, *last); diff != "" {
				t.Errorf("sent: %s", diff)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("read: %s", diff)
			}
		})
	}
}

// The error of a login that wants a second factor brings what the next step
// needs.
func TestSecondFactorIsWanted(t *testing.T) {
	c, _ := server(t, http.StatusForbidden, `{"error":"mfa_required","error_description":"a code too","mfa_token":"m"}`)
	_, err := c.Login(t.Context(), "a", "p")
	if e, ok := errors.AsType[*client.Error](err); !ok || e.MFAToken != "m" {
		t.Errorf("error %v has no token for the code", err)
	}
}

func TestErrors(t *testing.T) {
	whole := `{"ok":false,"error":"Timed out. It is off.","error_description":"It is off","code":"not_connected","request_id":"r1","device":{"state":"offline"},"stage":"not_connected"}`
	for name, c := range map[string]struct {
		status    int
		body      string
		headers   []string
		says      string
		code      string
		temporary bool
		retry     time.Duration
	}{
		"of the API":       {408, whole, nil, "It is off (request r1)", rest.CodeNotConnected, true, 0},
		"without sentence": {400, `{"error":"Bad"}`, nil, "Bad", "", false, 0},
		"of a proxy":       {502, "<html>", []string{"X-Request-Id: r2"}, "answered 502 Bad Gateway and did not say why (request r2)", "", true, 0},
		"of nobody":        {500, "", nil, "answered 500 Internal Server Error and did not say why", "", true, 0},
		"JSON of others":   {404, `{"message":"no"}`, nil, "answered 404 Not Found and did not say why", "", false, 0},
		"to be repeated":   {503, whole, []string{"Retry-After: 7"}, "It is off (request r1)", rest.CodeNotConnected, true, 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			c2, _ := server(t, c.status, c.body, c.headers...)
			_, err := c2.Device(t.Context(), "oven")
			e, ok := errors.AsType[*client.Error](err)
			if !ok {
				t.Fatalf("error %v", err)
			}
			if e.Status != c.status || !strings.HasSuffix(e.Error(), c.says) || e.Body.Code != c.code ||
				e.Temporary() != c.temporary || e.RetryAfter != c.retry {
				t.Errorf("%+v: %v", e, e)
			}
		})
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	c, _ := server(t, http.StatusOK, "<html>hello")
	if _, err := c.Device(t.Context(), "oven"); err == nil || !strings.Contains(err.Error(), "is not what a cyan cloud says") {
		t.Errorf("error %v", err)
	}
	gone := client.New(client.Config{URL: "http://127.0.0.1:1"})
	if _, err := gone.Device(t.Context(), "oven"); err == nil {
		t.Error("nobody answered, and there is no error")
	}
	if _, ok := errors.AsType[*client.Error](errors.New("x")); ok {
		t.Error("any error is one of the API")
	}
}

func TestContextEndsARequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer s.Close()
	_, err := client.New(client.Config{URL: s.URL}).Devices(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// stream is a server of event streams: each connection gets what the script
// for it says, and is then closed; the last one is held open.
func stream(t *testing.T, connections ...string) *client.Client {
	t.Helper()
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		script := connections[min(n, len(connections)-1)]
		last := n >= len(connections)-1
		n++
		if status, ok := strings.CutPrefix(script, "status "); ok {
			var code int
			fmt.Sscan(status, &code)
			w.WriteHeader(code)
			json.NewEncoder(w).Encode(rest.Error{Message: "m", Description: "d", Code: "c"})
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, script)
		http.NewResponseController(w).Flush()
		if last {
			<-r.Context().Done()
		}
	}))
	t.Cleanup(s.CloseClientConnections)
	t.Cleanup(s.Close)
	return client.New(client.Config{URL: s.URL, Token: "secret"})
}

const greeting = ":ok\n\n: {\"scope\":\"mine\",\"prefix\":\"t\"}\n\n"

func said(name, data string) string {
	return "event: " + name + "\ndata: {\"data\":\"" + data + "\",\"ttl\":60,\"published_at\":\"2026-05-31T12:00:00.000Z\",\"coreid\":\"api\"}\n\n"
}

func TestStreamGoesOnAfterABreak(t *testing.T) {
	c := stream(t, greeting+said("t1", "a")+"event: x\ndata: no JSON\n\n"+said("t2", "b"), "status 503", greeting+said("t3", "c"))
	var opened []rest.Header
	broken := 0
	s, err := c.Subscribe(t.Context(), client.Subscription{
		Prefix: "t", Opened: func(h rest.Header) { opened = append(opened, h) },
		Broken: func(err error, wait time.Duration, resumes bool) {
			broken++
			if err == nil || wait <= 0 || wait > 30*time.Second {
				t.Errorf("broken by %v, wait %v", err, wait)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, want := range []string{"t1 a", "t2 b", "t3 c"} {
		e, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Name + " " + *e.Data; got != want || e.TTL != 60 || e.CoreID != "api" || e.PublishedAt.Year() != 2026 {
			t.Errorf("%s: %+v, want %s", got, e, want)
		}
	}
	if broken != 2 {
		t.Errorf("broken %d times, want 2", broken)
	}
	if diff := cmp.Diff([]rest.Header{{Scope: "mine", Prefix: "t"}, {Scope: "mine", Prefix: "t"}}, opened); diff != "" {
		t.Error(diff)
	}
	if since := time.Since(s.Heard()); since > 10*time.Second {
		t.Errorf("heard %v ago", since)
	}
}

// What the API refuses for good is not asked again and again.
func TestStreamEndsWhenRefused(t *testing.T) {
	_, err := stream(t, "status 403").Subscribe(t.Context(), client.Subscription{})
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Status != 403 {
		t.Errorf("at first: %v", err)
	}
	s, err := stream(t, greeting, "status 401").Subscribe(t.Context(), client.Subscription{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Next()
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Status != 401 {
		t.Errorf("again: %v", err)
	}
}

// A stream that is open and silent for too long is dead.
func TestSilenceBreaksAStream(t *testing.T) {
	c := stream(t, greeting)
	ctx, cancel := context.WithCancel(t.Context())
	why := ""
	s, err := c.Subscribe(ctx, client.Subscription{
		Silence: time.Second, // the answer has to begin within it
		Broken:  func(err error, _ time.Duration, _ bool) { why = err.Error(); cancel() },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if why != "nothing came for 1s" {
		t.Errorf("broken by %q", why)
	}
}

func TestCloseEndsNext(t *testing.T) {
	s, err := stream(t, greeting+said("a", "1")).Subscribe(t.Context(), client.Subscription{Device: "oven"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := s.Next()
		ended <- err
	}()
	s.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestSubscriptionToTwoThings(t *testing.T) {
	if _, err := stream(t, greeting).Subscribe(t.Context(), client.Subscription{All: true, Device: "oven", Prefix: "x"}); err == nil {
		t.Error("one device and everybody's events at once")
	}
}
