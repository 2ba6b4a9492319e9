package detect

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/test/findings"
	"github.com/cyan-cloud/cyan/test/watch/door"
	"github.com/cyan-cloud/cyan/test/watch/stage"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/signal"
)

var (
	injections = flag.Int("injections", 1, "how many faults are brought about")
	sets       = flag.Int("sets", 1, "how many clouds at once; they share the injections")
	from       = flag.String("from", "", "`file` of findings that were kept: only write the report of them")
	record     = flag.String("record", "", "`file` that the report is written to")
	remark     = flag.String("remark", "", "`words` for the report, such as what else the machine did")
	keep       = flag.String("keep", "", "`file` that each finding is added to, as a line of JSON")
	seed       = flag.Uint64("seed", 1, "of what is left to chance")
)

// fault is a way in which new connections fail.
type fault struct {
	kind string
	how  func(r *rand.Rand) string // it is done; chosen by chance
	do   func(c *stage.Cloud, how string) error
	undo func(c *stage.Cloud) error
}

const both = "both transports"

// doors sets what is wrong with the doors that how names.
func doors(c *stage.Cloud, how string, f door.Fault) error {
	if strings.Contains(how, "TCP") || strings.Contains(how, both) {
		if err := c.TCP.Set(f); err != nil {
			return err
		}
	}
	if strings.Contains(how, "UDP") || strings.Contains(how, both) {
		return c.UDP.Set(f)
	}
	return nil
}

func open(c *stage.Cloud) error { return doors(c, both, door.None) }

func always(how string) func(*rand.Rand) string { return func(*rand.Rand) string { return how } }

func faults() []fault {
	return []fault{
		{"port refused", always(both), func(c *stage.Cloud, how string) error { return doors(c, how, door.Refused) }, open},
		{"handshakes unanswered", always(both), func(c *stage.Cloud, how string) error { return doors(c, how, door.Unanswered) }, open},
		{
			"store failing", always("RLIMIT_FSIZE 0: every write fails"),
			func(c *stage.Cloud, _ string) error { return limitFiles(c, 0) },
			func(c *stage.Cloud) error { return limitFiles(c, unix.RLIM_INFINITY) },
		},
		{
			"cloud stopped", always("SIGSTOP"),
			func(c *stage.Cloud, _ string) error { return c.Signal(syscall.SIGSTOP) },
			func(c *stage.Cloud) error { return c.Signal(syscall.SIGCONT) },
		},
		{
			"one transport only",
			func(r *rand.Rand) string {
				return []string{"TCP", "UDP"}[r.IntN(2)] + []string{" refused", " unanswered"}[r.IntN(2)]
			},
			func(c *stage.Cloud, how string) error {
				if strings.Contains(how, "refused") {
					return doors(c, how, door.Refused)
				}
				return doors(c, how, door.Unanswered)
			},
			open,
		},
	}
}

// limitFiles bounds how long files may become that the cloud writes.
func limitFiles(c *stage.Cloud, size uint64) error {
	return unix.Prlimit(c.PID(), unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}, nil)
}

// The times of a round. Every canary has used each of its devices once before
// the first fault, as it has for months where it is used.
const (
	warm      = 130 * time.Second
	soon      = 2 * time.Minute  // by then it has to be known
	settles   = 10 * time.Minute // by then it has to be over
	phase     = 10 * time.Second // of the canaries: the fault begins anywhere in it
	pollEvery = 100 * time.Millisecond
)

// BenchmarkDetection brings faults about, and says how long it took to know of
// each.
func BenchmarkDetection(b *testing.B) {
	if *from != "" {
		kept, err := findings.Read[Finding](*from)
		if err != nil {
			b.Fatal(err)
		}
		report(b, kept, strings.TrimSpace("Whether somebody was paged without a fault was not counted. "+*remark))
		return
	}
	for b.Loop() {
		l, program := &ledger{b: b}, stage.Build(b)
		var all sync.WaitGroup
		for set := range *sets {
			share := *injections / *sets
			if set < *injections%*sets {
				share++
			}
			if share == 0 {
				continue
			}
			c := stage.Serve(b, program, "--log-level", "warn")
			r := &round{
				b: b, ledger: l, set: set, cloud: c, random: rand.New(rand.NewPCG(*seed, uint64(set))), //nolint:gosec // chance that can be repeated
				towers: map[int]*stage.Tower{1: c.Watch("one", stage.Watching{}), 3: c.Watch("three", stage.Watching{Vantages: 3})},
			}
			all.Go(func() { r.run(b.Context(), share) })
		}
		all.Wait()
		report(b, l.found, strings.TrimSpace(fmt.Sprintf("Beside these faults %d pages went out. %s", l.beside, *remark)))
		if n := len(l.found); n != 2**injections {
			b.Errorf("%d of %d findings", n, 2**injections)
		}
	}
}

