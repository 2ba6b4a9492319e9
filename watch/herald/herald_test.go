package herald_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/herald"
	"github.com/cyan-cloud/cyan/watch/incident"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/owners"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

const (
	acme, bolt = "5d1f0c2e9ab34c7f8e11", "9e3d7b1a2c4f5e6d7a8b"
	whsec      = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// cloud has the devices of two owners.
type cloud struct {
	mu      sync.Mutex
	offline map[string]bool        // guarded by mu; ids of Acme's devices
	impact  map[string]rest.Impact // guarded by mu; by token
	dead    bool                   // guarded by mu
}

// do changes what it says.
func (c *cloud) do(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

type asked struct {
	*cloud
	token string
}

func (a asked) ImpactBetween(context.Context, time.Time, time.Time) (v rest.Impact, err error) {
	a.do(func() { v = a.impact[a.token] })
	if a.gone() {
		return v, errors.New("connection refused")
	}
	return v, nil
}

func (c *cloud) gone() (dead bool) {
	c.do(func() { dead = c.dead })
	return dead
}

// fleet is how many devices Acme has.
const fleet = 412

func (a asked) Devices(context.Context) (list []rest.Device, err error) {
	if a.gone() {
		return nil, errors.New("connection refused")
	}
	a.do(func() {
		for n := range fleet {
			id := fmt.Sprintf("%024x", n)
			list = append(list, rest.Device{ID: id, Name: rest.Text(fmt.Sprintf("oven-%03d", n)), Connected: !a.offline[id]})
		}
	})
	return list, nil
}

// world is a watchtower's knowledge, a cloud, and what owners hear.
type world struct {
	*herald.Herald
	t          *testing.T
	data       string
	cloud      cloud
	book       *incident.Book
	acme, bolt notifytest.Hook
	end        func()

	mu   sync.Mutex
	seen owners.Seen // guarded by mu
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, data: t.TempDir(), book: incident.NewBook()}
	w.cloud.offline, w.cloud.impact = map[string]bool{}, map[string]rest.Impact{"a": {Devices: fleet}, "b": {Devices: 7}}
	secret, err := base64.StdEncoding.DecodeString(whsec[len("whsec_"):])
	if err != nil {
		t.Fatal(err)
	}
	w.acme.Secret, w.bolt.Secret = secret, secret
	w.seen.Judged = time.Now()
	w.open()
	return w
}

func (w *world) know() owners.Seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

func (w *world) open() {
	w.t.Helper()
	tell := func(host string) []pager.OutletSettings {
		return []pager.OutletSettings{{Type: "webhook", URL: "https://" + host + "/cyan", Secrets: []string{whsec}}}
	}
	pages := []owners.Page{
		{Name: "Acme Ovens", Path: acme, Token: "a", Tell: tell("acme.example.com"), Offline: 5 * time.Minute, Cost: 100},
		{Name: "Bolt", Path: bolt, Token: "b", Tell: tell("bolt.example.com")},
		{Name: "Quiet", Path: acme[:19] + "0", Token: "c"},
	}
	known, err := owners.Open(owners.Config{Pages: pages, Data: w.data, Ask: func(token string) owners.Impacts { return asked{&w.cloud, token} }, Seen: w.know})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Herald, err = herald.Open(herald.Config{
		Pages: pages, Owners: known, Seen: w.know, Data: w.data, URL: "https://status.example.com", Every: time.Minute,
		List:      func(token string) herald.Devices { return asked{&w.cloud, token} },
		Transport: notifytest.Hosts{"acme.example.com": &w.acme, "bolt.example.com": &w.bolt},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { known.Run(ctx); done <- nil }() // ends with end
	synctest.Wait()                             // it forgets an incident that is over
	go func() { done <- w.Run(ctx) }()          // likewise
	w.end = func() {
		cancel()
		if err := errors.Join(<-done, <-done); err != nil {
			w.t.Error(err)
		}
	}
	synctest.Wait()
}

// judge lets the watchtower judge, and time pass.
func (w *world) judge(s signal.Severity, d time.Duration) {
	now := time.Now()
	w.book.Apply(now, []signal.Judgement{{At: now, Since: now.Add(-20 * time.Second), Capability: signal.ConnectTCP, Severity: s, By: signal.ByCanary, Failed: 6, Tried: 6}}, incident.Recovery{})
	w.pass(d)
}

func (w *world) pass(d time.Duration) {
	now := time.Now()
	w.book.Apply(now, nil, incident.Recovery{})
	w.mu.Lock()
	w.seen.Judged, w.seen.Incidents = now, w.book.List()
	w.mu.Unlock()
	w.Rouse()
	<-time.After(d)
	synctest.Wait()
}

// resolve ends the incident.
func (w *world) resolve() {
	w.judge(signal.Operational, 0)
	for range 12 {
		w.pass(time.Minute)
	}
}

// heard lists what an owner was told.
func heard(t *testing.T, h *notifytest.Hook) (list []string) {
	t.Helper()
	for _, r := range h.Taken() {
		var e struct {
			Type string
			Data struct {
				Summary string
				Details []pager.Detail
			}
		}
		if err := json.Unmarshal(r.Body, &e); err != nil {
			t.Fatal(err)
		}
		line := e.Type + " " + e.Data.Summary
		for _, d := range e.Data.Details {
			if d.Name == "alerts held" {
				line += " [" + d.Value + " held]"
			}
		}
		list = append(list, line)
	}
	return list
}

// TestOneMessage: the cloud is at fault, 400 devices of one owner go offline, and
// he hears of it once, at once, with their number; none of theirs is told by
// itself. Who is not hit hears that. At the end each hears how it ended.
func TestOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.end() }()
		w.pass(10 * time.Minute)
		begun := time.Now()
		w.cloud.do(func() {
			for n := range 400 {
				w.cloud.offline[fmt.Sprintf("%024x", n)] = true
			}
			w.cloud.impact["a"] = rest.Impact{Devices: fleet, Hit: 400}
		})
		w.judge(signal.Major, time.Minute)
		if got := w.acme.Taken(); len(got) != 1 || got[0].At.Sub(begun) > time.Minute {
			t.Fatalf("within a minute he hears %v", heard(t, &w.acme))
		}
		w.pass(30 * time.Minute)
		w.end()
		w.open() // what was told outlives the process
		w.pass(30 * time.Minute)
		w.cloud.do(func() {
			for n := range 397 {
				delete(w.cloud.offline, fmt.Sprintf("%024x", n))
			}
			w.cloud.impact["a"] = rest.Impact{Devices: fleet, Hit: 400, Back: 397}
		})
		w.pass(2 * time.Minute)
		w.end()
		w.resolve() // while nobody is there to tell
		w.open()
		want := []string{
			"incident.opened The cloud is disturbed, incident 1: 400 of your 412 devices are affected. We know",
			"incident.resolved The cloud works again: incident 1, for 1 h 3 min; 400 of your devices were hit, 397 of them are back [400 held]",
		}
		if diff := cmp.Diff(want, heard(t, &w.acme)); diff != "" {
			t.Errorf("who is hit hears (-want +got):\n%s", diff)
		}
		for range 60 {
			w.pass(time.Minute)
		}
		want = append(want, "device.offline 3 devices are offline, and did not come back after the disturbance of the cloud")
		if diff := cmp.Diff(want, heard(t, &w.acme)); diff != "" {
			t.Errorf("three are not back (-want +got):\n%s", diff)
		}
		w.cloud.do(func() { clear(w.cloud.offline) })
		w.pass(time.Minute)
		if got := heard(t, &w.acme); len(got) != 4 || got[3] != "device.online Online again" {
			t.Errorf("they are back, and he hears %v", got)
		}
		other := []string{
			"incident.opened The cloud is disturbed, incident 1: none of your 7 devices is known to be hit. We know",
			"incident.resolved The cloud works again: incident 1, for 1 h 3 min; none of your devices is known to have been hit",
		}
		if diff := cmp.Diff(other, heard(t, &w.bolt)); diff != "" {
			t.Errorf("who is not hit hears (-want +got):\n%s", diff)
		}
		if body := string(w.acme.Taken()[0].Body); !strings.Contains(body, "https://status.example.com/i/1") || !strings.Contains(body, "https://status.example.com/o/"+acme) ||
			!strings.Contains(body, `{"name":"devices hit","value":"400"}`) || !strings.Contains(body, "do not reset") && !strings.Contains(body, "Do not reset") {
			t.Errorf("what he is told: %s", body)
		}
	})
}

