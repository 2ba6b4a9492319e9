package readers

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim/bench"
	"github.com/cyan-cloud/cyan/sim/bench/usage"
)

// Bench says how the page is read.
type Bench struct {
	For     time.Duration // each path; 0: 10 s
	Readers int           // connections; 0: 16
	Say     bench.Progress
	Serve   []string // makes this program a cloud, such as "bench", "serve"
	Watch   []string // makes it a watchtower, such as "watch"
}

// Result is how the page was read.
type Result struct {
	bench.Run
	Noticed float64 `json:"noticed_s"` // from the cloud's end until the page said so
	Readers int     `json:"readers"`
	Paths   []Path  `json:"paths"`
}

// Path is what became of reading one page.
type Path struct {
	Path     string  `json:"path"`
	Requests int     `json:"requests"`
	Failed   int     `json:"failed"`
	Rate     float64 `json:"per_s"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Max      float64 `json:"max_ms"`
	Bytes    int     `json:"bytes"`
	CPU      float64 `json:"cpu_us"` // of the watchtower, for each
}

// Rows are the figures for people.
func (r *Result) Rows() []bench.Row {
	list := []bench.Row{{Name: "noticed", Value: fmt.Sprintf("%.1f s", r.Noticed), Meaning: "from the cloud's end until the page said so"}}
	for _, p := range r.Paths {
		list = append(list, bench.Row{
			Name: p.Path, Value: fmt.Sprintf("%.0f/s, p99 %.1f ms", p.Rate, p.P99),
			Meaning: fmt.Sprintf("%d requests, %d failed; p50 %.1f ms, at most %.1f ms; %d bytes; %.0f µs of the watchtower each", p.Requests, p.Failed, p.P50, p.Max, p.Bytes, p.CPU),
		})
	}
	return list
}

// read are the pages that are read: what people see, what tools poll, and the
// largest.
var read = []string{"/", "/api/v2/summary.json", "/evidence.json"}

const (
	readFor    = 10 * time.Second
	connection = 16
	soon       = 5 * time.Minute // by then canaries have run, and the cloud's end is known
	each       = 10 * time.Second
)

// Run measures. Both processes end with it.
func (b *Bench) Run(ctx context.Context) (*Result, error) {
	if b.For <= 0 {
		b.For = readFor
	}
	if b.Readers <= 0 {
		b.Readers = connection
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := bench.Start(ctx, b.Serve...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Stop() }() // it says that it was killed
	w, err := b.watch(ctx, s)
	if err != nil {
		return nil, err
	}
	defer w.end()
	b.Say("waiting until the canaries have run")
	if err := w.until(ctx, func(p *page) bool { return len(p.Components) >= 5 }); err != nil {
		return nil, fmt.Errorf("the canaries do not run: %w", err)
	}
	killed := time.Now()
	if process, err := os.FindProcess(s.PID); err != nil || process.Kill() != nil {
		return nil, fmt.Errorf("the cloud cannot be killed: %w", err)
	}
	b.Say("the cloud is dead; waiting until the page says so")
	if err := w.until(ctx, func(p *page) bool { return p.Status.Indicator != "none" }); err != nil {
		return nil, fmt.Errorf("the page does not say that the cloud is dead: %w", err)
	}
	r := &Result{Noticed: time.Since(killed).Seconds(), Readers: b.Readers}
	for _, path := range read {
		p, err := b.read(ctx, w, path)
		if err != nil {
			return nil, err
		}
		r.Paths = append(r.Paths, p)
	}
	r.Run = bench.Ran("page", fmt.Sprintf("a watchtower whose cloud was killed; %d connections that stay open, each path for %v", b.Readers, b.For))
	return r, nil
}

// tower is a watchtower in a process of its own.
type tower struct {
	URL string `json:"url"`

	cmd *exec.Cmd
	dir string
}

// watch starts a watchtower of a cloud.
func (b *Bench) watch(ctx context.Context, s *bench.Server) (*tower, error) {
	token, err := client.New(client.Config{URL: s.API}).Login(ctx, s.Username, s.Password)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := new(tower)
	if w.dir, err = os.MkdirTemp("", "cyan-bench-*"); err != nil { // mode 0700
		return nil, err
	}
	file := func(name string) string { return filepath.Join(w.dir, name) }
	for name, text := range map[string][]byte{"token": []byte(token.AccessToken), "udp.der": s.KeyUDP, "tcp.der": s.KeyTCP} {
		err = errors.Join(err, os.WriteFile(file(name), text, 0o600))
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(w.dir))
	}
	w.cmd = exec.CommandContext(ctx, program, append(slices.Clone(b.Watch), "--json", "--log-level", "error", "--watch-data", w.dir, "--listen-status", "127.0.0.1:0",
		"--watch-api", s.API, "--watch-udp", s.UDP.String(), "--watch-tcp", s.TCP.String(), "--watch-key-udp", file("udp.der"), "--watch-key-tcp", file("tcp.der"),
		"--canary-token-file", file("token"))...) //nolint:gosec // this program
	w.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CYAN_") })
	w.cmd.WaitDelay = time.Second
	out, err := w.cmd.StdoutPipe()
	if err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(w.dir))
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, w)
	}
	if err != nil {
		w.end()
		return nil, fmt.Errorf("the watchtower did not start: %w", err)
	}
	return w, nil
}

func (w *tower) end() {
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait() // it says that it was killed
	_ = os.RemoveAll(w.dir)
}

// page is what is read of the page to know how it is.
type page struct {
	Status     struct{ Indicator string }
	Components []struct{ Status string }
}

// until waits until the page says something.
func (w *tower) until(ctx context.Context, ok func(*page) bool) error {
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	tick := time.NewTicker(each / 20)
	defer tick.Stop()
	for {
		var p page
		body, err := fetch(ctx, http.DefaultClient, w.URL+"/api/v2/summary.json")
		if err == nil && json.Unmarshal(body, &p) == nil && ok(&p) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// read has all readers read one path.
func (b *Bench) read(ctx context.Context, w *tower, path string) (Path, error) {
	b.Say("reading %s", path)
	p := Path{Path: path}
	reader := &http.Client{Timeout: each, Transport: &http.Transport{MaxIdleConnsPerHost: b.Readers, DisableCompression: true}}
	defer reader.CloseIdleConnections()
	before, err := usage.Of(w.cmd.Process.Pid)
	if err != nil {
		return p, err
	}
	var times bench.Times
	var all sync.WaitGroup
	var mu sync.Mutex // guards p
	began := time.Now()
	for range b.Readers {
		all.Go(func() {
			for time.Since(began) < b.For && ctx.Err() == nil {
				asked := time.Now()
				body, err := fetch(ctx, reader, w.URL+path)
				times.Add(time.Since(asked))
				mu.Lock()
				p.Requests++
				if err != nil {
					p.Failed++
				} else {
					p.Bytes = len(body)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	after, err := usage.Of(w.cmd.Process.Pid)
	if err != nil || p.Requests == 0 {
		return p, errors.Join(err, ctx.Err())
	}
	p.Rate = float64(p.Requests) / took.Seconds()
	p.P50, p.P99, p.Max = ms(times.Quantile(0.5)), ms(times.Quantile(0.99)), ms(times.Quantile(1))
	p.CPU = float64((after.CPU - before.CPU).Microseconds()) / float64(p.Requests)
	return p, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// fetch reads a page whole.
func fetch(ctx context.Context, reader *http.Client, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	w, err := reader.Do(r)
	if err != nil {
		return nil, err
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	if err == nil && w.StatusCode != http.StatusOK {
		err = errors.New(url + ": " + w.Status)
	}
	return body, err
}
