// Package harness is a whole cloud in one test: every room, real sockets on
// loopback, a fresh data folder, an administrator who is logged in, and
// virtual devices. What a test starts ends with it.
package harness

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/internal/testlog"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/live"
)

// Cloud is a cloud that runs.
type Cloud struct {
	*app.App

	Options app.Options
	Token   string // of the administrator

	t        testing.TB
	password string
}

// Start starts a cloud. Listening addresses that o leaves empty become free
// ports of 127.0.0.1.
func Start(t testing.TB, o app.Options) *Cloud {
	t.Helper()
	if o.Data == "" {
		o.Data = filepath.Join(t.TempDir(), "data")
	}
	for _, a := range []*string{&o.ListenTCP, &o.ListenUDP, &o.ListenAPI} {
		if *a == "" {
			*a = "127.0.0.1:0"
		}
	}
	if o.Logger == nil {
		o.Logger = testlog.New(t)
	}
	c := &Cloud{Options: o, t: t}
	c.start()
	c.password = c.Welcome.Password
	c.Token = c.login()
	t.Cleanup(func() { c.stop() })
	return c
}

func (c *Cloud) start() {
	c.t.Helper()
	a, err := app.New(context.Background(), c.Options)
	if err != nil {
		c.t.Fatal("starting a cloud:", err)
	}
	c.App = a
	// From now on the cloud is found where it was.
	addrs := a.Addrs()
	if len(addrs.TCP) > 0 {
		c.Options.ListenTCP = addrs.TCP[0].String()
	}
	if len(addrs.UDP) > 0 {
		c.Options.ListenUDP = addrs.UDP[0].String()
	}
	c.Options.ListenAPI = addrs.API[0].String()
}

func (c *Cloud) stop() {
	if err := c.App.Stop(context.Background()); err != nil {
		c.t.Error("stopping the cloud:", err)
	}
}

// Restart stops the cloud and starts it anew on the same data and ports.
func (c *Cloud) Restart() {
	c.t.Helper()
	c.stop()
	c.start()
}

func (c *Cloud) login() string {
	c.t.Helper()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	form := url.Values{
		"grant_type": {"password"}, "username": {c.Welcome.Username}, "password": {c.password},
		"client_id": {"test"}, "client_secret": {"test"},
	}
	resp, err := http.PostForm(c.URL()+"/oauth/token", form)
	if err != nil {
		c.t.Fatal("logging in:", err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		c.t.Fatalf("logging in: status %d, %v", resp.StatusCode, err)
	}
	return answer.AccessToken
}

// Do asks the HTTP API for something and gives the status and the body. form
// may be nil.
func (c *Cloud) Do(method, path string, form url.Values) (status int, body string) {
	c.t.Helper()
	var in io.Reader
	if form != nil {
		in = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.URL()+path, in)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(method, path, err)
	}
	return resp.StatusCode, string(b)
}

// Get is Do with GET, whose answer must be 200 and is read into v.
func (c *Cloud) Get(path string, v any) {
	c.t.Helper()
	status, body := c.Do(http.MethodGet, path, nil)
	if status != http.StatusOK {
		c.t.Fatalf("GET %s: %d %s", path, status, body)
	}
	if err := json.Unmarshal([]byte(body), v); err != nil {
		c.t.Fatalf("GET %s: %v in %s", path, err, body)
	}
}

// Stream opens an event stream and gives its lines as they come. It ends with
// the test.
func (c *Cloud) Stream(path string) <-chan string {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.URL()+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(path, err)
	}
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("GET %s: %s", path, resp.Status)
	}
	lines := make(chan string, 1000)
	go func() { // ends when the test's context closes the body
		defer close(lines)
		defer resp.Body.Close()
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return lines
}

// Device is a virtual device and what it shows.
type Device struct {
	*live.Process

	ID     string
	Lights *Notes
	Notes  *Notes
	cancel context.CancelFunc
	done   chan struct{}
}