// TestCloudIsDead: who cannot be counted is told that at once, and the number
// when it can be; an incident that opens again is told again.
func TestCloudIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.end() }()
		w.pass(2 * time.Minute)
		w.cloud.do(func() { w.cloud.dead = true })
		w.judge(signal.Major, 30*time.Minute)
		w.cloud.do(func() { w.cloud.dead, w.cloud.impact["a"] = false, rest.Impact{Devices: fleet, Hit: 90} })
		w.pass(10 * time.Minute)
		w.resolve()
		w.judge(signal.Major, time.Minute)
		want := []string{
			"incident.opened The cloud is disturbed, incident 1: how many of your 412 devices it hits cannot be counted now. We know",
			"incident.updated The cloud is disturbed, incident 1: 90 of your 412 devices are affected. We know",
		}
		got := heard(t, &w.acme)
		if diff := cmp.Diff(want, got[:min(2, len(got))]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(got) != 4 || !strings.HasPrefix(got[2], "incident.resolved ") || !strings.HasPrefix(got[3], "incident.opened ") {
			t.Errorf("it is over, and opens again: %v", got)
		}
	})
}

// TestOffline: while the cloud works, a device that is offline for long is told,
// many at once in one message, and that they are back; who was offline from the
// first, and who comes back soon, is not.
func TestOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.end() }()
		off := func(is bool, numbers ...int) {
			w.cloud.do(func() {
				for _, n := range numbers {
					w.cloud.offline[fmt.Sprintf("%024x", n)] = is
				}
			})
		}
		w.pass(time.Minute)
		off(true, 1)
		w.pass(4 * time.Minute)
		off(false, 1)
		w.pass(10 * time.Minute)
		if got := heard(t, &w.acme); len(got) != 0 {
			t.Errorf("it was offline for 4 minutes: %v", got)
		}
		off(true, 2)
		w.pass(6 * time.Minute)
		w.end()
		w.open()
		w.pass(6 * time.Minute)
		off(false, 2)
		w.pass(time.Minute)
		off(true, 3, 4, 5)
		w.pass(10 * time.Minute)
		off(false, 3, 4)
		w.pass(time.Minute)
		got := heard(t, &w.acme)
		if len(got) != 3 || !strings.HasPrefix(got[0], "device.offline oven-002 is offline since 2000-01-01 00:15 UTC. The cloud works") ||
			got[1] != "device.online Online again" || got[2] != "device.offline 3 devices are offline. The cloud works" {
			t.Errorf("he hears %v", got)
		}
		off(false, 5)
		w.pass(time.Minute)
		if got := heard(t, &w.acme); len(got) != 4 || got[3] != "device.online Online again" {
			t.Errorf("all are back: %v", got)
		}
	})
}

// TestBadOutlet: an outlet that cannot be is said by the owner's name.
func TestBadOutlet(t *testing.T) {
	_, err := herald.Open(herald.Config{Data: t.TempDir(), Pages: []owners.Page{{Name: "Acme", Path: acme, Token: "a", Tell: []pager.OutletSettings{{Type: "pigeon"}}}}})
	if err == nil || !strings.Contains(err.Error(), `owners: "Acme": notify: outlet "pigeon 1": type: there is no "pigeon"`) {
		t.Error(err)
	}
}