// ledger collects findings.
type ledger struct {
	b     *testing.B
	mu    sync.Mutex
	found []Finding // guarded by mu

	beside int // guarded by mu: alerts that no fault was behind
}

// report prints the findings, and writes them where that is asked for.
func report(b *testing.B, all []Finding, alarms string) {
	b.Helper()
	var text strings.Builder
	Report(&text, all, alarms)
	fmt.Fprint(b.Output(), text.String())
	if *record != "" {
		if err := os.WriteFile(*record, []byte(text.String()), 0o644); err != nil {
			b.Error(err)
		}
	}
}

func (l *ledger) note(f *Finding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found = append(l.found, *f)
	if err := findings.Add(l.b.Output(), *keep, f); err != nil {
		l.b.Error(err)
	}
}

// round is a cloud whose doors fail, and those who watch it.
type round struct {
	b      *testing.B
	ledger *ledger
	set    int
	cloud  *stage.Cloud
	towers map[int]*stage.Tower // by the number of vantages
	random *rand.Rand
}

func (r *round) run(ctx context.Context, times int) {
	pause.For(ctx, warm)
	kinds := faults()
	order := r.random.Perm(len(kinds))
	for i := range times {
		if !r.calm(ctx) {
			r.b.Errorf("set %d: it does not become calm", r.set)
			return
		}
		f := kinds[order[(i+r.set)%len(kinds)]]
		how := f.how(r.random)
		pause.For(ctx, time.Duration(r.random.Int64N(int64(phase))))
		began := time.Now()
		if err := f.do(r.cloud, how); err != nil {
			r.b.Error(err)
			return
		}
		var all sync.WaitGroup
		for vantages, w := range r.towers {
			all.Go(func() {
				found := Finding{Set: r.set, At: began.UTC(), Kind: f.kind, How: how, Vantages: vantages}
				await(ctx, w, began, &found)
				r.ledger.note(&found)
			})
		}
		all.Wait()
		if err := f.undo(r.cloud); err != nil {
			r.b.Error(err)
			return
		}
	}
	r.calm(ctx)
	for _, w := range r.towers {
		r.ledger.mu.Lock()
		r.ledger.beside += max(0, len(w.Pager.Incidents())-times)
		r.ledger.mu.Unlock()
	}
}

// calm waits until both watchtowers say that all is well, and what was paged is
// over.
func (r *round) calm(ctx context.Context) bool {
	return stage.Until(ctx, settles, func() bool {
		for _, w := range r.towers {
			for _, i := range w.Pager.Incidents() {
				if !i.Resolved {
					return false
				}
			}
			e, err := w.Evidence(ctx)
			if err != nil || e.Unknown || e.Overall > signal.Operational {
				return false
			}
			for i := range e.Incidents {
				if e.Incidents[i].Open() {
					return false
				}
			}
			for i := range e.Canaries {
				for _, run := range e.Canaries[i].Runs[max(0, len(e.Canaries[i].Runs)-6):] {
					if !run.OK {
						return false
					}
				}
			}
		}
		return true
	})
}

// await waits until a watchtower has done what it has to do.
func await(ctx context.Context, w *stage.Tower, began time.Time, f *Finding) {
	f.Detected, f.Paged, f.Published = -1, -1, -1
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for (f.Paged < 0 || f.Published < 0) && time.Since(began) < soon {
		if at := w.Paged(began); f.Paged < 0 && !at.IsZero() {
			f.Paged = at.Sub(began).Seconds()
		}
		if f.Published < 0 && published(ctx, w) {
			f.Published = time.Since(began).Seconds()
		}
		<-tick.C
	}
	if e, err := w.Evidence(ctx); err == nil && len(e.Incidents) > 0 {
		for _, entry := range e.Incidents[0].Timeline {
			if (entry.Kind == incident.Opened || entry.Kind == incident.Reopened) && entry.At.After(began) && f.Detected < 0 {
				f.Detected = entry.At.Sub(began).Seconds()
			}
		}
	}
}

// published tells whether the status page says that something is wrong, in the
// words that programs read.
func published(ctx context.Context, w *stage.Tower) bool {
	body, err := w.Get(ctx, "/api/v2/summary.json")
	if err != nil {
		return false
	}
	var page struct {
		Status    struct{ Indicator string }
		Incidents []struct{ Status string }
	}
	return json.Unmarshal(body, &page) == nil && page.Status.Indicator != "none" && len(page.Incidents) > 0
}
