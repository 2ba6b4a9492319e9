package tower_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/canary"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/tower"
)

// watcher remembers what a tower says.
type watcher struct {
	mu     sync.Mutex
	runs   []signal.Result
	judged []signal.Judgement
	more   chan struct{}
}

func newWatcher() *watcher { return &watcher{more: make(chan struct{}, 10_000)} }

func (w *watcher) Noted(r *signal.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runs = append(w.runs, *r)
	w.more <- struct{}{}
}

func (w *watcher) Judged(_ time.Time, changed []signal.Judgement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.judged = append(w.judged, changed...)
	if len(changed) > 0 {
		w.more <- struct{}{}
	}
}

// until waits until what was said is enough.
func (w *watcher) until(t testing.TB, what string, enough func() bool) {
	t.Helper()
	over := time.After(90 * time.Second)
	for {
		w.mu.Lock()
		ok := enough()
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-w.more:
		case <-over:
			t.Fatal("waited in vain until ", what)
		}
	}
}

// cloud is a cloud that says that it is well, or not.
type cloud struct {
	*httptest.Server
	mu     sync.Mutex
	status int
}

func newCloud(t testing.TB) *cloud {
	c := &cloud{status: http.StatusOK}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		w.WriteHeader(c.status)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *cloud) say(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

// watching is a tower that runs.
func watching(t testing.TB, cfg tower.Config) *tower.Tower {
	t.Helper()
	if cfg.Data == "" {
		cfg.Data = t.TempDir()
	}
	if cfg.Canaries.Interval == 0 {
		cfg.Canaries.Interval, cfg.Canaries.Quick = 200*time.Millisecond, 50*time.Millisecond
	}
	cfg.Listen = "127.0.0.1:0"
	w, err := tower.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error("the tower ended with ", err)
		}
	})
	return w
}

func at(url string) canary.RunnerConfig { return canary.RunnerConfig{Canary: canary.Config{API: url}} }

// TestTower finds out that the API has gone, tells, writes it down and says it
// at its door.
func TestTower(t *testing.T) {
	t.Parallel()
	c, out, data := newCloud(t), newWatcher(), t.TempDir()
	w := watching(t, tower.Config{Data: data, Canaries: at(c.URL), Outlets: []tower.Outlet{out}})
	out.until(t, "a canary comes back", func() bool { return len(out.runs) > 0 && out.runs[0].OK })
	c.say(http.StatusInternalServerError)
	out.until(t, "it is judged, at last that every run fails", func() bool {
		for _, v := range out.judged {
			if v.Capability == signal.API && v.Severity == signal.Major && v.Reason == canary.ReasonStatus {
				return true
			}
		}
		return false
	})
	s := w.State()
	if len(s.Capabilities) != 1 || s.Capabilities[0].Severity != signal.Major.String() || s.Failed == 0 || len(s.Latest) != 1 {
		t.Errorf("%+v", s)
	}
	var served tower.State
	read(t, "http://"+w.Addr()+"/watch.json", http.StatusOK, &served)
	if diff := cmp.Diff(s.Capabilities, served.Capabilities); diff != "" {
		t.Error(diff)
	}
	var h tower.Health
	if read(t, "http://"+w.Addr()+"/healthz", http.StatusOK, &h); !h.OK {
		t.Errorf("a watchtower that sees an outage is itself well: %+v", h)
	}
	failed, judged := 0, 0
	err := w.Ledger().Since(time.Time{}, func(r tower.Record) error {
		if r.Result != nil && r.Result.Evidence != "" {
			failed++
		}
		if r.Judged != nil {
			judged++
		}
		return nil
	})
	if err != nil || failed < 4 || judged == 0 {
		t.Errorf("%d failures and %d judgements are written down, %v", failed, judged, err)
	}
}

