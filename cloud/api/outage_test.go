package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/api/outage"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// desk is the world's desk, which reads a page, if there is one.
func (w *world) desk(known *outage.Known) *outage.Desk {
	return outage.New(outage.Config{
		Counts: outage.NewCounts(time.Now()), Gauges: oneDevice{}, Facts: w.store, Record: w.store, States: w.bus, Known: known, Node: "local",
	})
}

type oneDevice struct{}

func (oneDevice) Count() (connected, limbo int) { return 1, 0 }
func (oneDevice) Routed() int                   { return 1 }

// page is a watchtower's page with one open incident.
func page(t *testing.T, component string) *outage.Known {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"page":{"updated_at":"` + time.Now().UTC().Format(time.RFC3339) + `"},"incidents":[{"id":"i1","name":"New connections fail",
			"shortlink":"https://status.example/incidents/i1","started_at":"2026-05-31T11:00:00Z","components":[{"name":"` + component + `"}]}]}`))
	}))
	t.Cleanup(server.Close)
	k := outage.NewKnown(server.URL, slog.New(slog.DiscardHandler))
	if err := k.Ask(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	return k
}

// An open incident stands in the errors that it explains, and in a header of
// every answer.
func TestOpenIncidentStandsInErrors(t *testing.T) {
	for _, c := range []struct {
		component string
		explains  bool
	}{{"New connections (UDP)", true}, {"Variables", false}} {
		w := newWorld(t, func(cfg *api.Config) {
			cfg.Outage = (&world{store: cfg.Accounts.(*store.Store), bus: cfg.Bus.(*bus.Bus)}).desk(page(t, c.component))
		})
		w.gateway.Answer(func(context.Context, bus.Call) (bus.Result, error) {
			return bus.Result{}, fault.Errorf(fault.Offline, "it is off")
		})
		got := w.do("POST", "/v1/devices/oven/reset", "{}")
		e := got.fault(t)
		if got.status != http.StatusRequestTimeout || (e.Incident != nil) != c.explains {
			t.Errorf("%s: status %d: %s", c.component, got.status, got.body)
		}
		if c.explains && (e.Incident.ID != "i1" || e.Incident.URL != "https://status.example/incidents/i1" || e.Cloud.Status != rest.CloudDegraded) {
			t.Errorf("%s", got.body)
		}
		if h := w.do("GET", "/v1/devices", "").header.Get(rest.HeaderCloudStatus); h != "degraded; incident=i1" {
			t.Errorf("the header is %q", h)
		}
		if e := w.do("GET", "/v1/devices/nothing", "").fault(t); e.Incident != nil {
			t.Error("an incident is claimed for the caller's own mistake")
		}
	}
}

// In a window of maintenance every answer says so and until when; a failure that
// it declared says it in the words that clients print, and when to try again.
func TestMaintenanceStandsInErrors(t *testing.T) {
	ends := time.Now().Add(10 * time.Minute).UTC().Truncate(time.Second)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := time.Now().UTC()
		_, _ = w.Write([]byte(`{"page":{"updated_at":"` + now.Format(time.RFC3339) + `"},"incidents":[],"scheduled_maintenances":[
			{"id":"w1","name":"New front door","shortlink":"https://status.example/maintenance/w1","status":"in_progress","scheduled_for":"` + now.Add(-time.Minute).Format(time.RFC3339) +
			`","scheduled_until":"` + ends.Format(time.RFC3339) + `","components":[{"name":"New connections (UDP)"}]}]}`))
	}))
	t.Cleanup(server.Close)
	known := outage.NewKnown(server.URL, slog.New(slog.DiscardHandler))
	if err := known.Ask(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(cfg *api.Config) {
		cfg.Outage = (&world{store: cfg.Accounts.(*store.Store), bus: cfg.Bus.(*bus.Bus)}).desk(known)
	})
	w.gateway.Answer(func(context.Context, bus.Call) (bus.Result, error) {
		return bus.Result{}, fault.Errorf(fault.Offline, "it is off")
	})
	got := w.do("POST", "/v1/devices/oven/reset", "{}")
	e := got.fault(t)
	words := "announced maintenance may be why: New front door, until " + ends.Format("2006-01-02 15:04:05 UTC")
	if got.status != http.StatusRequestTimeout || !strings.HasPrefix(e.Message, rest.WordsTimedOut) || !strings.Contains(e.Message, words) || !strings.Contains(e.Description, words) {
		t.Errorf("%s", got.body)
	}
	if m := e.Cloud.Maintenance; m == nil || m.ID != "w1" || !m.Ends.Equal(ends) || m.URL != "https://status.example/maintenance/w1" || got.header.Get("Retry-After") != "30" {
		t.Errorf("%s, again after %s s", got.body, got.header.Get("Retry-After"))
	}
	if h := w.do("GET", "/v1/devices", "").header.Get(rest.HeaderCloudStatus); h != "maintenance; window=w1; until="+rest.At(ends).String() {
		t.Errorf("the header is %q", h)
	}
	if got := w.do("GET", "/v1/devices/nothing", ""); strings.Contains(got.body, "maintenance") {
		t.Errorf("maintenance is claimed for the caller's own mistake: %s", got.body)
	}
}

