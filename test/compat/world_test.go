//go:build compat

package compat

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	api "github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/live"
)

const username = "oven@example.com"

// world is the program as a process, its bus, two people and their devices.
type world struct {
	dir      string
	url      string
	password string
	me       *api.Client
	token    string // mine
	fresh    string // mine, too, and the cloud has not seen it since

	ready ready
	bus   *server.Server
	wire  *wire // of the device that can be made deaf
	other guarded
	fault string           // that it suffers from now
	mend  func(*testing.T) // ends it
}

// ready is what the program says when it is.
type ready struct {
	API      string
	UDP, TCP []string
	KeyUDP   string `json:"server_key_udp"`
	KeyTCP   string `json:"server_key_tcp"`
	Password string
}

// program builds the program, once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cyan-compat")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "cyan")
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/cyan").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	var err error
	if w.bus, err = server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true}); err != nil {
		t.Fatal(err)
	}
	w.bus.Start()
	t.Cleanup(w.bus.Shutdown)
	w.serve(t)
	w.token = w.grant(t, api.Grant{})
	w.me = api.New(api.Config{URL: w.url, Token: w.token})
	w.wire = newWire(t, w.ready.UDP[0])
	for i, d := range devices {
		w.addDevice(t, i, d)
	}
	w.writeKey(t)
	w.addGuarded(t)
	w.fresh = w.grant(t, api.Grant{})
	return w
}

// serve starts the program.
func (w *world) serve(t *testing.T) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "serve", "--json", "--data", w.data(), "--admin", username, "--nats", w.bus.ClientURL(),
		"--listen-tcp", "127.0.0.1:0", "--listen-udp", "127.0.0.1:0", "--listen-api", "127.0.0.1:0", "--log-level", "error",
		"--api-streams", strconv.Itoa(maxStreams))
	log, err := os.Create(filepath.Join(w.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil && !t.Failed() {
			t.Log("the program: ", err)
		}
	})
	for lines := bufio.NewScanner(stdout); w.ready.Password == "" && lines.Scan(); {
		if err := json.Unmarshal(lines.Bytes(), &w.ready); err != nil {
			t.Fatal(err)
		}
	}
	if w.ready.Password == "" {
		text, _ := os.ReadFile(log.Name())
		t.Fatalf("the program has not started: %s", text)
	}
	w.url, w.password = w.ready.API, w.ready.Password
}

func (w *world) data() string { return filepath.Join(w.dir, "data") }

// fixture is a device of the world.
type fixture struct {
	name      string
	transport sim.Transport
	behaviour sim.Behaviour
	off       bool
	wired     bool // over the wire that can be cut
	never     bool // has not been on
}

var devices = []fixture{
	{name: "oven"},
	{name: "grill", transport: sim.TCP},
	{name: "attic", transport: sim.TCP, off: true},
	{name: "mute", behaviour: sim.AckThenHang},
	{name: "deaf", wired: true},
	{name: "cellar", never: true},
}

// addDevice registers a device, names it and switches it on. One that is off
// was on once.
func (w *world) addDevice(t *testing.T, i int, f fixture) {
	t.Helper()
	id, err := sim.ParseID(deviceID(i))
	if err != nil {
		t.Fatal(err)
	}
	private, public := newKey(t, f.transport)
	if _, err := w.me.Provision(t.Context(), id.String(), public); err != nil {
		t.Fatal("registering ", f.name, ": ", err)
	}
	w.execute(t, fmt.Sprintf("UPDATE devices SET name = '%[1]s', name_key = '%[1]s' WHERE lower(hex(id)) = '%[2]s'", f.name, id))
	if f.never {
		return
	}
	cfg := live.Config{Device: sim.Config{ID: id, Transport: f.transport, Behaviour: f.behaviour, Key: private, Application: application()}}
	cfg.Server = w.ready.UDP[0]
	key := w.ready.KeyUDP
	if f.wired {
		cfg.Server = w.wire.near.LocalAddr().String()
	}
	if f.transport == sim.TCP {
		cfg.Server, key = w.ready.TCP[0], w.ready.KeyTCP
	}
	if cfg.Device.ServerKey, err = os.ReadFile(key); err != nil {
		t.Fatal(err)
	}
	process, err := live.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { // ends with cancel
		defer close(done)
		if err := process.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	off := func() { cancel(); <-done }
	t.Cleanup(off)
	w.until(t, f.name, func(online, described bool) bool {
		return online && (described || f.behaviour != sim.WellBehaved)
	})
	if f.off {
		off()
		w.until(t, f.name, func(online, _ bool) bool { return !online })
	}
}

func deviceID(i int) string { return fmt.Sprintf("0123456789abcdef%08d", i+1) }

// application is the oven, whose event is always the same.
func application() sim.Application {
	app := sim.Oven(0)
	app.Periodic = []sim.Periodic{{Every: time.Second, Event: func(*sim.App) sim.Event {
		return sim.Event{Name: "temps", Data: []byte(`{"target":225}`)}
	}}}
	return app
}

// until waits for a state of a device.
func (w *world) until(t *testing.T, name string, ok func(online, described bool) bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(2 * time.Minute); ; {
		d, err := w.me.Device(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if ok(d.Online, d.Functions != nil) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s does not become what it should: %+v", name, d)
		case <-tick.C:
		}
	}
}

// newKey makes a device's key and its public half.
func newKey(t *testing.T, transport sim.Transport) (private, public []byte) {
	t.Helper()
	private, _, err := sim.GenerateKey(transport, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var half any
	if transport == sim.TCP {
		var k *rsa.PrivateKey
		if k, err = x509.ParsePKCS1PrivateKey(private); err == nil {
			half = &k.PublicKey
		}
	} else {
		var k *ecdsa.PrivateKey
		if k, err = x509.ParseECPrivateKey(private); err == nil {
			half = &k.PublicKey
		}
	}
	if err == nil {
		public, err = x509.MarshalPKIXPublicKey(half)
	}
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

// writeKey writes the public key of a device that nobody knows yet.
func (w *world) writeKey(t *testing.T) {
	t.Helper()
	_, public := newKey(t, sim.TCP)
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	if err := os.WriteFile(filepath.Join(w.dir, "device.pub.pem"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}
