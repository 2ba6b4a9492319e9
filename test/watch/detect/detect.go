// Package detect measures how long it takes until it is known that new
// connections fail: until it is judged so, until a page was taken, and until
// the status page shows it. A cloud and its watchtowers are processes of their
// own, with the intervals that are used.
//
//	make detect N=100 SETS=8
package detect

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Finding is what one watchtower made of one fault. Times are in seconds from
// the fault; negative: it never came to it.
type Finding struct {
	Set       int       `json:"set"`
	At        time.Time `json:"at"`
	Kind      string    `json:"kind"`
	How       string    `json:"how"`
	Vantages  int       `json:"vantages"`
	Detected  float64   `json:"detected_s"`
	Paged     float64   `json:"paged_s"`
	Published float64   `json:"published_s"`
}

func (f *Finding) missed() bool { return f.Detected < 0 || f.Paged < 0 || f.Published < 0 }

// quantile gives the value that a share of a sorted list does not exceed.
func quantile(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := int(share*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(at, 0), len(sorted)-1)]
}

// measures are what is measured of a fault.
var measures = []struct {
	name string
	of   func(*Finding) float64
}{
	{"detected", func(f *Finding) float64 { return f.Detected }},
	{"page accepted", func(f *Finding) float64 { return f.Paged }},
	{"published", func(f *Finding) float64 { return f.Published }},
}

// Report writes the findings as a page of the documents.
func Report(w io.Writer, all []Finding, alarms string) {
	first, last, sets := time.Now(), time.Time{}, map[int]bool{}
	for i := range all {
		sets[all[i].Set] = true
		if all[i].At.Before(first) {
			first = all[i].At
		}
		if all[i].At.After(last) {
			last = all[i].At
		}
	}
	fmt.Fprintf(w, `# How soon it is known that new connections fail

Measured from %s to %s on %d processors, by %s; this file is written by it.

Each of %d clouds (%s) stands behind doors that can fail, and is watched by two watchtowers (%s) at the same time: one that looks
from one place, and one with two more vantages that report to it. All are processes of their own on one machine, with the settings that are used: a
canary every 10 s, each with a deadline of 8 s. A fault begins at a random moment, when all is well and what was paged before is over. *Detected* is when
the incident opened, as its timeline says; *page accepted* when a stand-in for PagerDuty took it; *published* when a reader, who asks ten times
a second, found it in the page's JSON. Times are from the fault. *Missed* is what took more than two minutes.

| kind | what is done |
|---|---|
| port refused | TCP: the port is closed, who is connected stays; UDP: the port is closed to everybody |
| handshakes unanswered | who comes anew is let in and gets no answer; who is connected goes on |
| store failing | RLIMIT_FSIZE 0: every write of the cloud fails |
| cloud stopped | SIGSTOP |
| one transport only | one of the first two, over TCP or over UDP, by chance |

`, first.UTC().Format("2006-01-02 15:04"), last.UTC().Format("15:04 UTC"), runtime.NumCPU(), "`make detect`", len(sets), "`cyan serve`", "`cyan watch`")
	Table(w, all)
	fmt.Fprintf(w, `
%s

Healthy days are simulated, not waited for: 20 days of 1 %% noise, with one and with three vantages, give no incident (%s).
`, alarms, "`watch/alert.TestHealthyIsSilent`")
}

// Table writes the findings as tables in Markdown: one of all, for each number
// of vantages, and one by kind.
func Table(w io.Writer, all []Finding) {
	fmt.Fprintln(w, "| vantages | faults | missed | | median s | p95 s | max s | over 30 s | over 60 s |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	groups := grouped(all, func(f *Finding) string { return fmt.Sprint(f.Vantages) })
	for _, g := range groups {
		line(w, g.name, g.list)
	}
	fmt.Fprintln(w, "\n| vantages, kind | faults | missed | | median s | p95 s | max s | over 30 s | over 60 s |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	for _, g := range grouped(all, func(f *Finding) string { return fmt.Sprintf("%d, %s", f.Vantages, f.Kind) }) {
		line(w, g.name, g.list)
	}
}

func line(w io.Writer, name string, list []Finding) {
	missed := 0
	for i := range list {
		if list[i].missed() {
			missed++
		}
	}
	head := fmt.Sprintf("| %s | %d | %d ", name, len(list), missed)
	for _, m := range measures {
		var sorted []float64
		half, whole := 0, 0
		for i := range list {
			v := m.of(&list[i])
			if v < 0 {
				continue
			}
			sorted = append(sorted, v)
			if v > 30 {
				half++
			}
			if v > 60 {
				whole++
			}
		}
		slices.Sort(sorted)
		fmt.Fprintf(w, "%s| %s | %.1f | %.1f | %.1f | %d | %d |\n", head, m.name,
			quantile(sorted, 0.5), quantile(sorted, 0.95), quantile(sorted, 1), half, whole)
		head = "| | | "
	}
}

// group are findings with something in common.
type group struct {
	name string
	list []Finding
}

func grouped(all []Finding, by func(*Finding) string) (groups []group) {
	for i := range all {
		name := by(&all[i])
		at := slices.IndexFunc(groups, func(g group) bool { return g.name == name })
		if at < 0 {
			at = len(groups)
			groups = append(groups, group{name: name})
		}
		groups[at].list = append(groups[at].list, all[i])
	}
	slices.SortFunc(groups, func(a, b group) int { return cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) })
	return groups
}