// The owner hears which of his devices were hit, and nothing of other people's.
func TestImpact(t *testing.T) {
	w := newWorld(t, nil)
	at := noon.Add(time.Hour)
	add := func(id device.ID, after time.Duration, o device.Outcome, reason device.Reason, claimed bool) {
		begun := at.Add(after)
		w.store.AddAttempt(device.Attempt{
			ID: id.String() + after.String(), Device: id, Claimed: claimed, Transport: "tcp", Source: "203.0.113.7:1", Started: begun, Ended: begun.Add(time.Second),
			Outcome: o, Reason: reason,
		})
	}
	add(oven, 0, device.Failed, device.KeyStoreUnavailable, false)
	add(oven, time.Minute, device.Failed, device.KeyStoreUnavailable, false)
	add(oven, 2*time.Minute, device.Succeeded, device.ReasonNone, false)
	add(fridge, time.Minute, device.Failed, device.TimeoutWaiting, false) // not ours
	add(blank, time.Minute, device.Failed, device.Overloaded, true)       // a stranger's word
	add(lamp, time.Minute, device.Failed, device.Overloaded, false)       // bob's
	if err := w.store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var v rest.Impact
	got := w.do("GET", rest.PathImpact+"?from=2026-05-31T12:30:00Z&until=2026-05-31T14:00:00Z", "")
	if got.into(t, &v); v.Devices != 3 || v.Hit != 1 || v.Back != 1 {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	h := v.Hits[0]
	if h.Device != oven.String() || h.Failed != 2 || h.Back != rest.BackHandshake || h.Reason != "key_store_unavailable" || !h.From.Equal(at) ||
		!h.Until.Equal(at.Add(2*time.Minute+time.Second)) || h.Proof.Before(h.Until.Time) {
		t.Errorf("%+v", h)
	}
	for query, status := range map[string]int{
		"": 400, "?from=noon": 400, "?incident=i9": 404, "?from=2026-05-31T12:30:00Z&until=2026-05-31T12:00:00Z": 400, "?from=2020-05-31T12:30:00Z": 400,
	} {
		if got := w.do("GET", rest.PathImpact+query, ""); got.status != status {
			t.Errorf("%s: status %d, want %d: %s", query, got.status, status, got.body)
		}
	}
}

// A device that was there before a crash was hit by it; one that came for the first
// time after it was not.
func TestImpactOfACrash(t *testing.T) {
	w := newWorld(t, nil)
	at := noon.Add(time.Hour)
	came := func(id device.ID, after time.Duration) {
		begun := at.Add(after)
		w.store.AddAttempt(device.Attempt{
			ID: id.String() + after.String(), Device: id, Transport: "tcp", Source: "203.0.113.7:1", Started: begun, Ended: begun.Add(time.Second), Outcome: device.Succeeded,
		})
	}
	came(oven, 10*time.Second)
	came(oven, 32*time.Second)
	came(blank, 33*time.Second)
	if err := w.store.AddAnnotation(t.Context(), store.Annotation{At: at.Add(30 * time.Second), Kind: store.KindCrash, Ended: store.UnknownCount}); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var v rest.Impact
	got := w.do("GET", rest.PathImpact+"?from=2026-05-31T13:00:00Z&until=2026-05-31T14:00:00Z", "")
	if got.into(t, &v); v.Hit != 1 || v.Hits[0].Device != oven.String() || v.Hits[0].Reason != "server_restart" || v.Hits[0].Back != rest.BackHandshake {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
}

// The watchtower's token reads the counts, and others do not.
func TestSignalsWantTheirScope(t *testing.T) {
	w := newWorld(t, nil)
	made := w.addService(t, `{"name":"watch","scopes":["`+string(account.SignalsRead)+`"]}`)
	var s rest.Signals
	if got := w.do("GET", rest.PathSignals, "", "Authorization: Bearer "+made.Token); got.status != http.StatusOK {
		t.Fatalf("status %d: %s", got.status, got.body)
	} else if got.into(t, &s); s.Sessions.Connected != 1 || !s.From.IsZero() && s.Restarts != 1 {
		t.Errorf("%s", got.body)
	}
	other := w.login(t, "&scope=devices:list")
	if got := w.do("GET", rest.PathSignals, "", "Authorization: Bearer "+other); got.status != http.StatusForbidden || !strings.Contains(got.body, "signals:read") {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}
