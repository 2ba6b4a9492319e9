package intern_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/internal/intern"
)

// TestOneOfEach: a text that comes again is the one that was there, and says
// what was put in, however long it is and whatever came after it.
func TestOneOfEach(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var table intern.Table
		had := map[string]*string{}
		text := rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.SampledFrom([]string{"a", "be", "\x00"}).Draw(t, "piece"), rapid.IntRange(0, 700).Draw(t, "times"))
		})
		for range rapid.IntRange(1, 400).Draw(t, "texts") {
			s := text.Draw(t, "text")
			got := table.Of(s)
			if before, ok := had[s]; ok && before != got {
				t.Fatalf("a text of %d bytes is there twice", len(s))
			}
			had[s] = got
		}
		for s, got := range had {
			if *got != s {
				t.Fatalf("%q became %q", s, *got)
			}
		}
		if table.Len() != len(had) {
			t.Fatalf("%d texts, want %d", table.Len(), len(had))
		}
	})
}

// TestCopies: the table keeps nothing of the memory that a text came in.
func TestCopies(t *testing.T) {
	t.Parallel()
	for _, size := range []int{5, 600} {
		var table intern.Table
		kept := table.Of(strings.Repeat("x", size))
		frame := []byte(strings.Repeat("y", size) + "tail")
		whole := string(frame)
		part := table.Of(whole[:size])
		if *part != strings.Repeat("y", size) || *kept != strings.Repeat("x", size) {
			t.Errorf("%q and %q", *kept, *part)
		}
	}
}

// TestForgets: texts that nobody uses any more go, and those that somebody does
// stay what they are.
func TestForgets(t *testing.T) {
	t.Parallel()
	var table intern.Table
	kept := map[string]*string{}
	const rounds, each = 40, 1000
	for round := range rounds {
		for i := range each {
			s := fmt.Sprintf("function %d of firmware %d", i, round)
			if p := table.Of(s); i == 0 {
				kept[s] = p
			}
		}
		runtime.GC()
	}
	// A text that is kept keeps its page of 64, and of the rest nearly all has gone:
	// that of the last rounds is found out page by page.
	if n := table.Len(); n > rounds*64+6*each {
		t.Errorf("%d texts of %d are kept, for %d that are used", n, rounds*each, len(kept))
	}
	for s, p := range kept {
		if *p != s || table.Of(s) != p {
			t.Errorf("%q became %q, or is there twice", s, *p)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	var table intern.Table
	texts := make([]string, 1000)
	held := make([]*string, len(texts))
	for i := range texts {
		texts[i] = fmt.Sprintf("\necho\nsetpitf\nkind%d\n", i)
		held[i] = table.Of(texts[i])
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if n := i % len(texts); table.Of(texts[n]) != held[n] {
			b.Fatal("it is there twice")
		}
	}
}
