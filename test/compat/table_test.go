package compat

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write goldens and the table of clients")

const (
	tableFile  = "../../docs/compatibility.md"
	tableBegin = "<!-- clients:begin -->\n"
	tableEnd   = "<!-- clients:end -->\n"
)

// TestScenariosParse reads what is run and what was seen: each has the other.
func TestScenariosParse(t *testing.T) {
	t.Parallel()
	wanted := map[string]bool{}
	for _, c := range clients(t) {
		for _, s := range scenarios(t) {
			if s.suits(c) {
				wanted[golden(c, s)] = true
				if _, err := os.Stat(golden(c, s)); err != nil {
					t.Errorf("%s of %s was never run: %v", s.name, c.name, err)
				}
			}
		}
	}
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no goldens:", err)
	}
	for _, f := range files {
		if !wanted[f] {
			t.Errorf("%s is a golden of no scenario", f)
		}
	}
}

// TestScenarioMistakes is what a scenario may not say.
func TestScenarioMistakes(t *testing.T) {
	t.Parallel()
	const good = "== a\nrow: r\nfor: cli 2.7.0..\nrun: list\nwant: x\n"
	if all, err := parseScenarios(good); err != nil || len(all) != 1 || all[0].since != "2.7.0" || all[0].last != "" {
		t.Errorf("%+v, %v", all, err)
	}
	for _, bad := range []string{
		"row: r\n", "== a\nrow: r\n", good + good, good + "want: (\n", good + "fault: earthquake\n",
		good + "as: somebody\n", good + "for: browser\n", good + "colour: blue\n", good + "nothing\n",
		good + "answer: (=> y\n", good + "answer: sure?\n", good + "until: (\n",
	} {
		if all, err := parseScenarios(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, all)
		}
	}
}

// TestNoOneIsCalledAStranger looks through all that stock clients print, with
// every fault: only who has a bad token is told so.
func TestNoOneIsCalledAStranger(t *testing.T) {
	t.Parallel()
	insult := regexp.MustCompile(`(?i)invalid access token|access token may have expired|please login`)
	insulted := 0
	for _, c := range clients(t) {
		for _, s := range scenarios(t) {
			if !s.suits(c) {
				continue
			}
			bad := s.as == "stranger" || s.as == "expired"
			if found := insult.FindString(seen(t, c, s)); found != "" && !bad {
				t.Errorf("%s: %q, and the token was good", golden(c, s), found)
			} else if found != "" {
				insulted++
			}
		}
	}
	if insulted == 0 {
		t.Error("not even a bad token is called one: is this looking at the right words?")
	}
}

// TestTable holds the table of the documents against the goldens.
func TestTable(t *testing.T) {
	t.Parallel()
	compareTable(t)
}

// seen gives what a client has printed.
func seen(t *testing.T, c client, s scenario) string {
	t.Helper()
	text, err := os.ReadFile(golden(c, s))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// compareTable compares the table with what the goldens say, or writes it.
func compareTable(t *testing.T) {
	t.Helper()
	b, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	before, rest, ok1 := strings.Cut(doc, tableBegin)
	got, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok1 || !ok2 {
		t.Fatal(tableFile, "has no marks around the table of clients")
	}
	want := table(t)
	switch {
	case got == want:
	case *update:
		if err := os.WriteFile(tableFile, []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table of clients in %s is not what the goldens say; -update writes it:\n%s", tableFile, want)
	}
}

// table makes the tables of the two kinds of clients.
func table(t *testing.T) string {
	t.Helper()
	return tableOf(t, "cli", "particle-cli") + "\n" + tableOf(t, "sdk", "particle-api-js")
}

func tableOf(t *testing.T, kind, title string) string {
	t.Helper()
	var columns []client
	for _, c := range clients(t) {
		if c.kind == kind {
			columns = append(columns, c)
		}
	}
	var b strings.Builder
	b.WriteString("| " + title + " |")
	for _, c := range columns {
		b.WriteString(" " + c.version + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	all := scenarios(t)
	var done []string
	for _, s := range all {
		if s.kind != kind || slices.Contains(done, s.row) {
			continue
		}
		done = append(done, s.row)
		b.WriteString("| " + s.row + " |")
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", cell(t, c, s.row, all))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// cell is yes if each scenario of the row printed what it should.
func cell(t *testing.T, c client, row string, all []scenario) string {
	t.Helper()
	word := "–"
	for _, s := range all {
		if s.row != row || !s.suits(c) {
			continue
		}
		_, printed, _ := strings.Cut(seen(t, c, s), "\n") // below the command
		if !s.want.MatchString(printed) {
			return "**no**"
		}
		word = "yes"
	}
	return word
}
