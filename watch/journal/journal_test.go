package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/watch/journal"
)

var noon = time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, dir string, cfg journal.Config) *journal.Journal[string] {
	t.Helper()
	j, err := journal.Open[string](dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func all(t testing.TB, j *journal.Journal[string]) (list []string) {
	t.Helper()
	if err := j.Replay(func(s string) error { list = append(list, s); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

func add(t testing.TB, j *journal.Journal[string], values ...string) {
	t.Helper()
	for _, v := range values {
		if err := j.Append(v); err != nil {
			t.Fatal(err)
		}
	}
}

func only(t *testing.T, dir string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%v, %v", paths, err)
	}
	return paths[0]
}

// TestReplay gives back what was appended, over a restart too.
func TestReplay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "journal")
	j := open(t, dir, journal.Config{})
	add(t, j, "one", "two\nlines")
	if err := j.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Append("late"); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("appended to a closed journal: %v", err)
	}
	j = open(t, dir, journal.Config{})
	add(t, j, "three")
	if diff := cmp.Diff([]string{"one", "two\nlines", "three"}, all(t, j)); diff != "" {
		t.Error(diff)
	}
	enough := errors.New("enough")
	n := 0
	if err := j.Replay(func(string) error { n++; return enough }); !errors.Is(err, enough) || n != 1 {
		t.Errorf("a reader who has enough: %v after %d", err, n)
	}
	only(t, dir)
}

// TestTornTail cuts off the line in which a machine stopped, wherever that was.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journal.Config{})
	add(t, j, "one", "two")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	path := only(t, dir)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := strings.IndexByte(string(whole), '\n') + 1
	for cut := first + 1; cut < len(whole); cut++ {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		j := open(t, dir, journal.Config{})
		add(t, j, "three")
		if diff := cmp.Diff([]string{"one", "three"}, all(t, j)); diff != "" || j.Dropped() != 1 {
			t.Fatalf("cut at %d: %d dropped, %s", cut, j.Dropped(), diff)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSpoiltLine passes over a line that somebody has spoilt.
func TestSpoiltLine(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journal.Config{})
	add(t, j, "one", "two", "three")
	_ = j.Close()
	path := only(t, dir)
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(strings.Replace(string(text), `"two"`, `"two`, 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, journal.Config{})
	if diff := cmp.Diff([]string{"one", "three"}, all(t, j)); diff != "" || j.Dropped() != 1 {
		t.Errorf("%d dropped, %s", j.Dropped(), diff)
	}
}

// TestBounds keeps what is young, as far as there is room.
func TestBounds(t *testing.T) {
	for name, c := range map[string]struct {
		cfg   journal.Config
		every time.Duration
	}{
		"by age":   {journal.Config{MaxAge: 90 * 24 * time.Hour}, time.Hour},
		"by bytes": {journal.Config{MaxBytes: 256 << 10}, time.Second},
		"by both":  {journal.Config{MaxAge: 24 * time.Hour, MaxBytes: 256 << 10}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			now := noon
			c.cfg.Now = func() time.Time { return now }
			dir := t.TempDir()
			j := open(t, dir, c.cfg)
			const n = 4000
			for range n {
				now = now.Add(c.every)
				add(t, j, now.Format(time.RFC3339)+strings.Repeat("x", 100))
				if c.cfg.MaxBytes > 0 && j.Bytes() > c.cfg.MaxBytes {
					t.Fatalf("%d bytes", j.Bytes())
				}
			}
			kept := all(t, j)
			oldest, err := time.Parse(time.RFC3339, strings.TrimRight(kept[0], "x"))
			if err != nil {
				t.Fatal(err)
			}
			if len(kept) == n {
				t.Error("everything was kept")
			}
			if age := now.Sub(oldest); c.cfg.MaxAge > 0 && (age > c.cfg.MaxAge*34/32 || c.cfg.MaxBytes == 0 && age < c.cfg.MaxAge) {
				t.Errorf("the oldest is of %v ago", age)
			}
			if c.cfg.MaxBytes > 0 && c.cfg.MaxAge == 0 && j.Bytes() < c.cfg.MaxBytes*9/10 {
				t.Errorf("only %d bytes of %d are used", j.Bytes(), c.cfg.MaxBytes)
			}
			_ = j.Close()
			// What has become too old since the last file was begun goes now.
			after := all(t, open(t, dir, c.cfg))
			if len(after) < len(kept)*30/32 || !slices.Equal(kept[len(kept)-len(after):], after) {
				t.Errorf("after a restart there are %d values of %d, or others", len(after), len(kept))
			}
		})
	}
}

// TestSince gives what is young enough.
func TestSince(t *testing.T) {
	now := noon
	j := open(t, t.TempDir(), journal.Config{MaxAge: time.Hour, Now: func() time.Time { return now }})
	var want []string
	for i := range 50 {
		now = noon.Add(time.Duration(i) * time.Minute)
		add(t, j, now.Format(time.Kitchen))
		if i >= 30 {
			want = append(want, now.Format(time.Kitchen))
		}
	}
	var got []string
	err := j.Since(noon.Add(30*time.Minute), func(s string) error { got = append(got, s); return nil })
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// TestTooLong refuses what would not be read again.
func TestTooLong(t *testing.T) {
	j := open(t, t.TempDir(), journal.Config{})
	if err := j.Append(strings.Repeat("x", 1<<20)); !errors.Is(err, journal.ErrTooLong) {
		t.Error(err)
	}
	add(t, j, strings.Repeat("x", 1<<20-100))
	if got := all(t, j); len(got) != 1 {
		t.Errorf("%d values", len(got))
	}
}

// TestTogether is written to and read by several at once.
func TestTogether(t *testing.T) {
	j := open(t, t.TempDir(), journal.Config{MaxBytes: 1 << 20})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200 {
				if err := j.Append(strings.Repeat("y", 50)); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 5 {
				if err := j.Replay(func(s string) error {
					if len(s) != 50 {
						t.Errorf("%q", s)
					}
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	n := 0
	if err := j.Replay(func(string) error { n++; return nil }); err != nil || n != 800 {
		t.Errorf("%d values, %v", n, err)
	}
}

// TestAnyOrder: whatever is appended, closed and torn, what comes back is what
// was appended, in order, but for the torn lines.
func TestAnyOrder(t *testing.T) {
	tries, place := 0, t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		tries++
		dir := filepath.Join(place, strconv.Itoa(tries))
		var want []string
		j := open(t, dir, journal.Config{})
		for range rapid.IntRange(1, 30).Draw(r, "steps") {
			if rapid.IntRange(0, 4).Draw(r, "what") == 0 {
				_ = j.Close()
				tear(t, dir, rapid.SampledFrom([]string{"", `{"at":`, "x"}).Draw(r, "torn"))
				j = open(t, dir, journal.Config{})
				continue
			}
			v := rapid.String().Draw(r, "value")
			want = append(want, strings.ToValidUTF8(v, "\uFFFD"))
			add(t, j, v)
		}
		if diff := cmp.Diff(want, all(t, j)); diff != "" {
			r.Fatal(diff)
		}
	})
}

// tear adds half a line to the last file, if there is one.
func tear(t *testing.T, dir, text string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(paths) == 0 {
		return
	}
	f, err := os.OpenFile(paths[len(paths)-1], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
}
