package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/bus/bustest"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/cloud/store/eventlog"
	"github.com/cyan-cloud/cyan/wire/rest"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	alice    account.ID = "5f0000000000000000000001"
	bob      account.ID = "5f0000000000000000000002"
	password            = "correct horse"
	token               = "0123456789abcdef0123456789abcdef01234567" // alice's
	bobToken            = "fedcba9876543210fedcba9876543210fedcba98"
)

var (
	oven   = device.ID{0xe0, 0x0f, 0xce, 0x68, 11: 1} // alice's, online
	fridge = device.ID{0xe0, 0x0f, 0xce, 0x68, 11: 2} // alice's, offline
	blank  = device.ID{0xe0, 0x0f, 0xce, 0x68, 11: 3} // alice's, never seen, without a name
	lamp   = device.ID{0xe0, 0x0f, 0xce, 0x68, 11: 4} // bob's
	noon   = time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
)

// hashed is the hash of password, made once: it is slow by design.
var hashed = account.HashPassword(password, [account.SaltSize]byte{1})

// world is an API on a real store and a real bus, with a gateway that says
// what the test wants.
type world struct {
	t       testing.TB
	url     string
	api     *api.API
	store   *store.Store
	bus     *bus.Bus
	gateway *bustest.Gateway
	metrics *prometheus.Registry
}

// newWorld starts a world; change may be nil.
func newWorld(t testing.TB, change func(*api.Config)) *world {
	t.Helper()
	w := &world{t: t, gateway: new(bustest.Gateway), metrics: prometheus.NewRegistry()}
	var err error
	if w.store, err = store.Open(t.Context(), store.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	w.fill()
	if w.bus, err = bus.Open(t.Context(), bus.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.bus.Close() })
	stop, err := w.bus.Serve(w.gateway)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	w.bus.Holding(oven)
	w.gateway.SetState(oven, device.State{
		Word: device.Online, Since: noon.Add(time.Minute), LastSeen: noon.Add(time.Hour), ProvenAt: noon.Add(time.Hour),
		KeepAlive: 25 * time.Second, Transport: "udp", Address: "203.0.113.7:40001",
	})
	w.gateway.SetState(fridge, device.State{Word: device.Offline, Since: noon, Reason: device.PeerClosed})
	w.gateway.Answer(w.answer)
	cfg := api.Config{
		Accounts: w.store, Tokens: w.store, Devices: w.store, Owners: w.store, Codes: w.store, Keys: w.store,
		Profiles: w.store, Factors: w.store, Tickets: w.store, Services: w.store, Audit: w.store, Transfers: w.store, Vitals: w.store, Outage: w.desk(nil), Drills: w.drills(), Fleet: w.fleet(), Bus: w.bus, Feed: w.bus, Registerer: w.metrics, Gatherer: w.metrics,
	}
	if change != nil {
		change(&cfg)
	}
	if w.api, err = api.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.api.Close)
	server := httptest.NewUnstartedServer(nil)
	server.Config = w.api.Server()
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(w.api.Close) // streams would hold the server up
	w.url = server.URL
	return w
}

// fill puts two people and their devices into the store.
func (w *world) fill() {
	w.t.Helper()
	ctx := w.t.Context()
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	for id, name := range map[account.ID]string{alice: "alice@example.com", bob: "bob@example.com"} {
		must(w.store.CreateUser(ctx, account.User{ID: id, Username: name, PasswordHash: hashed, Created: noon}))
	}
	must(w.store.AddToken(ctx, account.Token{Hash: account.HashToken(token), User: alice, Client: "test", Created: noon}))
	must(w.store.AddToken(ctx, account.Token{Hash: account.HashToken(bobToken), User: bob, Client: "test", Created: noon}))
	for id, owner := range map[device.ID]account.ID{oven: alice, fridge: alice, blank: alice, lamp: bob} {
		key := device.Key{Algorithm: device.ECC, SPKI: append([]byte("key of "), id[:]...), Added: noon.Add(-time.Hour)}
		must(w.store.Provision(ctx, id, key, owner))
	}
	must(w.store.Rename(ctx, oven, alice, "Oven"))
	must(w.store.Rename(ctx, fridge, alice, "old fridge"))
	must(w.store.Rename(ctx, lamp, bob, "lamp"))
	for i, id := range []device.ID{oven, fridge} {
		w.store.Seen(store.DeviceUpdate{
			Device: id, Heard: noon, Handshake: noon.Add(-time.Duration(i) * time.Minute), Address: "203.0.113.7:40000",
			Hello: &store.HelloFacts{ProductID: 13, PlatformID: 13, System: 6200},
			Describe: &device.Describe{
				Functions: []string{"setpitf", "reset"},
				Variables: []device.Variable{{Name: "temps", Type: device.String}, {Name: "count", Type: device.Int32}},
			},
			Described: noon,
		})
	}
	must(w.store.Flush(ctx))
}

// answer is what the devices do with calls.
func (w *world) answer(_ context.Context, c bus.Call) (bus.Result, error) {
	res := bus.Result{
		Stage: bus.Answered, RoundTrip: 12 * time.Millisecond,
		State: device.State{Word: device.Online, Since: noon, LastSeen: noon.Add(2 * time.Hour), Transport: "udp"},
	}
	switch c.Kind {
	case bus.Function:
		res.Return = int32(len(c.Argument))
	case bus.Variable:
		res.Value = map[string]bus.Value{
			"count": bus.Int32Value(-7), "temps": bus.TextValue("21 <°C>"), "on": bus.BoolValue(true), "exact": bus.DoubleValue(21.5),
		}[c.Name]
	}
	return res, nil
}

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request as alice; the body may be a form or JSON. headers are
// "Name: value".
func (w *world) do(method, path, body string, headers ...string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("X-Request-Id", "test")
	req.Header.Set("Authorization", "Bearer "+token)
	if strings.HasPrefix(body, "{") {
		req.Header.Set("Content-Type", "application/json")
	} else if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if value == "" {
			req.Header.Del(name)
		} else {
			req.Header.Set(name, value)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

// into reads the answer's JSON.
func (r reply) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
}

// fault reads the answer's error, which every answer but 2xx must have.
func (r reply) fault(t *testing.T) rest.Error {
	t.Helper()
	var e rest.Error
	r.into(t, &e)
	if r.status < 400 || e.OK || e.Message == "" || e.Description == "" || e.Code == "" || e.RequestID != "test" ||
		!strings.HasPrefix(r.header.Get("Content-Type"), "application/json") {
		t.Errorf("status %d: an error without all that it needs: %s", r.status, r.body)
	}
	return e
}

// golden compares the answer's JSON with a file.
func (r reply) golden(t *testing.T, name string) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(r.body), "", "  "); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	pretty.WriteByte('\n')
	file := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
		t.Error(diff)
	}
}

// seenNow is what the store hears of a device that has just spoken.
func seenNow(id device.ID) store.DeviceUpdate {
	return store.DeviceUpdate{Device: id, Heard: time.Now()}
}

// eventually waits until ok.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(time.Minute); !ok(); <-tick.C {
		if time.Now().After(limit) {
			w.t.Fatalf("it never happened: %s", what)
		}
	}
}

// openLog opens a history of events.
func openLog(t *testing.T) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(t.Context(), eventlog.Config{Path: filepath.Join(t.TempDir(), "events.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}
