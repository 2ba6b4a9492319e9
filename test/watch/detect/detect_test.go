package detect

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTable counts what was missed, and leaves it out of the times.
func TestTable(t *testing.T) {
	var all []Finding
	for i := range 20 {
		v := float64(i + 15)
		all = append(all, Finding{Kind: "a", Vantages: 1, Detected: v, Paged: v + 1, Published: v + 40})
	}
	all = append(all, Finding{Kind: "b", Vantages: 3, Detected: 12, Paged: -1, Published: 13})
	var text strings.Builder
	Table(&text, all)
	first, _, _ := strings.Cut(text.String(), "\n\n")
	want := `| vantages | faults | missed | | median s | p95 s | max s | over 30 s | over 60 s |
|---|---|---|---|---|---|---|---|---|
| 1 | 20 | 0 | detected | 24.0 | 33.0 | 34.0 | 4 | 0 |
| | | | page accepted | 25.0 | 34.0 | 35.0 | 5 | 0 |
| | | | published | 64.0 | 73.0 | 74.0 | 20 | 14 |
| 3 | 1 | 1 | detected | 12.0 | 12.0 | 12.0 | 0 | 0 |
| | | | page accepted | 0.0 | 0.0 | 0.0 | 0 | 0 |
| | | | published | 13.0 | 13.0 | 13.0 | 0 | 0 |`
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
}
