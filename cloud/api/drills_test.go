package api_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/cyan-cloud/cyan/cloud/api/drills"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/drill"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// drills is the world's desk of drills.
func (w *world) drills() *drills.Desk {
	return &drills.Desk{Book: drill.NewBook(func(drill.Drill) {}), Accounts: w.store, Ingress: true}
}

// An administrator begins a drill and ends it; nobody else does, and everybody
// with the watchtower's scope knows of it.
func TestDrills(t *testing.T) {
	w := newWorld(t, nil)
	if got := w.do("POST", "/v1/drills", `{"kind":"new-connections"}`); got.status != http.StatusForbidden {
		t.Errorf("somebody who is no administrator begins one: %d %s", got.status, got.body)
	}
	if got := w.do("DELETE", "/v1/drills/none", ""); got.status != http.StatusForbidden {
		t.Errorf("somebody who is no administrator ends one: %d %s", got.status, got.body)
	}
	var list rest.Drills
	if w.do("GET", "/v1/drills", "").into(t, &list); list.Drills == nil || len(list.Drills) != 0 {
		t.Errorf("%+v", list)
	}
}

// A device is restarted as far as its owner has allowed, and no further.
func TestRestart(t *testing.T) {
	w := newWorld(t, nil)
	var told []string
	w.gateway.Answer(func(_ context.Context, c bus.Call) (bus.Result, error) {
		if c.Kind == bus.Reset {
			told = append(told, c.Argument)
		}
		return bus.Result{}, nil
	})
	for _, c := range []struct {
		allowed, body, code string
		status              int
	}{
		{"off", "", rest.CodeRestartForbidden, http.StatusForbidden},
		{"network", "what=reboot", rest.CodeRestartForbidden, http.StatusForbidden},
		{"network", "", "", http.StatusOK},
		{"reboot", "", "", http.StatusOK},
		{"reboot", "what=network", "", http.StatusOK},
		{"reboot", "what=dfu", rest.CodeBodyMalformed, http.StatusBadRequest},
	} {
		w.update(t, "oven", "restart_when_silent="+c.allowed)
		got := w.do("PUT", "/v1/devices/oven/restart", c.body)
		if got.status != c.status || c.code != "" && got.fault(t).Code != c.code {
			t.Errorf("%s allowed, %q: status %d: %s", c.allowed, c.body, got.status, got.body)
		}
	}
	if len(told) != 3 || told[0] != "network" || told[1] != "reboot" || told[2] != "network" {
		t.Errorf("the device was told %v", told)
	}
}
