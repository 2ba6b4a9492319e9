package journey

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestReservedNames publishes what only the cloud may publish, as a person
// and as a device. Nobody gets it, least of all the order that makes a device
// forget its cloud.
func TestReservedNames(t *testing.T) {
	t.Parallel()
	names := []string{
		"spark/device/key/restore", "Spark/Device/Key/Restore", "spark/device/reset", "spark/status", "sparkle",
		"particle/device/key/restore", "PARTICLE/x", "particle",
	}
	onEach(t, func(t *testing.T, transport sim.Transport) {
		c := harness.Start(t, app.Options{})
		everything := sim.Oven(time.Hour)
		everything.Subscriptions = append(everything.Subscriptions, sim.Subscription{Prefix: ""})
		listener := c.Run(c.Provision(sim.Config{Transport: transport, Application: everything}), harness.Wiring{})
		speaker := c.Run(c.Provision(sim.Config{Transport: transport, Application: sim.Oven(time.Hour)}), harness.Wiring{})
		c.Online(listener.ID)
		c.Online(speaker.ID)
		mine, all := c.Stream(rest.PathMyEvents("")), c.Stream(rest.PathAllEvents("s"))
		mine.Expect(":ok")
		all.Expect(":ok")

		for _, name := range names {
			e := c.Fails(http.StatusForbidden, http.MethodPost, rest.PathPublish, url.Values{"name": {name}, "data": {"forged"}})
			if e.Code != rest.CodeReservedEventName {
				t.Errorf("%s: %+v", name, e)
			}
		}
		for i, name := range names {
			speaker.Tell(sim.Publish{Event: sim.Event{Name: name, Data: []byte("forged")}})
			if i%2 == 1 { // four in a second are all that a device may publish
				speaker.Tell(sim.Publish{Event: sim.Event{Name: "oven/mark", Data: []byte(name)}})
				mine.Expect("event: oven/mark")
				c.Until("the listener has the mark", func() bool { return listener.Notes.Has(name) })
				pause(t)
			}
		}
		publish(t, c.Person, "oven/last", "")
		for _, line := range append(mine.Expect("event: oven/last"), listener.Notes.String(), speaker.Notes.String()) {
			if strings.Contains(line, "forged") || strings.Contains(line, "told") {
				t.Errorf("somebody was given what nobody may say:\n%s", line)
			}
		}
		if c.Call(listener.ID, "setpitf", "1") != 1 {
			t.Error("the listener has forgotten its cloud")
		}
	})
}

// pause lets a second pass, after which a device may publish again.
func pause(t *testing.T) {
	t.Helper()
	select {
	case <-time.After(1100 * time.Millisecond):
	case <-t.Context().Done():
	}
}

// TestStreamLives opens a stream on which nothing happens: it says at once
// that it is open and for what, and then that it lives.
func TestStreamLives(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{})
	id := c.Provision(sim.Config{}).ID.String()
	for path, scope := range map[string]string{
		rest.PathMyEvents(""):           `: {"scope":"mine"}`,
		rest.PathMyEvents("temp"):       `: {"scope":"mine","prefix":"temp"}`,
		rest.PathDeviceEvents(id, ""):   `: {"scope":"device","device":"` + id + `"}`,
		rest.PathAllEvents("weather/x"): `: {"scope":"all","prefix":"weather/x"}`,
	} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			s := c.Stream(path)
			if got := s.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
				t.Errorf("the stream is %q", got)
			}
			want := []string{":ok", "", scope, "", ""} // the last is the sign of life
			for i := range want {
				if got := s.Next(); got != want[i] {
					t.Fatalf("line %d is %q, want %q", i+1, got, want[i])
				}
			}
		})
	}
}

