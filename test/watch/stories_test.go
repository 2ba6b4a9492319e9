package watch

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/test/watch/door"
	"github.com/cyan-cloud/cyan/watch/canary"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// world is a cloud behind relays, and what canaries need to look at it.
type world struct {
	t       testing.TB
	cloud   *harness.Cloud
	api     *door.Front
	doors   map[sim.Transport]door.Door
	nursery *canary.Nursery
}

func newWorld(t testing.TB, c *harness.Cloud) *world {
	t.Helper()
	w := &world{t: t, cloud: c, api: door.NewFront(t), doors: map[sim.Transport]door.Door{}}
	w.api.Lead(t, c.URL())
	udp, err := door.UDP(t, c.Options.ListenUDP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(udp.Close)
	tcp, err := door.TCP(t, c.Options.ListenTCP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tcp.Close)
	w.doors[sim.UDP], w.doors[sim.TCP] = udp, tcp
	if w.nursery, err = canary.OpenNursery(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	return w
}

// shut sets what is wrong with doors.
func (w *world) shut(f door.Fault, which ...sim.Transport) {
	w.t.Helper()
	for _, transport := range which {
		if err := w.doors[transport].Set(f); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) way(transport sim.Transport) canary.Way {
	w.t.Helper()
	file := map[sim.Transport]string{sim.UDP: app.FilePubEC, sim.TCP: app.FilePubRSA}[transport]
	key, err := os.ReadFile(w.cloud.KeyFile(file))
	if err != nil {
		w.t.Fatal(err)
	}
	return canary.Way{Name: "main-" + transport.String(), Transport: transport, Address: w.doors[transport].Addr(), ServerKey: key}
}

// canary gives a canary with a device that is registered.
func (w *world) canary(transport sim.Transport, number int) canary.Config {
	w.t.Helper()
	who, err := w.nursery.Device("test", transport, number)
	if err == nil {
		api := client.New(client.Config{URL: w.cloud.URL(), Token: w.cloud.Token})
		err = w.nursery.Register(w.t.Context(), api, &who, "canary-"+who.ID.String()[:6])
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return canary.Config{
		Vantage: "test", API: w.api.URL, Token: w.cloud.Token, Username: w.cloud.Welcome.Username, Password: w.cloud.Welcome.Password,
		Way: w.way(transport), Device: who, Deadline: patience,
	}
}

// patience is of runs that have to go well, or to come to the step that fails; fuse
// of those that have to fail in a handshake: long enough to come to it, and far from
// the 20 s after which a device itself ends one.
const (
	patience = 80 * time.Second
	fuse     = 10 * time.Second
)

func names(r *signal.Result) (list []signal.StepName) {
	for _, s := range r.Steps {
		list = append(list, s.Name)
	}
	return list
}

// TestStories go well on a cloud that is well, and say so of every step.
func TestStories(t *testing.T) {
	t.Parallel()
	w := newWorld(t, harness.Start(t, app.Options{}))
	arrive := []signal.StepName{signal.StepResolve, signal.StepConnect, signal.StepHandshake, signal.StepHello, signal.StepSubscribe}
	used := append(slices.Clone(arrive),
		signal.StepAsk, signal.StepOnline, signal.StepDescribe, signal.StepCall, signal.StepVariable, signal.StepStream,
		signal.StepEventOut, signal.StepEventIn, signal.StepGoodbye)
	for i, c := range []struct {
		story     signal.Story
		transport sim.Transport
		want      []signal.StepName
	}{
		{signal.ColdStart, sim.UDP, used},
		{signal.ColdStart, sim.TCP, used},
		{signal.Resume, sim.UDP, append(slices.Clone(arrive), signal.StepResume, signal.StepAsk, signal.StepCall)},
		{signal.Login, sim.UDP, []signal.StepName{signal.StepLogin, signal.StepRevoke}},
		{signal.Publish, sim.UDP, []signal.StepName{signal.StepAsk, signal.StepStream, signal.StepPublish, signal.StepEventOut}},
		{signal.Address, sim.UDP, []signal.StepName{signal.StepResolve, signal.StepConnect, signal.StepAsk}},
	} {
		t.Run(string(c.story)+" "+c.transport.String(), func(t *testing.T) {
			t.Parallel()
			r := canary.Run(t.Context(), w.canary(c.transport, i), c.story)
			if diff := cmp.Diff(c.want, names(&r)); !r.OK || diff != "" {
				t.Errorf("%s %s: %s\n%s", r.Failed, r.Reason, r.Evidence, diff)
			}
			for _, reading := range r.Readings() {
				if !reading.OK {
					t.Errorf("%s is said to fail", reading.Capability)
				}
			}
		})
	}
}

// TestHeld calls a device that stays, and notices when it is gone.
func TestHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, harness.Start(t, app.Options{}))
	cfg := w.canary(sim.TCP, 0)
	h, err := canary.Hold(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.cloud.Online(cfg.Device.ID.String())
	if r := canary.Run(t.Context(), cfg, signal.Held); !r.OK {
		t.Fatalf("%s %s: %s", r.Failed, r.Reason, r.Evidence)
	}
	h.Release(t.Context())
	w.cloud.Until("the device is gone", func() bool { return !w.cloud.Device(cfg.Device.ID.String()).Online })
	r := canary.Run(t.Context(), cfg, signal.Held)
	want := []signal.Reading{{Capability: signal.API, OK: true}, {Capability: signal.Connected}}
	if diff := cmp.Diff(want, r.Readings()); r.OK || r.Failed != signal.StepOnline || diff != "" {
		t.Errorf("%s: %s", r.Failed, diff)
	}
}

// TestFailures breaks one thing after the other, and each time the step fails
// that would, and nothing is said of what was not tried.
func TestFailures(t *testing.T) {
	t.Parallel()
	cloud := harness.Start(t, app.Options{})
	const events = `{"ok":true}`
	for name, c := range map[string]struct {
		story     signal.Story
		transport sim.Transport
		spoil     func(w *world, cfg *canary.Config)
		step      signal.StepName
		reason    string
		accused   signal.Capability
	}{
		"no such name": {
			signal.ColdStart, sim.UDP,
			func(_ *world, cfg *canary.Config) { cfg.Way.Address = nowhere + ":5684" },
			signal.StepResolve, canary.ReasonUnresolved, signal.ConnectUDP,
		},
		"nobody listens on TCP": {
			signal.ColdStart, sim.TCP,
			func(_ *world, cfg *canary.Config) { cfg.Way.Address = nobody },
			signal.StepConnect, canary.ReasonRefused, signal.ConnectTCP,
		},
		"nobody listens on UDP": {
			signal.ColdStart, sim.UDP,
			func(_ *world, cfg *canary.Config) { cfg.Way.Address = nobody },
			signal.StepHandshake, canary.ReasonRefused, signal.ConnectUDP,
		},
		"new connections get no answer on UDP": {
			signal.ColdStart, sim.UDP,
			func(w *world, _ *canary.Config) { w.shut(door.Unanswered, sim.UDP) },
			signal.StepHandshake, canary.ReasonTimeout, signal.ConnectUDP,
		},
		"new connections are accepted and left on TCP": {
			signal.ColdStart, sim.TCP,
			func(w *world, _ *canary.Config) { w.shut(door.Unanswered, sim.TCP) },
			signal.StepHandshake, canary.ReasonTimeout, signal.ConnectTCP,
		},
		"another server's key": {
			signal.ColdStart, sim.TCP,
			func(w *world, cfg *canary.Config) { cfg.Way.ServerKey = otherKey(w.t) },
			signal.StepHandshake, canary.ReasonHandshake, signal.ConnectTCP,
		},
		"the API is down": {
			signal.ColdStart, sim.TCP,
			func(w *world, _ *canary.Config) { w.api.Set(broken(http.MethodGet, "/v1/devices")) },
			signal.StepAsk, "store_unavailable", signal.API,
		},
		"calls fail": {
			signal.ColdStart, sim.TCP,
			func(w *world, _ *canary.Config) { w.api.Set(broken(http.MethodPost, "/canary")) },
			signal.StepCall, "store_unavailable", signal.Calls,
		},
		"calls give something else": {
			signal.ColdStart, sim.TCP,
			func(w *world, _ *canary.Config) { w.api.Set(deaf(http.MethodPost, "/canary", `{"return_value":1}`)) },
			signal.StepCall, canary.ReasonWrong, signal.Calls,
		},
		"variables are of yesterday": {
			signal.ColdStart, sim.TCP,
			func(w *world, _ *canary.Config) {
				w.api.Set(deaf(http.MethodGet, "/canary", `{"cmd":"VarReturn","result":"yesterday"}`))
			},
			signal.StepVariable, canary.ReasonWrong, signal.Variables,
		},
		"no event stream opens": {
			signal.Publish, sim.TCP,
			func(w *world, _ *canary.Config) { w.api.Set(broken(http.MethodGet, "/events/")) },
			signal.StepStream, "store_unavailable", signal.Events,
		},
		"events are taken and reach no stream": {
			signal.Publish, sim.TCP,
			func(w *world, _ *canary.Config) { w.api.Set(deaf(http.MethodPost, "/events", events)) },
			signal.StepEventOut, canary.ReasonTimeout, signal.Events,
		},
		"events are taken and reach no device": {
			signal.ColdStart, sim.TCP,
			func(w *world, _ *canary.Config) { w.api.Set(deaf(http.MethodPost, "/events", events)) },
			signal.StepEventIn, canary.ReasonTimeout, signal.Events,
		},
		"logins fail": {
			signal.Login, sim.TCP,
			func(w *world, _ *canary.Config) { w.api.Set(broken(http.MethodPost, "/oauth/token")) },
			signal.StepLogin, "store_unavailable", signal.API,
		},
		"tokens are not revoked": {
			signal.Login, sim.TCP,
			func(w *world, _ *canary.Config) { w.api.Set(deaf(http.MethodDelete, "/access_tokens", `{"ok":true}`)) },
			signal.StepRevoke, canary.ReasonWrong, signal.API,
		},
		"nobody answers at the public name": {
			signal.Address, sim.TCP,
			func(_ *world, cfg *canary.Config) { cfg.Public = "http://" + nobody },
			signal.StepConnect, canary.ReasonRefused, signal.API,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, cloud)
			cfg := w.canary(c.transport, 0)
			cfg.Deadline = patience
			switch {
			case c.reason == canary.ReasonTimeout && c.step == signal.StepHandshake:
				cfg.Deadline = fuse
			case c.reason == canary.ReasonTimeout:
				cfg.Deadline = patience / 2
			}
			c.spoil(w, &cfg)
			r := canary.Run(t.Context(), cfg, c.story)
			if r.OK || r.Failed != c.step || r.Reason != c.reason || r.Evidence == "" {
				t.Errorf("%s %s: %s", r.Failed, r.Reason, r.Evidence)
			}
			for _, reading := range r.Readings() {
				if reading.OK == (reading.Capability == c.accused) {
					t.Errorf("%s: %v", reading.Capability, reading.OK)
				}
			}
			t.Logf("%s: %s: %s", r.Failed, r.Reason, r.Evidence)
		})
	}
}

// nobody is an address where nobody listens: a port that was free a moment ago may
// be another test's by now.
const nobody = "127.0.0.1:1"

// nowhere is a name that can be nobody's: no server is asked for it, who might not
// answer.
const nowhere = "nowhere..invalid"

// otherKey gives the key of another server.
func otherKey(t testing.TB) []byte {
	t.Helper()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKIXPublicKey(&other.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestBoard calls a board, and restarts it by its own function.
func TestBoard(t *testing.T) {
	t.Parallel()
	cloud := harness.Start(t, app.Options{})
	desk := cloud.Provision(sim.Config{Application: sim.Application{Functions: []sim.Function{{Name: "echo"}}}})
	board := cloud.Run(desk, harness.Wiring{})
	cloud.Online(board.ID)
	cfg := canary.Config{Vantage: "test", API: cloud.URL(), Token: cloud.Token, Deadline: patience, Board: canary.Board{
		Device: board.ID, Function: "echo", Argument: "four", Result: 4,
	}}
	if r := canary.Run(t.Context(), cfg, signal.Physical); !r.OK {
		t.Fatalf("%s %s: %s", r.Failed, r.Reason, r.Evidence)
	}
	cfg.Board.Result = 5
	if r := canary.Run(t.Context(), cfg, signal.Physical); r.OK || r.Failed != signal.StepCall || !strings.Contains(r.Evidence, "gave 4") {
		t.Errorf("%s %s: %s", r.Failed, r.Reason, r.Evidence)
	}
	cfg.Board.Restart, cfg.Board.Hook, cfg.Deadline = true, []string{"/nowhere/relay"}, patience
	if r := canary.Run(t.Context(), cfg, signal.Physical); r.OK || r.Failed != signal.StepRestart || r.Reason != canary.ReasonCanary {
		t.Errorf("%s %s: %s", r.Failed, r.Reason, r.Evidence)
	}
}
