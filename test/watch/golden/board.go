package golden

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Board is the table of points, and what was seen of each.
type Board struct {
	promises []promise

	mu     sync.Mutex
	checks map[int][]check // guarded by mu, by the point's number
	rest   map[int]string  // guarded by mu: what the play does not show of a point
}

// promise is a row of docs/promises.md.
type promise struct {
	number      int
	text, proof string
}

// check is an assertion that was made.
type check struct {
	what, saw string
	ok        bool
}

var row = regexp.MustCompile(`(?m)^\| S-(\d\d) \|([^|]*)\|([^|]*)\|$`)

// NewBoard makes a board of the rows of docs/promises.md.
func NewBoard(doc string) *Board {
	b := &Board{checks: map[int][]check{}, rest: map[int]string{}}
	for _, m := range row.FindAllStringSubmatch(doc, -1) {
		n, _ := strconv.Atoi(m[1]) // two digits
		b.promises = append(b.promises, promise{n, strings.TrimSpace(m[2]), strings.TrimSpace(m[3])})
	}
	return b
}

// Check notes an assertion about points: what has to be so, and what was seen.
func (b *Board) Check(ok bool, what, saw string, points ...int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range points {
		b.checks[n] = append(b.checks[n], check{what, saw, ok})
	}
	return ok
}

// Leaves says what of a point the play does not show.
func (b *Board) Leaves(rest string, points ...int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range points {
		b.rest[n] = rest
	}
}

// Failed lists the points of which an assertion did not hold.
func (b *Board) Failed() (list []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n, checks := range b.checks {
		if slices.ContainsFunc(checks, func(c check) bool { return !c.ok }) {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

// The verdicts of a point, in the order of the summary.
const (
	passed  = "passed"
	partly  = "passed in part"
	failed  = "failed"
	proven  = "proven elsewhere"
	halfway = "proven elsewhere in part"
	pending = "pending"
)

// verdict says what became of a point, and why.
func (b *Board) verdict(p *promise) (word, why string) {
	checks := b.checks[p.number]
	var good, bad []string
	for _, c := range checks {
		words := c.what
		if c.saw != "" {
			words += " (" + c.saw + ")"
		}
		if c.ok {
			good = append(good, words)
		} else {
			bad = append(bad, words)
		}
	}
	switch {
	case len(bad) > 0:
		return failed, "not so: " + strings.Join(bad, "; ")
	case len(good) > 0 && b.rest[p.number] != "":
		return partly, strings.Join(good, "; ") + ". **Not shown here:** " + b.rest[p.number]
	case len(good) > 0:
		return passed, strings.Join(good, "; ")
	case p.proof == "none yet":
		return pending, "nothing shows it yet"
	case strings.HasPrefix(p.proof, "in part: "):
		return halfway, "not played here; " + p.proof
	default:
		return proven, "not played here; proven by " + p.proof
	}
}

// Table writes a row for each point, and the sums.
func (b *Board) Table(w io.Writer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintln(w, "| point | | what was seen, or why not |\n|---|---|---|")
	count := map[string]int{}
	for i := range b.promises {
		p := &b.promises[i]
		word, why := b.verdict(p)
		count[word]++
		fmt.Fprintf(w, "| S-%02d | %s | %s |\n", p.number, word, cell(why))
	}
	var sums []string
	for _, word := range []string{passed, partly, failed, proven, halfway, pending} {
		sums = append(sums, fmt.Sprintf("%s %d", word, count[word]))
	}
	fmt.Fprintf(w, "\nOf %d points: %s.\n", len(b.promises), strings.Join(sums, ", "))
}

// cell makes text fit into a cell of a table.
func cell(s string) string {
	return strings.TrimSpace(strings.NewReplacer("|", "\\|", "\n", " ").Replace(s))
}
