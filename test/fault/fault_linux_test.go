package fault

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/test/harness"
)

var (
	every  = flag.Bool("every", false, "run every fault, not only those that take seconds")
	long   = flag.Bool("long", false, "with -every: those that take minutes, too")
	asJSON = flag.Bool("json", false, "print the table as JSON, a row a line")
)

// The test binary can also be a cloud, so that one can be killed.
func TestMain(m *testing.M) { harness.Main(m) }

// TestFaults brings every fault about: each device answers again in time
// without being touched, and nobody is told what is not true.
func TestFaults(t *testing.T) {
	rows := slices.Concat(processRows(), networkRows(), storeRows(t))
	var mu sync.Mutex
	results := make([]Result, len(rows))
	t.Cleanup(func() {
		results = slices.DeleteFunc(results, func(r Result) bool { return r.Fault == "" })
		table(t, results)
	})
	for i, r := range rows {
		if !r.fast && !*every || r.long && !*long {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			result := r.test(t)
			if result.Never > 0 {
				t.Errorf("%d of %d devices have not answered within %v", result.Never, result.Devices, r.promise+slack)
			}
			for _, f := range result.Findings {
				t.Error("wrong: ", f)
			}
			mu.Lock()
			results[i] = result
			mu.Unlock()
		})
	}
}

func table(t *testing.T, results []Result) {
	if !*asJSON {
		if err := Print(t.Output(), results); err != nil {
			t.Error(err)
		}
		return
	}
	out := json.NewEncoder(os.Stdout)
	for _, r := range results {
		if err := out.Encode(r); err != nil {
			t.Error(err)
		}
	}
}

// TestRowsCanFail holds that a row shows what it is there to show: a network
// that is never mended, a device that does a call twice, one that answers with
// another's result, and an answer of one that never ran.
func TestRowsCanFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, app.Options{CallTimeout: 2 * time.Second}, 4, seed)
	w.traffic()
	w.udp.Set(Weather{}, Weather{Cut: true})
	w.tcp.HalfOpen()
	w.tcp.Set(Weather{Cut: true}, Weather{})
	w.heal() // which is not true
	r := Result{Devices: len(w.members)}
	r.recovered(w.recovery(6 * time.Second))
	if r.Never != len(w.members) {
		t.Errorf("the network is cut, and only %d of %d devices do not answer", r.Never, len(w.members))
	}
	w.end()

	l := NewLedger()
	l.Told("a", "1", l.Run("a", "1"), nil)
	if _, _, wrong := l.Sum(); len(wrong) > 0 {
		t.Errorf("nothing is wrong, and it says %q", wrong)
	}
	l.Run("a", "1")
	l.Told("b", "1", l.Run("a", "2"), nil)
	l.Told("c", "3", answer("c", "3"), nil)
	if _, _, wrong := l.Sum(); len(wrong) != 3 {
		t.Errorf("three things are wrong, and it says %q", wrong)
	}
}
