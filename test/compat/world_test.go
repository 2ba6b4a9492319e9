//go:build compat

package compat

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	_ "modernc.org/sqlite"

	api "github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/live"
)

const username = "oven@example.com"

// world is the program as a process, its bus, a person and four devices.
type world struct {
	dir      string
	url      string
	password string
	me       *api.Client
	token    string // mine

	ready ready
	bus   *server.Server
	fault string // that it suffers from now
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
	w.token = w.login(t)
	w.me = api.New(api.Config{URL: w.url, Token: w.token})
	for i, d := range devices {
		w.addDevice(t, i, d)
	}
	w.writeKey(t)
	return w
}

// login gives another token.
func (w *world) login(t *testing.T) string {
	t.Helper()
	token, err := api.New(api.Config{URL: w.url}).Login(t.Context(), username, w.password)
	if err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

// serve starts the program.
func (w *world) serve(t *testing.T) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "serve", "--json", "--data", w.data(), "--admin", username, "--nats", w.bus.ClientURL(),
		"--listen-tcp", "127.0.0.1:0", "--listen-udp", "127.0.0.1:0", "--listen-api", "127.0.0.1:0", "--log-level", "error")
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
}

var devices = []fixture{
	{name: "oven"},
	{name: "grill", transport: sim.TCP},
	{name: "attic", transport: sim.TCP, off: true},
	{name: "mute", behaviour: sim.AckThenHang},
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
	cfg := live.Config{Device: sim.Config{ID: id, Transport: f.transport, Behaviour: f.behaviour, Key: private, Application: application()}}
	cfg.Server = w.ready.UDP[0]
	key := w.ready.KeyUDP
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

// home gives a person's home folder. The owner's begins empty; who is a
// stranger has a bad token, and a newcomer none.
func (w *world) home(t *testing.T, who string) string {
	t.Helper()
	home := filepath.Join(w.dir, "home-"+who)
	if _, err := os.Stat(home); err == nil {
		return home
	}
	folder := filepath.Join(home, ".particle")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"apiUrl": w.url}
	switch who {
	case "":
		return home
	case "stranger":
		settings["access_token"], settings["username"] = badToken, username
	}
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "particle.config.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

const badToken = "0000000000000000000000000000000000000000"

// variables are the words with a dollar in a scenario's command, and the
// token of who runs it.
func (w *world) variables(t *testing.T, s scenario) map[string]string {
	t.Helper()
	v := map[string]string{"CLOUD": w.url, "USERNAME": username, "PASSWORD": w.password, "WORK": w.dir, "TOKEN": w.token}
	if s.as == "stranger" {
		v["TOKEN"] = badToken
	}
	if strings.Contains(s.run, "$SPARE") {
		v["SPARE"] = w.login(t)
	}
	return v
}

// suffer breaks something, and mends what was broken before. A bus that is
// down stays so.
func (w *world) suffer(t *testing.T, fault string) {
	t.Helper()
	if fault == w.fault {
		return
	}
	switch w.fault {
	case "tokens", "devices":
		w.execute(t, fmt.Sprintf("ALTER TABLE %s_hidden RENAME TO %[1]s", w.fault))
	case "bus":
		t.Fatal("the bus does not come back: its scenarios are the last")
	}
	switch fault {
	case "tokens", "devices":
		w.execute(t, fmt.Sprintf("ALTER TABLE %s RENAME TO %[1]s_hidden", fault))
	case "bus":
		w.bus.Shutdown()
		w.bus.WaitForShutdown()
	}
	w.fault = fault
}

// execute changes the database behind the program's back.
func (w *world) execute(t *testing.T, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.data(), "cyan.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(statement, ": ", err)
	}
}
