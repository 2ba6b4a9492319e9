package api_test

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// loopback are the proxies of tests that play one.
func loopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

// What a device says of its health is kept, and can be read.
func TestDiagnostics(t *testing.T) {
	w := newWorld(t, nil)
	asked := make(chan bus.Call, 1)
	w.gateway.Answer(func(_ context.Context, c bus.Call) (bus.Result, error) {
		asked <- c
		return bus.Result{Stage: bus.Answered}, nil
	})
	path := rest.PathDiagnostics("oven")
	if got := w.do("POST", path+"/update", ""); got.status != http.StatusAccepted || got.body != `{"ok":true}` {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if c := <-asked; c.Kind != bus.Describe || c.Flags != 4 || c.Device != oven {
		t.Errorf("the device was asked %+v", c)
	}
	at := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	for i, uptime := range []int32{60, 360} {
		w.publish(event.Event{
			ID: rest.At(at).String(), Name: event.Diagnostics, Device: oven, Owner: alice, HasData: true, Source: event.FromDevice,
			Published: at.Add(time.Duration(i) * 5 * time.Minute), Data: device.VitalsPayload([]device.Metric{{ID: 6, Value: uptime}}),
		})
	}
	var last rest.LastDiagnostics
	w.eventually("both are kept", func() bool {
		got := w.do("GET", path+"/last", "")
		return got.status == http.StatusOK && strings.Contains(got.body, "360")
	})
	w.do("GET", path+"/last", "").into(t, &last)
	if d := last.Diagnostics; d.DeviceID != oven.String() || !d.UpdatedAt.Equal(at.Add(5*time.Minute)) ||
		string(d.Payload) != `{"device":{"system":{"uptime":360}},"service":{"device":{"status":"ok"}}}` {
		t.Errorf("%+v %s", d, d.Payload)
	}
	var history rest.DiagnosticsHistory
	w.do("GET", path, "").into(t, &history)
	if len(history.Diagnostics) != 2 {
		t.Errorf("%+v", history)
	}
	w.do("GET", path+"?end_date=2026-05-31T12:01:00Z&start_date=2026-05-31", "").into(t, &history)
	if len(history.Diagnostics) != 1 || !history.Diagnostics[0].UpdatedAt.Equal(at) {
		t.Errorf("%+v", history)
	}
	csv := w.do("GET", path, "", "Accept: text/csv").body
	want := "updated_at,device.system.uptime,service.device.status\n2026-05-31T12:00:00.000Z,60,ok\n2026-05-31T12:05:00.000Z,360,ok\n"
	if csv != want {
		t.Errorf("got\n%s, want\n%s", csv, want)
	}
	if e := w.asBob("GET", path, "").fault(t); e.Code != rest.CodeDeviceUnknown {
		t.Errorf("somebody else's: %+v", e)
	}
	if e := w.do("POST", rest.PathDiagnostics("old fridge")+"/update", "").fault(t); e.Code != rest.CodeNotConnected {
		t.Errorf("offline: %+v", e)
	}
}

// Behind a proxy, who guesses has to wait, and not everybody behind it.
func TestLockoutBehindProxies(t *testing.T) {
	w := newWorld(t, func(cfg *api.Config) { cfg.MaxLogins, cfg.LoginLockout, cfg.Proxies = 2, time.Hour, loopback() })
	guess := func(from string) int {
		return w.do("POST", "/oauth/token", "grant_type=password&username=alice@example.com&password=wrong", "X-Forwarded-For: "+from).status
	}
	guess("203.0.113.7")
	guess("203.0.113.7")
	if status := guess("203.0.113.7"); status != http.StatusTooManyRequests {
		t.Errorf("the guesser: status %d", status)
	}
	if status := guess("198.51.100.66, 203.0.113.7"); status != http.StatusTooManyRequests {
		t.Errorf("the guesser with an address that he made up: status %d", status)
	}
	if got := w.do("POST", "/oauth/token", goodLogin, "X-Forwarded-For: 198.51.100.1"); got.status != http.StatusOK {
		t.Errorf("alice from elsewhere: %s", got.body)
	}
}
