package tty_test

import (
	"bytes"
	"io"
	"os/exec"
	"testing"

	"github.com/cyan-cloud/cyan/test/tty"
)

// TestStart: a program finds a terminal of the size, and hears what is typed.
func TestStart(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `test -t 0 && test -t 1 && test -t 2 && stty size && read name && echo "hello $name"`)
	front, err := tty.Start(cmd, tty.Size{Rows: 24, Columns: 80})
	if err != nil {
		t.Fatal(err)
	}
	defer front.Close()
	if _, err := io.WriteString(front, "ada\r"); err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	_, _ = shown.ReadFrom(front) // until the program has ended
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &shown)
	}
	for _, line := range []string{"24 80\r\n", "hello ada\r\n"} {
		if !bytes.Contains(shown.Bytes(), []byte(line)) {
			t.Errorf("no %q in %q", line, &shown)
		}
	}
}
