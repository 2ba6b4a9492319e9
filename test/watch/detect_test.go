package watch

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/test/watch/door"
	"github.com/cyan-cloud/cyan/watch/canary"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/tower"
)

// record is what a watchtower says.
type record struct {
	mu     sync.Mutex
	runs   []signal.Result
	judged []signal.Judgement
	held   map[signal.Capability]signal.Severity
}

func (r *record) Noted(x *signal.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs = append(r.runs, *x)
}

func (r *record) Judged(_ time.Time, changed []signal.Judgement) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range changed {
		r.judged = append(r.judged, v)
		if r.held == nil {
			r.held = map[signal.Capability]signal.Severity{}
		}
		r.held[v.Capability] = v.Severity
	}
}

// bad is how bad it is for a capability.
func (r *record) bad(c signal.Capability) signal.Severity {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held[c]
}

// well counts the runs of a story that ended well.
func (r *record) well(s signal.Story, from time.Time) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.runs {
		if x.Story == s && x.OK && x.Started.After(from) {
			n++
		}
	}
	return n
}

// deadline is so long that on any machine that is well a canary comes to its end.
// A device that gets no answer ends its handshake by itself, after 20 s.
const deadline = time.Minute

// bound is how long it may take until something is known: longer than anything
// that the rules have to wait for, on any machine.
const bound = 10 * time.Minute

// until waits until it is so.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	over := time.After(bound)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-over:
			w.t.Fatal("waited in vain until ", what)
		}
	}
}

// watched is a world that a watchtower looks at.
func watched(t testing.TB, c *harness.Cloud, every time.Duration) (*world, *record) {
	t.Helper()
	w, said := newWorld(t, c), new(record)
	cfg := tower.Config{
		Data: t.TempDir(), Outlets: []tower.Outlet{said},
		Canaries: canary.RunnerConfig{
			Canary: canary.Config{API: w.api.URL, Token: c.Token, Username: c.Welcome.Username, Password: c.Welcome.Password, Deadline: deadline},
			Ways:   []canary.Way{w.way(sim.UDP), w.way(sim.TCP)}, Interval: every, Pool: 8,
		},
	}
	if every < 10*time.Second {
		cfg.Canaries.Quick = every / 3
	}
	watchtower, err := tower.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	harness.Running(t, "the watchtower", watchtower.Run)
	return w, said
}

// TestNewConnectionsFail is the 31st of May: who is connected stays, who comes
// anew gets no answer. The cloud is a process of its own and does not know. It
// is said of new connections and of nothing else; and when it is over, that it
// is over.
func TestNewConnectionsFail(t *testing.T) {
	t.Parallel()
	w, said := watched(t, harness.StartProcess(t, app.Options{}), 2*time.Second)
	w.until("every story has gone well", func() bool {
		return said.well(signal.ColdStart, time.Time{}) >= 4 && said.well(signal.Held, time.Time{}) >= 4 && said.well(signal.Resume, time.Time{}) >= 1
	})
	w.until("nothing is said to fail", func() bool {
		return !slices.ContainsFunc(signal.Capabilities(), func(c signal.Capability) bool { return said.bad(c) > signal.Operational })
	})
	began := time.Now()
	w.shut(door.Unanswered, sim.UDP, sim.TCP)
	for _, c := range []signal.Capability{signal.ConnectUDP, signal.ConnectTCP} {
		w.until(c.String()+" are judged to fail", func() bool { return said.bad(c) >= signal.Partial })
		t.Logf("%s: detected after %v, with a run every 2 s and a deadline of %v", c, time.Since(began).Round(100*time.Millisecond), deadline)
	}
	w.until("those who are connected go on", func() bool { return said.well(signal.Held, began) > 0 })
	said.mu.Lock()
	for _, v := range said.judged {
		if v.At.Before(began) {
			continue
		}
		connects := v.Capability == signal.ConnectUDP || v.Capability == signal.ConnectTCP
		if v.Severity >= signal.Partial && !connects {
			t.Errorf("%s is accused, too: %s", v.Capability, v.Evidence)
		}
		if v.Severity >= signal.Partial && connects && (v.Reason != canary.ReasonTimeout && v.Reason != canary.ReasonHandshake || v.Since.Before(began.Add(-deadline)) || v.Evidence == "") {
			t.Errorf("%s: %s since %v: %s", v.Capability, v.Reason, v.Since, v.Evidence)
		}
	}
	said.mu.Unlock()
	w.shut(door.None, sim.UDP, sim.TCP)
	for _, c := range []signal.Capability{signal.ConnectUDP, signal.ConnectTCP} {
		w.until("it is over for "+c.String(), func() bool { return said.bad(c) == signal.Operational })
	}
}

// TestCloudDies: the process is killed, and the watchtower sees it and goes on.
func TestCloudDies(t *testing.T) {
	t.Parallel()
	w, said := watched(t, harness.StartProcess(t, app.Options{}), 2*time.Second)
	w.until("every story has gone well", func() bool {
		return said.well(signal.ColdStart, time.Time{}) >= 2 && said.well(signal.Held, time.Time{}) >= 2
	})
	w.cloud.Kill()
	for _, c := range []signal.Capability{signal.API, signal.ConnectUDP, signal.ConnectTCP} {
		w.until(c.String()+" is judged to fail", func() bool { return said.bad(c) >= signal.Partial })
	}
	w.cloud.Again()
	back := time.Now()
	w.until("canaries come through again", func() bool {
		return said.well(signal.ColdStart, back) >= 2 && said.well(signal.Held, back) >= 2
	})
}
