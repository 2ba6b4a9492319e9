package eventlog

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

const alice, bob account.ID = "a", "b"

func open(t *testing.T, cfg Config) *Log {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "events.db")
	}
	l, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func keep(t *testing.T, l *Log, owner account.ID, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := l.Keep(t.Context(), &event.Event{ID: "id-" + name, Name: name, Owner: owner, Published: time.Unix(1, 0).UTC()}); err != nil {
			t.Fatal(err)
		}
	}
}

// read gives the names of the events after seq, and "gap" ahead of them if
// there is one.
func read(t *testing.T, l *Log, f event.Filter, seq uint64) string {
	t.Helper()
	var names []string
	for more := true; more; {
		page, err := l.After(t.Context(), &f, seq, 3)
		if err != nil {
			t.Fatal(err)
		}
		if page.Gap {
			names = append(names, "gap")
		}
		for _, e := range page.Events {
			names = append(names, e.Name)
		}
		if page.To.Seq > 0 {
			seq = page.To.Seq
		}
		more = page.More
	}
	return strings.Join(names, " ")
}

func TestReadersGoOnWhereTheyWere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "events.db")
	l := open(t, Config{Path: path})
	if end, err := l.End(t.Context()); err != nil || end != (event.Position{}) {
		t.Errorf("an empty log ends at %v, %v", end, err)
	}
	keep(t, l, alice, "t1", "t2")
	keep(t, l, bob, "t3")
	keep(t, l, alice, "x4", "t5", "t6", "t7")
	if err := l.Keep(t.Context(), &event.Event{Name: "t8", Owner: bob, Public: true}); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		for _, c := range []struct {
			filter event.Filter
			after  uint64
			want   string
		}{
			{event.Filter{Owner: alice}, 0, "t1 t2 x4 t5 t6 t7"},
			{event.Filter{Owner: alice, Prefix: "t"}, 2, "t5 t6 t7"},
			{event.Filter{Owner: alice, Prefix: "t", Public: true}, 2, "t5 t6 t7 t8"},
			{event.Filter{Owner: bob}, 0, "t3 t8"},
			{event.Filter{Owner: alice}, 8, ""},
		} {
			if got := read(t, l, c.filter, c.after); got != c.want {
				t.Errorf("round %d: %+v after %d: %q, want %q", round, c.filter, c.after, got, c.want)
			}
		}
		for p, want := range map[event.Position]bool{
			{}: true, {Seq: 2, ID: "id-t2"}: true, {Seq: 2, ID: "id-t3"}: false, {Seq: 900, ID: "x"}: false, {ID: "x"}: false,
		} {
			if got, err := l.Has(t.Context(), p); err != nil || got != want {
				t.Errorf("round %d: has %v: %v, %v", round, p, got, err)
			}
		}
		if end, err := l.End(t.Context()); err != nil || end.Seq != 8 {
			t.Errorf("round %d: it ends at %v, %v", round, end, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, Config{Path: path}) // and everything is as before
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// What age and size drop leaves a gap for its owner, and for nobody else. The
// numbers go on.
func TestPruning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	l := open(t, Config{Path: path, Age: time.Hour})
	keep(t, l, alice, "1", "2")
	keep(t, l, bob, "3")
	if err := l.Prune(t.Context(), time.Now().Add(59*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := read(t, l, event.Filter{Owner: alice}, 0); got != "1 2" {
		t.Errorf("before its time: %q", got)
	}
	if err := l.Prune(t.Context(), time.Now().Add(61*time.Minute)); err != nil {
		t.Fatal(err)
	}
	l.Close()
	l = open(t, Config{Path: path, Age: time.Hour})
	keep(t, l, alice, "4")
	keep(t, l, bob, "5")
	for _, c := range []struct {
		owner account.ID
		after uint64
		want  string
	}{
		{alice, 0, "gap 4"}, {alice, 1, "gap 4"}, {alice, 2, "4"}, {bob, 2, "gap 5"}, {bob, 3, "5"}, {"c", 0, ""}, {alice, 4, ""},
	} {
		if got := read(t, l, event.Filter{Owner: c.owner}, c.after); got != c.want {
			t.Errorf("%s after %d: %q, want %q", c.owner, c.after, got, c.want)
		}
	}
	if ok, err := l.Has(t.Context(), event.Position{Seq: 2, ID: "id-2"}); err != nil || !ok {
		t.Errorf("a place whose event was dropped: %v, %v", ok, err)
	}
}

// The file's use stays within its bound, and the newest events stay.
func TestSizeIsBounded(t *testing.T) {
	l := open(t, Config{Bytes: 1 << 20})
	var done sync.WaitGroup
	data := make([]byte, 1000)
	for i := range 6000 {
		done.Add(1)
		e := event.Event{Name: fmt.Sprint(i), Owner: alice, HasData: true, Data: data}
		for !l.Append(&e, func(error) { done.Done() }) {
			if err := l.Keep(t.Context(), &event.Event{Name: "wait", Owner: bob}); err != nil && fault.KindOf(err) != fault.Busy {
				t.Fatal(err)
			}
		}
	}
	done.Wait()
	if err := l.Prune(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	tx, err := l.read.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if used, err := usedBytes(t.Context(), tx); err != nil || used > 2<<20 {
		t.Errorf("%d bytes are used, %v", used, err)
	}
	got := strings.Fields(read(t, l, event.Filter{Owner: alice}, 0))
	if len(got) < 100 || got[0] != "gap" || got[len(got)-1] != "5999" {
		t.Errorf("%d are left, the first is %s", len(got), got[0])
	}
}

// When the log cannot be written, nobody is told that it was; whoever reads on
// later is told of the gap; and it goes on when it can.
func TestFailedWrites(t *testing.T) {
	l := open(t, Config{})
	keep(t, l, alice, "1")
	if _, err := l.write.Exec(`ALTER TABLE events RENAME TO away`); err != nil {
		t.Fatal(err)
	}
	if err := l.Keep(t.Context(), &event.Event{Name: "2", Owner: alice}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("it was kept: %v", err)
	}
	if l.Check(t.Context()) == nil {
		t.Error("all is well, it says")
	}
	if _, err := l.After(t.Context(), &event.Filter{Owner: alice}, 0, 10); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("reading: %v", err)
	}
	if _, err := l.write.Exec(`ALTER TABLE away RENAME TO events`); err != nil {
		t.Fatal(err)
	}
	keep(t, l, bob, "3")
	keep(t, l, alice, "4")
	if err := l.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if got := read(t, l, event.Filter{Owner: alice}, 1); got != "gap 4" {
		t.Errorf("the owner of what is lost hears %q", got)
	}
	if got := read(t, l, event.Filter{Owner: bob}, 0); got != "3" {
		t.Errorf("another hears %q", got)
	}
}

func TestClosedLogsRefuse(t *testing.T) {
	l := open(t, Config{})
	done := make(chan error, 1)
	l.Append(&event.Event{Name: "1", Owner: alice}, func(err error) { done <- err })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("what waited at the end: %v", err)
	}
	if l.Append(&event.Event{Name: "2"}, nil) {
		t.Error("it takes more")
	}
	if err := l.Keep(t.Context(), &event.Event{Name: "2"}); fault.KindOf(err) != fault.Busy {
		t.Error(err)
	}
}

func TestRemove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	l := open(t, Config{Path: path})
	keep(t, l, alice, "1")
	l.Close()
	for range 2 {
		if err := Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	l = open(t, Config{Path: path})
	if ok, err := l.Has(t.Context(), event.Position{Seq: 1, ID: "id-1"}); ok || err != nil {
		t.Errorf("it is still there: %v, %v", ok, err)
	}
}

func TestNewerLogsAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	l := open(t, Config{Path: path})
	if _, err := l.write.Exec(`UPDATE meta SET value = '99' WHERE key = 'schema'`); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := Open(t.Context(), Config{Path: path}); err == nil || !strings.Contains(err.Error(), "newer cyan") {
		t.Error(err)
	}
}

