package detsim

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/test/detsim/keyring"
	"github.com/cyan-cloud/cyan/test/detsim/schedule"
)

var (
	seeds   = flag.Int("seeds", 2, "how many seeds to run")
	first   = flag.Uint64("seed", 1, "the first of them")
	budget  = flag.Duration("budget", 0, "begin no seed after this time; zero: run them all")
	without = flag.String("without", "", "switch this defence off")
	shrink  = flag.Int("shrink", 0, "look for a smaller schedule in so many runs when a seed breaks something")
	story   = flag.Bool("journal", false, "print every line of the journal, and every message")
)

// TestSeeds runs as many seeds as it is told to, on every processor. Time ends
// it, and never fails it.
func TestSeeds(t *testing.T) {
	keys := load(t)
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // worlds are small
	began := time.Now()
	var next atomic.Uint64
	next.Store(*first)
	results := make(chan *Result)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), *seeds) {
		workers.Go(func() {
			for *budget == 0 || time.Since(began) < *budget {
				seed := next.Add(1) - 1
				if seed >= *first+uint64(*seeds) {
					return
				}
				plan := schedule.NewPlan(seed)
				plan.Without = schedule.Defence(*without)
				if *story {
					plan.Trace, plan.Wire = os.Stdout, true
				}
				results <- Run(keys, plan)
			}
		})
	}
	go func() {
		workers.Wait()
		close(results)
	}()
	var sum Stats
	ran, last := 0, uint64(0)
	for res := range results {
		ran++
		last = max(last, res.Plan.Seed)
		s := &res.Stats
		sum.DeviceTime += s.DeviceTime
		sum.Records += s.Records
		sum.Starts += s.Starts
		sum.Calls += s.Calls
		sum.Acked += s.Acked
		t.Logf("seed %d: %d devices, %.1f device-hours, %d faults, %d processes, %d records, %d handshakes (waited %v at most, %d turned away), %d calls (%d answered), last callable after %v",
			res.Plan.Seed, s.Devices, s.DeviceTime.Hours(), len(res.Plan.Faults), s.Starts, s.Records, s.Handshakes, s.Waited.Round(time.Millisecond), s.Away,
			s.Calls, s.Answered, s.Slowest.Round(time.Millisecond))
		report(t, keys, res)
	}
	t.Logf("%d seeds (%d to %d), %.0f simulated device-hours, %d processes, %d sealed records, %d calls, %d acknowledged events",
		ran, *first, last, sum.DeviceTime.Hours(), sum.Starts, sum.Records, sum.Calls, sum.Acked)
}

// report tells of a broken invariant and how to see it again.
func report(t *testing.T, keys *keyring.Ring, res *Result) {
	t.Helper()
	if res.Invariant == "" {
		return
	}
	plan := res.Plan
	if *shrink > 0 {
		plan = schedule.Shrink(plan, *shrink, func(p *schedule.Plan) bool { return Run(keys, p).Invariant == res.Invariant })
	}
	lines := res.Lines[max(0, len(res.Lines)-60):]
	t.Errorf("seed %d breaks %q: %s\n\nThe plan, for a file in testdata/seeds:\n%s\nThe end of the journal:\n%s\n\n"+
		"Again: go test ./test/detsim -run TestSeeds -seed %d -seeds 1 -v -journal\nSmaller: the same with -shrink 200",
		res.Plan.Seed, res.Invariant, res.Broken, plan, strings.Join(lines, "\n"), res.Plan.Seed)
}

// TestKept runs the plans that have broken something once.
func TestKept(t *testing.T) {
	keys := load(t)
	for name, plan := range kept(t, "seeds") {
		t.Run(name, func(t *testing.T) {
			if *story {
				plan.Trace, plan.Wire = os.Stdout, true
			}
			report(t, keys, Run(keys, plan))
		})
	}
}

// TestDefencesMatter switches one defence off at a time, in a plan that was
// found to need it: the invariant has to break, so that it is the simulation
// that holds it, and not luck. With the defence on, the plan breaks nothing.
func TestDefencesMatter(t *testing.T) {
	keys := load(t)
	plans := kept(t, "defences")
	for defence, breaks := range map[schedule.Defence]string{
		schedule.Generation: "nonce", schedule.GenerationClock: "nonce", schedule.Ahead: "nonce",
		schedule.Fence: "durable", schedule.Durability: "durable", schedule.Describe: "durable", schedule.Acknowledgement: "event",
		schedule.Supersession: "one owner", schedule.Caution: "event once", schedule.Unchanged: "owner",
		schedule.Once: "at most once", schedule.Honesty: "honest answer",
		schedule.Silence: "shown", schedule.Proof: "shown", schedule.Presence: "shown",
		schedule.Reset: "callable", schedule.Hold: "callable", schedule.Sweep: "swept", schedule.Resumption: "kept",
		schedule.Bound: "bounded", schedule.Fairness: "fair", schedule.Door: "door",
	} {
		t.Run(string(defence), func(t *testing.T) {
			plan := plans[string(defence)]
			if plan == nil {
				t.Fatal("no plan is kept")
			}
			off := *plan
			off.Without = defence
			if *story {
				off.Trace, off.Wire = os.Stdout, true
			}
			res := Run(keys, &off)
			if res.Invariant != breaks {
				t.Errorf("without it the plan breaks %q (%s), want %q", res.Invariant, res.Broken, breaks)
			}
			t.Logf("%s: %s", res.Invariant, res.Broken)
			report(t, keys, Run(keys, plan))
		})
	}
}

// kept reads the plans of a folder of testdata, by name.
func kept(t *testing.T, folder string) map[string]*schedule.Plan {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no plans in testdata/%s: %v", folder, err)
	}
	plans := map[string]*schedule.Plan{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if plans[strings.TrimSuffix(filepath.Base(file), ".txt")], err = schedule.ParsePlan(string(text)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return plans
}

// TestSameSeedSameRun runs a seed twice and compares all that happened, byte by
// byte.
func TestSameSeedSameRun(t *testing.T) {
	keys := load(t)
	for name, plan := range kept(t, "seeds") {
		if plan.Devices > 36 {
			continue // the smaller ones have all that the larger have
		}
		var a, b bytes.Buffer
		one, two, other := *plan, *plan, *plan
		one.Trace, two.Trace = &a, &b
		other.Seed++
		x, y := Run(keys, &one), Run(keys, &two)
		if x.Digest != y.Digest {
			t.Errorf("%s gave two different runs\n%s", name, firstDifference(a.String(), b.String()))
		}
		if z := Run(keys, &other); z.Digest == x.Digest {
			t.Errorf("%s gave the same run with another seed", name)
		}
	}
	for seed := range uint64(200) {
		plan := schedule.NewPlan(seed)
		if again, err := schedule.ParsePlan(plan.String()); err != nil || again.String() != plan.String() {
			t.Errorf("the plan of seed %d, written down and read, is another: %v\n%s", seed, err, again)
		}
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d:\n%s\n%s", i, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d and %d lines, the difference is on the wire", len(x), len(y))
}

// load reads the keys of the server that the recordings were made with.
func load(t testing.TB) *keyring.Ring {
	t.Helper()
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("..", "..", "wire", "testdata", "device", "keys", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ec, err := x509.ParseECPrivateKey(read("server-ec.priv.der"))
	if err != nil {
		t.Fatal(err)
	}
	var key *rsa.PrivateKey
	if key, err = x509.ParsePKCS1PrivateKey(read("server-rsa.priv.der")); err != nil {
		t.Fatal(err)
	}
	k, err := keyring.New(ec, key, read("server-ec.pub.der"), read("server-rsa.pub.der"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}
