package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The page about exit codes says of each what "cyan help exit-codes" says; it
// may go on with more.
func TestExitCodesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/guide/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range exitMeanings {
		if row := fmt.Sprintf("\n| %d | %s", m.code, m.meaning); !strings.Contains(string(text), row) {
			t.Errorf("no row%s |", row)
		}
	}
}