// Unplug cuts the device's power and waits until it is off.
func (d *Device) Unplug() {
	d.cancel()
	<-d.done
}

// Provision makes a key for the device, registers it, and gives the device's
// configuration filled in.
func (c *Cloud) Provision(cfg sim.Config) sim.Config {
	c.t.Helper()
	cfg = c.Equip(cfg)
	_, public, err := publicOf(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	algorithm := "ecc"
	if cfg.Transport == sim.TCP {
		algorithm = "rsa"
	}
	status, body := c.Do(http.MethodPost, "/v1/provisioning/"+cfg.ID.String(), url.Values{
		"deviceID": {cfg.ID.String()}, "algorithm": {algorithm}, "filename": {"test"},
		"publicKey": {string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))},
	})
	if status != http.StatusOK {
		c.t.Fatalf("provisioning: %d %s", status, body)
	}
	return cfg
}

// Equip gives a device an identity and keys; nobody has heard of them.
func (c *Cloud) Equip(cfg sim.Config) sim.Config {
	c.t.Helper()
	if cfg.ID == (sim.ID{}) {
		_, _ = rand.Read(cfg.ID[:])
	}
	file := app.FilePubEC
	if cfg.Transport == sim.TCP {
		file = app.FilePubRSA
	}
	var err error
	if cfg.Key == nil {
		if cfg.Key, _, err = sim.GenerateKey(cfg.Transport, rand.Reader); err != nil {
			c.t.Fatal(err)
		}
	}
	if cfg.ServerKey, err = os.ReadFile(filepath.Join(c.Keys.Dir, file)); err != nil {
		c.t.Fatal(err)
	}
	return cfg
}

// Run switches a device on. at says where it connects; empty: to this cloud.
func (c *Cloud) Run(cfg sim.Config, at, memory string) *Device {
	c.t.Helper()
	if at == "" {
		at = c.Options.ListenUDP
		if cfg.Transport == sim.TCP {
			at = c.Options.ListenTCP
		}
	}
	d := &Device{ID: cfg.ID.String(), Lights: newNotes(), Notes: newNotes(), done: make(chan struct{})}
	p, err := live.New(live.Config{
		Device: cfg, Server: at, MemoryFile: memory,
		OnLED:  func(_ time.Time, led sim.LED) { d.Lights.add(led.String()) },
		OnNote: func(_ time.Time, _ sim.Level, text string) { d.Notes.add(text) },
	})
	if err != nil {
		c.t.Fatal("making a device:", err)
	}
	d.Process = p
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	go func() { // ends with Unplug
		defer close(d.done)
		if err := p.Run(ctx); err != nil {
			d.Notes.add("error: " + err.Error())
		}
	}()
	c.t.Cleanup(d.Unplug)
	return d
}

// Until asks again and again until ok says yes, and fails the test when it
// never does.
func (c *Cloud) Until(what string, ok func() bool) {
	c.t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			c.t.Fatal("waited in vain until ", what)
		case <-tick.C:
		}
	}
}

// Online waits until the API says that the device is online.
func (c *Cloud) Online(id string) {
	c.t.Helper()
	c.Until("the device is online", func() bool {
		status, body := c.Do(http.MethodGet, "/v1/devices/"+id, nil)
		return status == http.StatusOK && strings.Contains(body, `"online":true`) && strings.Contains(body, `"functions":[`)
	})
}

// Expect waits for a line of a stream that contains all of the words.
func (c *Cloud) Expect(lines <-chan string, words ...string) string {
	c.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				c.t.Fatalf("the stream ended before a line with %q", words)
			}
			if containsAll(line, words) {
				return line
			}
		case <-deadline:
			c.t.Fatalf("no line with %q came", words)
		}
	}
}

func containsAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}

// String names the cloud in a test's output.
func (c *Cloud) String() string { return fmt.Sprintf("cloud at %s", c.URL()) }
