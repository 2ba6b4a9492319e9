package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The page about exit codes says what "cyan help exit-codes" says.
func TestExitCodesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/guide/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| code") {
			rows++
		}
	}
	if rows != len(exitMeanings) {
		t.Errorf("%d rows for %d exit codes", rows, len(exitMeanings))
	}
	for _, m := range exitMeanings {
		if row := fmt.Sprintf("| %d | %s |\n", m.code, m.meaning); !strings.Contains(string(text), row) {
			t.Errorf("no row\n%s", row)
		}
	}
}
