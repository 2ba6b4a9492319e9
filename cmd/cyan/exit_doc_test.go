package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The page about exit codes says of each what "cyan help exit-codes" says, and
// has no other.
func TestExitCodesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/guide/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range exitMeanings {
		if row := fmt.Sprintf("\n| %d | %s |\n", m.code, m.meaning); !strings.Contains(string(text), row) {
			t.Errorf("no row%s", row)
		}
	}
	if rows := regexp.MustCompile(`(?m)^\| \d+ \|`).FindAll(text, -1); len(rows) != len(exitMeanings) {
		t.Errorf("%d rows for %d codes", len(rows), len(exitMeanings))
	}
}
