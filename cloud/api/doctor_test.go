package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestDoctor examines devices through the whole API: also one that is not here
// gets a verdict.
func TestDoctor(t *testing.T) {
	w := newWorld(t, nil)
	verdict := func(name string) rest.Verdict {
		t.Helper()
		var v rest.Verdict
		got := w.do("GET", rest.PathDoctor(name), "")
		if got.status != http.StatusOK {
			t.Fatalf("%s: status %d: %s", name, got.status, got.body)
		}
		got.into(t, &v)
		if v.Says == "" || v.Next == "" || len(v.Evidence) == 0 && v.Verdict != "not_provisioned" {
			t.Errorf("%s: %+v", name, v)
		}
		return v
	}
	want := func(name, cause string, exit int) {
		t.Helper()
		if v := verdict(name); v.Verdict != cause || v.ExitCode != exit {
			t.Errorf("%s: %s, exit %d, %q; want %s, %d", name, v.Verdict, v.ExitCode, v.Says, cause, exit)
		}
	}
	want("oven", "ok", 0)
	want("old fridge", "network", 11)
	want("e00fce680000000000000099", "not_provisioned", 15)
	want(lamp.String(), "not_provisioned", 15) // bob's: nothing of it is told
	if got := w.do("GET", rest.PathDoctor("nobody"), ""); got.status != http.StatusForbidden {
		t.Errorf("a name that nobody has: status %d", got.status)
	}

	now := time.Now().UTC()
	for i := range 3 {
		w.store.AddAttempt(device.Attempt{
			ID: "a" + string(rune('0'+i)), Device: fridge, Transport: "udp", Source: "203.0.113.9:1", Started: now.Add(-time.Duration(i) * time.Minute),
			Ended: now.Add(-time.Duration(i) * time.Minute), Outcome: device.Failed, Reason: device.KeyMismatch, Detail: "another key",
		})
	}
	if err := w.store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := verdict("old fridge")
	if v.Verdict != "keys" || !strings.Contains(strings.Join(v.Evidence, "\n"), "3 identical attempts") {
		t.Errorf("%+v", v)
	}

	w.store.Close() // then nobody can tell whose token it is either, and that is the verdict
	if got := w.do("GET", rest.PathDoctor("oven"), ""); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, rest.CodeStoreUnavailable) {
		t.Errorf("with the store down: status %d: %s", got.status, got.body)
	}
}

// TestRestartWhenSilent keeps what an owner allows.
func TestRestartWhenSilent(t *testing.T) {
	w := newWorld(t, nil)
	for _, word := range []string{"reboot", "network", "off"} {
		u := w.update(t, "oven", "restart_when_silent="+word)
		var d rest.Device
		w.do("GET", rest.PathDevice("oven"), "").into(t, &d)
		if u.Restart == nil || *u.Restart != word || d.Restart != word {
			t.Errorf("%s: %+v, and then %q", word, u, d.Restart)
		}
	}
	if got := w.do("PUT", rest.PathDevice("oven"), "restart_when_silent=explode"); got.status != http.StatusBadRequest {
		t.Errorf("a word that means nothing: status %d: %s", got.status, got.body)
	}
}