func read(t testing.TB, url string, status int, v any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != status {
		t.Fatalf("%s: %s", url, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		t.Fatal(err)
	}
}

// TestEveryRunIsWrittenDown, those that go well by the minute and at the end.
func TestEveryRunIsWrittenDown(t *testing.T) {
	t.Parallel()
	c, out, data := newCloud(t), newWatcher(), t.TempDir()
	cfg := tower.Config{Data: data, Canaries: at(c.URL), Outlets: []tower.Outlet{out}}
	cfg.Canaries.Interval = 100 * time.Millisecond
	w, err := tower.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	out.until(t, "five runs are over", func() bool { return len(out.runs) >= 5 })
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	again, err := tower.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Ledger().Close()
	kept := 0
	err = again.Ledger().Since(time.Time{}, func(r tower.Record) error {
		if r.Good != nil && r.Good.Story == signal.Address && len(r.Good.Steps) == 3 {
			kept += len(r.Good.Runs)
		}
		return nil
	})
	if err != nil || kept != len(out.runs) {
		t.Errorf("%d runs of %d are written down, %v", kept, len(out.runs), err)
	}
}

// TestVantages: another vantage's failures count, if they are signed with its
// key, and an outage that only one of two sees is none.
func TestVantages(t *testing.T) {
	t.Parallel()
	sick, well, out := newCloud(t), newCloud(t), newWatcher()
	sick.say(http.StatusBadGateway)
	key := []byte("a key of the vantage oslo")
	centre := watching(t, tower.Config{
		Vantage: "paris", Canaries: at(well.URL), Outlets: []tower.Outlet{out}, Reporters: map[string][]byte{"oslo": key},
	})
	// Where only one has been heard yet, what he sees has to do.
	out.until(t, "the centre sees by itself", func() bool { return len(out.runs) > 0 })
	watching(t, tower.Config{Vantage: "oslo", Canaries: at(sick.URL), ReportTo: "http://" + centre.Addr(), ReportKey: key})
	watching(t, tower.Config{Vantage: "oslo", Canaries: at(sick.URL), ReportTo: "http://" + centre.Addr(), ReportKey: []byte("another")})
	watching(t, tower.Config{Vantage: "rome", Canaries: at(sick.URL), ReportTo: "http://" + centre.Addr(), ReportKey: key})
	from := func(v string) (n int) {
		for _, r := range out.runs {
			if r.Vantage == v {
				n++
			}
		}
		return n
	}
	out.until(t, "both have been heard", func() bool { return from("oslo") > 20 && from("paris") > 20 })
	out.mu.Lock()
	if from("rome") > 0 {
		t.Error("a vantage that nobody knows is believed")
	}
	seen := map[string]bool{}
	for _, r := range out.runs {
		if seen[r.ID] {
			t.Errorf("%s counts twice", r.ID)
		}
		seen[r.ID] = true
	}
	for _, v := range out.judged {
		if v.Severity >= signal.Partial {
			t.Errorf("one vantage of two, and it is an outage: %+v", v)
		}
	}
	out.mu.Unlock()
	well.say(http.StatusBadGateway)
	out.until(t, "both see it", func() bool {
		for _, v := range out.judged {
			if v.Severity >= signal.Partial && v.Vantages == 2 {
				return true
			}
		}
		return false
	})
}

// TestBlind: a vantage whose controls do not answer either says that it is
// blind, and nothing of the cloud.
func TestBlind(t *testing.T) {
	t.Parallel()
	c, control, out := newCloud(t), newCloud(t), newWatcher()
	cfg := tower.Config{Canaries: at(c.URL), Outlets: []tower.Outlet{out}}
	cfg.Canaries.Controls = canary.Controls{control.URL, "127.0.0.1:1"}
	watching(t, cfg)
	out.until(t, "a canary comes back", func() bool { return len(out.runs) > 0 })
	control.Close()
	c.say(http.StatusBadGateway)
	out.until(t, "it says that it is blind", func() bool {
		for _, v := range out.judged {
			if v.Severity > signal.Operational {
				t.Errorf("judged by the blind: %+v", v)
			}
			if v.Blind {
				return true
			}
		}
		return false
	})
}

// TestHeartbeat reaches who waits for it.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	beats := make(chan struct{}, 100)
	outside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case beats <- struct{}{}:
		default: // enough of them
		}
	}))
	defer outside.Close()
	watching(t, tower.Config{Canaries: at(c.URL), Heartbeat: outside.URL, HeartbeatEvery: 20 * time.Millisecond})
	for range 3 {
		<-beats
	}
}

// TestBeacon tells once that a watchtower is dead, when it is sure, again where
// nobody took the word, and that it lives again.
func TestBeacon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := []int{200, 503, 200, 503, 503, 503, 503, 503, 200, 200}
		looks := 0
		var said []string
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		refused := errors.New("nobody takes it")
		b := tower.Beacon{Tower: "http://tower.invalid", Transport: trip(func(*http.Request) int {
			if looks++; looks > len(plan) {
				cancel()
				return http.StatusOK
			}
			return plan[looks-1]
		}), Tell: func(_ context.Context, n tower.Notice) error {
			said = append(said, n.Event+" at look "+string(rune('0'+looks)))
			if len(said) == 1 {
				return refused
			}
			return nil
		}}
		b.Run(ctx)
		want := []string{"watchtower_dead at look 6", "watchtower_dead at look 7", "watchtower_alive at look 9"}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Error(diff)
		}
	})
}

// trip answers without a network.
type trip func(*http.Request) int

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: f(r), Status: "as planned", Body: io.NopCloser(http.NoBody), Request: r}, nil
}
