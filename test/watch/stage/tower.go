package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/internal/port"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/status"
)

// Tower is `cyan watch`, and what it pages.
type Tower struct {
	*Process

	URL   string
	Data  string // its folder
	Pager *notifytest.Pager
	cloud *Cloud
	args  []string
}

// Watching says how a cloud is watched. The zero value is as an operator
// would, from one place.
type Watching struct {
	Vantages int      // how many look; 0: one
	Deaf     bool     // without the canaries' token: only the public address is looked at
	At       string   // where it listens; empty: any port
	Hurry    bool     // canaries run every two seconds, and may take what a busy machine takes: nothing is measured
	More     []string // flags
}

// Watch starts a watchtower, and the other vantages that report to it.
func (c *Cloud) Watch(name string, how Watching) *Tower {
	t := c.t
	t.Helper()
	w := &Tower{Data: filepath.Join(c.Dir, name), Pager: new(notifytest.Pager), cloud: c}
	phone := httptest.NewServer(w.Pager)
	t.Cleanup(phone.Close)
	at := how.At
	if at == "" {
		at = port.Free(t)
	}
	w.URL = "http://" + at
	key := w.write("vantage.key", "vantages of a stage sign with it")
	settings := w.write("settings.yaml", notifytest.Settings(phone.URL))
	var others []string
	for i := 1; i < how.Vantages; i++ {
		others = append(others, fmt.Sprintf("vantage%d=%s", i+1, key))
	}
	w.args = append(w.looking(name, at, &how), "--config", settings, "--vantages", strings.Join(others, ","))
	w.start()
	for i := range others {
		there := port.Free(t)
		vantage := fmt.Sprintf("vantage%d", i+2)
		more := append(w.looking(name+"-"+vantage, there, &how), "--vantage", vantage, "--report-to", w.URL, "--report-key", key)
		c.Admin.Start(t, filepath.Join(c.Dir, name+"-"+vantage+".log"), more...).Line(t)
	}
	return w
}

// looking gives the flags of one that looks.
func (w *Tower) looking(name, at string, how *Watching) []string {
	c := w.cloud
	folder := filepath.Join(c.Dir, name)
	args := append([]string{
		"watch", "--json", "--watch-data", folder, "--listen-status", at, "--watch-api", c.At.API, "--watch-udp", c.UDP.Addr(),
		"--watch-tcp", c.TCP.Addr(), "--watch-key-udp", c.At.KeyUDP, "--watch-key-tcp", c.At.KeyTCP,
	}, how.More...)
	if how.Hurry {
		args = append(args, "--canary-every", "2s", "--canary-patience", "1m")
	}
	if !how.Deaf {
		token := filepath.Join(folder, "token")
		c.Admin.Must(c.t, "canary", "init", "--out", token)
		args = append(args, "--canary-token-file", token)
	}
	return args
}

// Again starts one that has ended.
func (w *Tower) Again() { w.start() }

func (w *Tower) start() {
	w.cloud.t.Helper()
	w.Process = w.cloud.Admin.Start(w.cloud.t, w.Data+".log", w.args...)
	w.Line(w.cloud.t)
}

func (w *Tower) write(name, text string) string {
	w.cloud.t.Helper()
	path := filepath.Join(w.Data, name)
	err := os.MkdirAll(w.Data, 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		w.cloud.t.Fatal(err)
	}
	return path
}

// Get reads a page of the watchtower.
func (w *Tower) Get(ctx context.Context, path string) ([]byte, error) { return Get(ctx, w.URL+path) }

// Evidence is what programs read of the page.
func (w *Tower) Evidence(ctx context.Context) (*status.Evidence, error) {
	body, err := w.Get(ctx, "/evidence.json")
	if err != nil {
		return nil, err
	}
	e := new(status.Evidence)
	return e, json.Unmarshal(body, e)
}

// Paged is when the pager took a page after from; zero: it took none.
func (w *Tower) Paged(from time.Time) time.Time {
	for _, r := range w.Pager.Requests() {
		var e struct {
			Action string `json:"event_action"`
		}
		if r.At.After(from) && json.Unmarshal(r.Body, &e) == nil && e.Action == "trigger" {
			return r.At
		}
	}
	return time.Time{}
}

const pageMost = 5 * time.Second

// Get reads a URL.
func Get(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, pageMost)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(url + ": " + resp.Status)
	}
	return io.ReadAll(resp.Body)
}
