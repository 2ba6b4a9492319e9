package tower_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/tower"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// What the cloud counted is read as it is meant, and every minute once.
func TestTheCloudsCountsAreRead(t *testing.T) {
	body := `{"from":"2026-05-31T12:00:00.000Z","until":"2026-05-31T12:01:00.000Z","node":"n1",
		"sessions":{"connected":40,"limbo":2,"routed":39,"stored":70},"sessions_lost":1,"restarts":1,
		"attempts":[{"gateway":"n1","transport":"tcp","product":"13","firmware":"7","network":"203.0.0.0/16","account":"alice","ok":1,"failed":2}],
		"calls":{"ok":3,"failed":4},"api":{"ok":5,"failed":6},"logins":{"ok":7,"failed":8}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != rest.PathSignals || r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	c := tower.NewCounter(server.URL, "secret")
	got, err := c.Traffic(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	want := signal.Traffic{
		From: noon, Until: noon.Add(time.Minute), Connected: 40, Limbo: 2, Stored: 39, Lost: 1, Restarts: 1,
		Attempts: []signal.Slice{{
			Gateway: "n1", Transport: "tcp", Product: "13", Firmware: "7", Network: "203.0.0.0/16", Account: "alice", Tally: signal.Tally{OK: 1, Failed: 2},
		}},
		Calls: signal.Tally{OK: 3, Failed: 4}, API: signal.Tally{OK: 5, Failed: 6}, Logins: signal.Tally{OK: 7, Failed: 8},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := c.Traffic(t.Context()); !errors.Is(err, tower.ErrNothingNew) {
		t.Errorf("the same minute again: %v", err)
	}
	body = `{"from":null,"until":null,"attempts":[]}`
	if _, err := tower.NewCounter(server.URL, "secret").Traffic(t.Context()); !errors.Is(err, tower.ErrNothingNew) {
		t.Errorf("nothing counted yet: %v", err)
	}
}
