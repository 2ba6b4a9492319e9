package headcount_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/headcount"
)

const alice, bob account.ID = "a", "b"

var noon = time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)

// fleet is a gateway's table.
type fleet struct {
	mu    sync.Mutex
	kinds map[device.Traits]device.Headcount // guarded by mu
}

func (f *fleet) set(t device.Traits, online int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kinds[t] = device.Headcount{Online: online}
}

func (f *fleet) tally(yield func(device.Traits, device.Headcount)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for t, n := range f.kinds {
		yield(t, n)
	}
}

func newFleet() *fleet { return &fleet{kinds: map[device.Traits]device.Headcount{}} }

// open opens a counter whose clock stands at *now.
func open(t *testing.T, path, node string, f *fleet, now *time.Time) *headcount.Counter {
	t.Helper()
	c, err := headcount.Open(t.Context(), headcount.Config{Path: path, Node: node, Tally: f.tally, Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// history gives a history as text: the last count of each stretch, with the
// least and the most where they differ; - is not known.
func history(t *testing.T, c *headcount.Counter, owner account.ID, only headcount.Only, since, until time.Time, step time.Duration) (out []string) {
	t.Helper()
	points, err := c.History(t.Context(), owner, only, since, until, step)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		switch {
		case !p.Known:
			out = append(out, "-")
		case p.Min != p.Max:
			out = append(out, fmt.Sprintf("%d(%d-%d)", p.Last, p.Min, p.Max))
		default:
			out = append(out, fmt.Sprint(p.Last))
		}
	}
	return out
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

// TestADipStaysVisible counts for nine days, on the last of which devices are
// away for three minutes and the cloud for two. What is older than eight days is
// gone.
func TestADipStaysVisible(t *testing.T) {
	path, f, now := filepath.Join(t.TempDir(), "counts.db"), newFleet(), noon
	oven := device.Traits{Owner: alice, Transport: "udp", Product: 13, Firmware: 7, System: 6200}
	lamp := device.Traits{Owner: alice, Transport: "tcp", Product: 14, Firmware: 1}
	f.set(oven, 9)
	f.set(lamp, 1)
	f.set(device.Traits{Owner: bob}, 100)
	c := open(t, path, "n", f, &now)
	for day := range 9 { // of each day a quarter of an hour is enough
		for minute := range 15 {
			now = noon.AddDate(0, 0, day).Add(time.Duration(minute) * time.Minute)
			if day == 8 {
				f.set(oven, 9)
				if minute >= 5 && minute < 8 {
					f.set(oven, 4)
				}
				if minute == 10 {
					if err := c.Close(); err != nil {
						t.Fatal(err)
					}
				}
				if minute == 10 || minute == 11 {
					continue
				}
				if minute == 12 {
					c = open(t, path, "n", f, &now)
				}
			}
			c.Sample(t.Context(), now)
		}
	}
	t.Cleanup(func() { c.Close() })
	today := noon.AddDate(0, 0, 8)
	all := headcount.Only{}
	same(t, "minute by minute", history(t, c, alice, all, today, today.Add(16*time.Minute), time.Minute),
		[]string{"10", "10", "10", "10", "10", "5", "5", "5", "10", "10", "-", "-", "10", "10", "10", "-"})
	same(t, "in fives", history(t, c, alice, all, today, today.Add(15*time.Minute), 5*time.Minute), []string{"10", "10(5-10)", "10"})
	same(t, "of one product", history(t, c, alice, headcount.Only{Dimension: headcount.Product, Word: "13"}, today.Add(4*time.Minute), today.Add(6*time.Minute), time.Minute),
		[]string{"9", "4"})
	same(t, "everybody's", history(t, c, headcount.Everybody, all, today.Add(4*time.Minute), today.Add(6*time.Minute), time.Minute), []string{"110", "105"})
	same(t, "of who has none", history(t, c, "c", all, today.Add(9*time.Minute), today.Add(11*time.Minute), time.Minute), []string{"0", "-"})
	same(t, "nine days ago", history(t, c, alice, all, noon, noon.Add(2*time.Minute), time.Minute), []string{"10", "10"})
	now = now.Add(time.Hour)
	c.Sample(t.Context(), now)
	same(t, "and an hour later", history(t, c, alice, all, noon, noon.Add(2*time.Minute), time.Minute), []string{"-", "-"})

	s, at, err := c.Moment(t.Context(), alice, today.AddDate(0, 0, -7).Add(14*time.Minute+30*time.Second))
	if err != nil || s == nil {
		t.Fatal(s, err)
	}
	same(t, "when", at, today.AddDate(0, 0, -7).Add(14*time.Minute))
	same(t, "connected", s.Connected(), 10)
	for d, want := range map[headcount.Dimension]map[string]int{
		headcount.Product: {"13": 9, "14": 1}, headcount.Transport: {"udp": 9, "tcp": 1},
		headcount.Firmware: {"13/7": 9, "14/1": 1}, headcount.System: {"6.2.0": 9, "unknown": 1},
	} {
		same(t, "by what", s.By(d, 100), want)
	}
	if s, _, err := c.Moment(t.Context(), alice, today.Add(11*time.Minute+59*time.Second)); s != nil || err != nil {
		t.Errorf("while the cloud was down there were %+v, %v", s, err)
	}
}

// TestSeriesAreBounded has devices of one owner say ever new versions, and ever
// more owners come: what there is no room for is other, or not known; it is never
// none.
func TestSeriesAreBounded(t *testing.T) {
	path, f, now := filepath.Join(t.TempDir(), "counts.db"), newFleet(), noon
	c := open(t, path, "n", f, &now)
	t.Cleanup(func() { c.Close() })
	big := device.Traits{Owner: alice, Product: 1}
	f.set(big, 5000)
	for version := range 500 {
		f.set(device.Traits{Owner: alice, Product: 1, Firmware: 1, System: uint16(1000 + 100*version)}, 1)
	}
	for n := range 600 {
		f.set(device.Traits{Owner: account.ID(fmt.Sprintf("owner%03d", n)), Product: uint16(n)}, 1000-n)
	}
	for range 20 {
		c.Sample(t.Context(), now)
		now = now.Add(time.Minute)
	}
	at := now.Add(-time.Second)
	s, _, err := c.Moment(t.Context(), alice, at)
	if err != nil || s == nil {
		t.Fatal(s, err)
	}
	same(t, "alice's", s.Connected(), 5500)
	by := s.By(headcount.System, 100)
	if len(by) > 17 || by["unknown"] != 5000 || by["other"] < 484 {
		t.Errorf("by version of Device OS: %v", by)
	}
	if len(s.By(headcount.System, 3)) > 4 {
		t.Errorf("more than was asked for: %v", s.By(headcount.System, 3))
	}
	minute := func(owner account.ID, only headcount.Only) string {
		return history(t, c, owner, only, at.Truncate(time.Minute), at, time.Minute)[0]
	}
	same(t, "one that has room", minute("owner000", headcount.Only{}), "1000")
	same(t, "one that has none", minute("owner599", headcount.Only{}), "-")
	same(t, "a version without room", minute(alice, headcount.Only{Dimension: headcount.System, Word: "49.0.0"}), "-")
	c.Close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a third of an hour of 1,100 kinds takes %d KiB", info.Size()>>10)
	if info.Size() > 1<<20 {
		t.Errorf("a third of an hour takes %d bytes", info.Size())
	}
}

// TestNodesAreSummed has two nodes count into one book.
func TestNodesAreSummed(t *testing.T) {
	path, now := filepath.Join(t.TempDir(), "counts.db"), noon
	here, there := newFleet(), newFleet()
	here.set(device.Traits{Owner: alice}, 3)
	there.set(device.Traits{Owner: alice, Transport: "udp"}, 4)
	a, b := open(t, path, "a", here, &now), open(t, path, "b", there, &now)
	t.Cleanup(func() { a.Close(); b.Close() })
	b.Sample(t.Context(), now)
	same(t, "what a says before it has counted", history(t, a, alice, headcount.Only{}, noon, noon.Add(time.Minute), time.Minute), []string{"4"})
	a.Sample(t.Context(), now)
	same(t, "both", history(t, b, alice, headcount.Only{}, noon, noon.Add(time.Minute), time.Minute), []string{"7"})
	here.set(device.Traits{Owner: alice}, 2)
	gone, leave := context.WithCancel(t.Context())
	leave()
	same(t, "to who has left, what is known here", a.Now(gone, alice).Connected(), 2)
	same(t, "now", a.Now(t.Context(), alice).Connected(), 6)
	now = noon.Add(30 * time.Second)
	same(t, "to who leaves later", a.Now(gone, alice).Connected(), 6)
	now = noon.Add(5 * time.Minute)
	same(t, "when b has been silent", a.Now(t.Context(), alice).Connected(), 2)
}

// TestAWatchHearsChanges hears of what changes within a second on simulated time,
// and of nothing else.
func TestAWatchHearsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		var idle atomic.Bool
		c, err := headcount.Open(t.Context(), headcount.Config{Tally: f.tally, Idle: idle.Load})
		if err != nil {
			t.Fatal(err)
		}
		c.Start()
		defer c.Close()
		w, err := c.Watch(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "at first", (<-w.News()).Connected(), 0)
		f.set(device.Traits{Owner: alice}, 1)
		began := time.Now()
		same(t, "one came", (<-w.News()).Connected(), 1)
		if took := time.Since(began); took > time.Second {
			t.Errorf("that took %v", took)
		}
		f.set(device.Traits{Owner: bob}, 1)
		quiet := func(what string) {
			t.Helper()
			select {
			case s := <-w.News():
				t.Errorf("%s: %d are connected", what, s.Connected())
			case <-time.After(5 * time.Second):
			}
		}
		quiet("somebody else's came")
		idle.Store(true)
		f.set(device.Traits{Owner: alice}, 0)
		quiet("another process counts")
		idle.Store(false)
		for n := range 10 { // the newest is told to who was slow
			f.set(device.Traits{Owner: alice}, 10+n)
			<-time.After(time.Second)
		}
		<-time.After(2 * time.Second)
		same(t, "the newest", (<-w.News()).Connected(), 19)
		w.Close()
		for range 20 {
			if _, err := c.Watch(t.Context(), alice); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Watch(t.Context(), alice); fault.KindOf(err) != fault.Busy {
			t.Errorf("one more than may watch: %v", err)
		}
		if _, err := c.Watch(t.Context(), bob); err != nil {
			t.Errorf("somebody else: %v", err)
		}
	})
}

// BenchmarkSample writes a minute down, as the table of a million devices gives
// it that are of 500 owners and of five products each.
func BenchmarkSample(b *testing.B) {
	c, err := headcount.Open(b.Context(), headcount.Config{
		Path: filepath.Join(b.TempDir(), "counts.db"), Tally: func(yield func(device.Traits, device.Headcount)) {
			for kind := range 500 * 5 * 64 { // it has 64 parts
				owner := account.ID(rune('a' + kind%500))
				yield(device.Traits{Owner: owner, Transport: "udp", Product: uint16(kind / 500 % 5)}, device.Headcount{Online: 6})
			}
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	now := noon
	b.ReportAllocs()
	for b.Loop() {
		c.Sample(b.Context(), now)
		now = now.Add(time.Minute)
	}
}
