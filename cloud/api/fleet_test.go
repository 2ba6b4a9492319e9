package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/api/fleet"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/headcount"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// counter counts three devices of alice's and one of bob's. It is not started:
// tests say when it counts.
func counter(t testing.TB) *headcount.Counter {
	t.Helper()
	c, err := headcount.Open(t.Context(), headcount.Config{
		Node: "n", Tally: func(yield func(device.Traits, device.Headcount)) {
			yield(device.Traits{Owner: alice, Transport: "udp", Product: 13, Firmware: 7, System: 6200}, device.Headcount{Online: 1, Limbo: 1, Unheard: 4})
			yield(device.Traits{Owner: alice, Transport: "tcp"}, device.Headcount{Online: 1})
			yield(device.Traits{Owner: bob}, device.Headcount{Online: 1})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// fleet gives a desk that a counter stands behind.
func (w *world) fleet() *fleet.Desk {
	return fleet.New(fleet.Config{Counter: counter(w.t), People: w.store})
}

// An owner's devices are counted for him, and everybody's for administrators.
func TestHeadcount(t *testing.T) {
	c := counter(t)
	w := newWorld(t, func(cfg *api.Config) {
		cfg.Fleet = fleet.New(fleet.Config{Counter: c, People: cfg.Accounts.(fleet.People)})
	})
	now := time.Now()
	c.Sample(t.Context(), now.Add(-24*time.Hour))
	got := w.do("GET", "/v1/headcount", "")
	var v rest.Headcounts
	got.into(t, &v)
	if n := v.Now; n.Connected != 3 || n.Limbo != 1 || n.Unheard != 4 || n.Products["13"] != 2 || n.Transports["tcp"] != 1 ||
		n.Firmwares["13/7"] != 2 || n.DeviceOS["6.2.0"] != 2 || n.DeviceOS["unknown"] != 1 {
		t.Errorf("now: %s", got.body)
	}
	if v.HourAgo != nil || v.DayAgo == nil || v.DayAgo.Connected != 3 || v.WeekAgo != nil {
		t.Errorf("before: %s", got.body)
	}
	var history rest.HeadcountHistory
	since := now.Add(-25 * time.Hour).UTC().Format(time.RFC3339)
	got = w.do("GET", "/v1/headcount/history?since="+url.QueryEscape(since), "")
	if got.into(t, &history); history.StepS != 300 || len(history.Points) < 300 {
		t.Fatalf("%d points of %d s: %.200s", len(history.Points), history.StepS, got.body)
	}
	known := 0
	for _, p := range history.Points {
		if p.Connected != nil {
			if known++; *p.Connected != 3 || *p.Min != 3 || *p.Max != 3 {
				t.Errorf("%d, %d to %d", *p.Connected, *p.Min, *p.Max)
			}
		}
	}
	if known != 1 || !strings.Contains(got.body, `"connected":null`) {
		t.Errorf("%d points are known", known)
	}
	if got := w.do("GET", "/v1/headcount?everyone=true", ""); got.status != http.StatusForbidden || got.fault(t).Message == "" {
		t.Errorf("everybody's: %s", got.body)
	}
	root := account.User{ID: "5f0000000000000000000009", Username: "root@example.com", Admin: true, PasswordHash: hashed, Created: noon}
	err := w.store.CreateUser(t.Context(), root)
	if err == nil {
		err = w.store.AddToken(t.Context(), account.Token{Hash: account.HashToken("root"), User: root.ID, Client: "test", Created: noon})
	}
	if err != nil {
		t.Fatal(err)
	}
	got = w.do("GET", "/v1/headcount?everyone=true", "", "Authorization: Bearer root")
	if got.into(t, &v); v.Now.Connected != 4 {
		t.Errorf("everybody's, for an administrator: %s", got.body)
	}
}

// What cannot be asked is refused, with what could be.
func TestHeadcountHistoryIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	day := time.Now().Add(-24 * time.Hour).UTC().Format(time.RFC3339)
	for query, says := range map[string]string{
		"since=yesterday":                "2026-01-31T12:00:00Z",
		"since=2020-01-01T00:00:00Z":     "last 8 days",
		"since=2099-01-01T00:00:00Z":     "not before until",
		"step=61":                        "multiple of 60",
		"step=-60":                       "multiple of 60",
		"since=" + day + "&until=" + day: "not before until",
		"step=60&since=" + time.Now().Add(-48*time.Hour).UTC().Format(time.RFC3339): "longer step",
		"product=13&transport=udp": "ask once for each",
		"everyone=perhaps":         "everyone",
	} {
		got := w.do("GET", "/v1/headcount/history?"+query, "")
		if e := got.fault(t); got.status != http.StatusBadRequest || !strings.Contains(e.Description, says) {
			t.Errorf("%s: status %d: %s", query, got.status, got.body)
		}
	}
}

// TestHeadcountStreamEnds reads the stream of counts until its token is revoked,
// and until the server stops.
func TestHeadcountStreamEnds(t *testing.T) {
	for reason, end := range map[string]func(w *world, d *fleet.Desk) error{
		rest.EndTokenRevoked: func(w *world, _ *fleet.Desk) error {
			return w.store.RevokeToken(context.Background(), account.HashToken(token))
		},
		rest.EndShutdown: func(_ *world, d *fleet.Desk) error { d.Close(); return nil },
	} {
		t.Run(reason, func(t *testing.T) {
			var desk *fleet.Desk
			w := newWorld(t, func(cfg *api.Config) {
				desk = fleet.New(fleet.Config{Counter: counter(t), People: cfg.Accounts.(fleet.People), KeepAlive: 10 * time.Millisecond})
				cfg.Fleet = desk
			})
			lines := w.watchCount(t)
			counted, signs := 0, 0
			for signs < 5 && lines.Scan() { // signs of life come after what is said
				data, ok := strings.CutPrefix(lines.Text(), "data: ")
				if lines.Text() == "" {
					signs++
				}
				if !ok {
					continue
				}
				var v rest.Headcount
				if err := json.Unmarshal([]byte(data), &v); err != nil {
					t.Fatal(err)
				}
				counted = v.Connected
			}
			if counted != 3 {
				t.Errorf("%d are connected", counted)
			}
			if err := end(w, desk); err != nil {
				t.Fatal(err)
			}
			if why := lastLine(lines); !strings.Contains(why, reason) {
				t.Errorf("it ends: %s", why)
			}
		})
	}
}

// watchCount opens the stream of counts.
func (w *world) watchCount(t *testing.T) *bufio.Scanner {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+rest.PathHeadcountLive, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	return bufio.NewScanner(res.Body)
}

// lastLine reads to the end.
func lastLine(s *bufio.Scanner) (last string) {
	for s.Scan() {
		if s.Text() != "" {
			last = s.Text()
		}
	}
	return last
}