// However events are offered, read and dropped: a reader hears all of his, in
// order, or is told of a gap.
func TestNothingIsMissedUnnoticed(t *testing.T) {
	files, dir := 0, t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		files++
		l, err := Open(context.Background(), Config{Path: filepath.Join(dir, fmt.Sprint(files, ".db")), Age: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		type reader struct {
			owner account.ID
			at    uint64
			heard []string
			gap   bool
		}
		readers := []*reader{{owner: alice}, {owner: bob}}
		said := map[account.ID][]string{}
		count := 0
		for _, step := range rapid.SliceOfN(rapid.IntRange(0, 9), 1, 40).Draw(t, "steps") {
			r := readers[step%2]
			switch {
			case step < 6:
				name := fmt.Sprint(count)
				count++
				if err := l.Keep(context.Background(), &event.Event{Name: name, Owner: r.owner}); err != nil {
					t.Fatal(err)
				}
				said[r.owner] = append(said[r.owner], name)
			case step < 8:
				page, err := l.After(context.Background(), &event.Filter{Owner: r.owner}, r.at, 2)
				if err != nil {
					t.Fatal(err)
				}
				if page.Gap {
					r.gap, r.heard = true, nil
				}
				for _, e := range page.Events {
					r.heard = append(r.heard, e.Name)
				}
				r.at = max(r.at, page.To.Seq)
			case step == 8:
				if err := l.Prune(context.Background(), time.Now().Add(2*time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, r := range readers {
			all := said[r.owner]
			if !r.gap && !slices.Equal(r.heard, all[:len(r.heard)]) {
				t.Fatalf("%s heard %v of %v without a word of a gap", r.owner, r.heard, all)
			}
			if i := slices.Index(all, firstOf(r.heard)); r.gap && len(r.heard) > 0 && !slices.Equal(r.heard, all[i:i+len(r.heard)]) {
				t.Fatalf("%s heard %v of %v after the gap", r.owner, r.heard, all)
			}
		}
	})
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// A commit serves many: callers are told in the order of their events.
func TestAnswersComeInOrder(t *testing.T) {
	l := open(t, Config{})
	const n = 3000
	got := make(chan int, n)
	for i := range n {
		if !l.Append(&event.Event{Name: fmt.Sprint(i), Owner: alice}, func(error) { got <- i }) {
			t.Fatal("no room")
		}
	}
	var order []int
	for range n {
		order = append(order, <-got)
	}
	if !slices.IsSorted(order) {
		t.Error("not in order")
	}
	page, err := l.After(t.Context(), &event.Filter{Owner: alice}, 0, n)
	if err != nil || len(page.Events) != n {
		t.Fatalf("%d events, %v", len(page.Events), err)
	}
	for i, e := range page.Events {
		if diff := cmp.Diff(fmt.Sprint(i), e.Name); diff != "" || e.At.Seq != uint64(i+1) {
			t.Fatal(i, diff, e.At)
		}
	}
}
