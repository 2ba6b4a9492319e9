package bench

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// conversation starts a cloud's side that ends with the test, and gives the
// other side of it.
func conversation(t *testing.T) (*Server, Ready) {
	t.Helper()
	commands, in := io.Pipe()
	out, answers := io.Pipe()
	ended := make(chan error, 1)
	go func() { // ends when in is closed
		err := Attend(commands, answers, Ready{PID: 7, API: "http://127.0.0.1:1"})
		answers.Close()
		ended <- err
	}()
	s := &Server{in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		in.Close()
		if err := <-ended; err != nil {
			t.Errorf("the cloud's side ended with %v", err)
		}
	})
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var r Ready
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatal(err)
	}
	return s, r
}

func TestAttend(t *testing.T) {
	s, r := conversation(t)
	if diff := cmp.Diff(7, r.PID); diff != "" {
		t.Error(diff)
	}
	if err := s.do(Command{Do: DoCollect}); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	cpu, heap := filepath.Join(dir, "cpu"), filepath.Join(dir, "heap")
	end, err := s.Profile(cpu)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Profile(cpu); err == nil {
		t.Error("two profiles at once")
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	if err := s.Heap(heap); err != nil {
		t.Error(err)
	}
	for _, file := range []string{cpu, heap} {
		if info, err := os.Stat(file); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
}

func TestAttendUnknownCommand(t *testing.T) {
	s, _ := conversation(t)
	err := s.do(Command{Do: "dance"})
	if err == nil || !strings.Contains(err.Error(), "dance") {
		t.Errorf("err = %v", err)
	}
	if err := s.Heap(filepath.Join(t.TempDir(), "no", "such", "folder")); err == nil {
		t.Error("a profile was written into a folder that does not exist")
	}
}
