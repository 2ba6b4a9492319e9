package tty_test

import (
	"bufio"
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
	lines := bufio.NewReader(front)
	size, _ := lines.ReadString('\n') // before anything is typed that would be shown in between
	if _, err := io.WriteString(front, "ada\r"); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(lines) // until the program has ended
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s%s", err, size, rest)
	}
	if want := "24 80\r\n"; size != want {
		t.Errorf("it finds %q, want %q", size, want)
	}
	if want := "ada\r\nhello ada\r\n"; string(rest) != want {
		t.Errorf("then it shows %q, want %q", rest, want)
	}
}
