package alert

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// TestSeverityTable compares docs/severity.md with the code that evaluates it.
func TestSeverityTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/severity.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		cell := strings.Split(line, "|")
		switch {
		case len(cell) == 6 && strings.Contains(cell[1], "%"):
			rows++
			compareShare(t, cell[1], strings.TrimSpace(cell[2]))
		case len(cell) == 4 && strings.Contains(cell[1], "_") || len(cell) == 4 && strings.TrimSpace(cell[1]) == "operational":
			rows++
			comparePage(t, strings.TrimSpace(cell[1]), strings.TrimSpace(cell[2]))
		}
	}
	if rows != 9 {
		t.Errorf("docs/severity.md has %d rows that can be compared, want 9", rows)
	}
}

// compareShare asks the code for both sides of a row's border.
func compareShare(t *testing.T, share, want string) {
	percent, err := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(share))
	if err != nil {
		t.Fatal(err)
	}
	border := float64(percent) / 100
	at, below := severity(border), severity(border-0.0001)
	if strings.Contains(share, "and more") {
		if at.String() != want || below == at {
			t.Errorf("%s: the code says %s, and below it %s", share, at, below)
		}
	} else if below.String() != want || at == below {
		t.Errorf("%s: the code says %s, and %s at the border", share, below, at)
	}
}

// comparePage asks the code for the state of the page.
func comparePage(t *testing.T, worst, want string) {
	of := map[signal.Capability]signal.Severity{}
	name, rest, _ := strings.Cut(worst, ",")
	var s signal.Severity
	if err := s.UnmarshalText([]byte(name)); err != nil {
		t.Fatal(err)
	}
	of[signal.ConnectTCP] = s
	if strings.Contains(rest, "every") {
		for _, c := range signal.Capabilities() {
			of[c] = s
		}
	}
	if got := Overall(of).String(); got != want {
		t.Errorf("%s: the code says %s, the document %s", worst, got, want)
	}
	console := map[signal.Capability]signal.Severity{signal.Console: signal.Major}
	if got := Overall(console); got != signal.Degraded {
		t.Errorf("a console that fails makes the page %s", got)
	}
}