// TestOwnersApart has two owners with a device each: neither sees, hears or
// commands what is the other's, and cannot even tell that it is there.
func TestOwnersApart(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{})
	ada, bob := c.Admit("ada@example.com"), c.Admit("bob@example.com")
	hers := c.Run(ada.Provision(sim.Config{Application: sim.Oven(time.Hour)}), harness.Wiring{})
	his := c.Run(bob.Provision(sim.Config{Application: sim.Oven(time.Hour), Transport: sim.TCP}), harness.Wiring{})
	ada.Online(hers.ID)
	bob.Online(his.ID)

	t.Run("events", func(t *testing.T) {
		adas, bobs, public := ada.Stream(rest.PathMyEvents("")), bob.Stream(rest.PathMyEvents("")), bob.Stream(rest.PathAllEvents("oven/"))
		for _, s := range []*harness.Stream{adas, bobs, public} {
			s.Expect(":ok")
		}
		ada.Call(hers.ID, "say", "hers")
		publish(t, ada, "oven/secret", "of ada")
		status, body := ada.Do(http.MethodPost, rest.PathPublish, url.Values{"name": {"oven/news"}, "data": {"for all"}, "private": {"false"}})
		if status != http.StatusOK {
			t.Errorf("publish: %d %s", status, body)
		}
		bob.Call(his.ID, "say", "his")
		publish(t, bob, "oven/last", "of bob")
		publish(t, ada, "oven/last", "of ada")

		heard := adas.Expect("event: oven/last")
		if !slices.Contains(heard, "event: said") || !slices.Contains(heard, "event: oven/secret") {
			t.Errorf("ada does not hear what is hers:\n%s", strings.Join(heard, "\n"))
		}
		if text := strings.Join(heard, "\n"); strings.Contains(text, his.ID) || strings.Contains(text, "his") {
			t.Errorf("ada hears what is bob's:\n%s", text)
		}
		if text := strings.Join(bobs.Expect("event: oven/last"), "\n"); strings.Contains(text, hers.ID) || strings.Contains(text, "of ada") ||
			strings.Contains(text, "hers") || strings.Contains(text, "news") || !strings.Contains(text, "said") {
			t.Errorf("bob hears\n%s", text)
		}
		// Everybody's public events are for those who ask for them by name.
		if text := strings.Join(public.Expect("event: oven/last"), "\n"); !strings.Contains(text, "event: oven/news") || strings.Contains(text, "secret") {
			t.Errorf("bob asked for what is public and hears\n%s", text)
		}
		if e := bob.Fails(http.StatusBadRequest, http.MethodGet, "/v1/events", nil); e.Code != rest.CodePrefixMissing {
			t.Errorf("the events of all, without a prefix: %+v", e)
		}
		c.Until("her device has its events", func() bool { return hers.Notes.Has("oven/last") })
		c.Until("his device has its events", func() bool { return his.Notes.Has("oven/last") })
		if his.Notes.Has("of ada") || hers.Notes.Has("of bob") {
			t.Errorf("a device hears what is not its owner's:\n%s\n%s", hers.Notes, his.Notes)
		}
	})

	t.Run("devices", func(t *testing.T) {
		const nobodys = "0123456789abcdef01234567"
		var list []rest.Device
		bob.Get(rest.PathDevices, &list)
		if len(list) != 1 || list[0].ID != his.ID {
			t.Errorf("bob's devices are %+v", list)
		}
		for _, ask := range []struct {
			status       int
			method, path string
		}{
			{http.StatusForbidden, http.MethodGet, "/v1/devices/ID"},
			{http.StatusForbidden, http.MethodGet, "/v1/devices/ID/pit"},
			{http.StatusForbidden, http.MethodGet, "/v1/devices/ID/attempts"},
			{http.StatusForbidden, http.MethodGet, "/v1/devices/ID/events"},
			{http.StatusForbidden, http.MethodPut, "/v1/devices/ID/ping"},
			{http.StatusForbidden, http.MethodPost, "/v1/devices/ID/setpitf"},
		} {
			answer := func(id string) rest.Error {
				e := bob.Fails(ask.status, ask.method, strings.Replace(ask.path, "ID", id, 1), nil)
				e.RequestID = ""
				e.Message = strings.ReplaceAll(e.Message, id, "ID")
				e.Description, e.Info = strings.ReplaceAll(e.Description, id, "ID"), strings.ReplaceAll(e.Info, id, "ID")
				return e
			}
			foreign, missing := answer(hers.ID), answer(nobodys)
			if foreign.Message != missing.Message || foreign.Description != missing.Description || foreign.Info != missing.Info ||
				foreign.Code != missing.Code || foreign.Device != nil || foreign.Code != rest.CodeDeviceUnknown {
				t.Errorf("%s: ada's device answers bob %+v, one that does not exist %+v", ask.path, foreign, missing)
			}
		}
		// Registering is the one thing where the two differ: it cannot be done.
		hersAgain := sim.Config{}
		var err error
		if hersAgain.ID, err = sim.ParseID(hers.ID); err != nil {
			t.Fatal(err)
		}
		e := bob.Fails(http.StatusForbidden, http.MethodPost, rest.PathProvision(hers.ID), bob.Registration(c.Equip(hersAgain)))
		if e.Code != rest.CodeNotYours {
			t.Errorf("bob registers ada's device: %+v", e)
		}
		if ada.Call(hers.ID, "setpitf", "2") != 2 {
			t.Error("ada's device is not hers any more")
		}
	})
}
