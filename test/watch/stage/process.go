package stage

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Process is the program, doing one thing until it is ended.
type Process struct {
	// Lines are what it writes to standard output; closed when it ends. More
	// than linesMost that nobody reads are dropped.
	Lines chan []byte
	Log   string // file of its standard error

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // after done
	end  sync.Once
}

const linesMost = 4096

// Start starts a process that ends with the test at the latest.
func (p *Person) Start(t testing.TB, log string, args ...string) *Process {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(log), 0o700); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := &Process{Lines: make(chan []byte, linesMost), Log: log, done: make(chan struct{})}
	r.cmd = exec.CommandContext(context.Background(), string(p.program), args...) //nolint:gosec // the program that was built; it ends in End
	r.cmd.Env, r.cmd.Stderr = p.environment(), file
	stdout, err := r.cmd.StdoutPipe()
	if err == nil {
		err = r.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go r.follow(stdout) // ends with the process
	t.Cleanup(r.End)
	return r
}

func (r *Process) follow(stdout io.Reader) {
	defer close(r.done)
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		select {
		case r.Lines <- append([]byte(nil), lines.Bytes()...):
		default: // nobody reads
		}
	}
	close(r.Lines)
	r.err = r.cmd.Wait()
}

// Line gives the next line of standard output, which has to come.
func (r *Process) Line(t testing.TB) []byte {
	t.Helper()
	select {
	case line, ok := <-r.Lines:
		if ok {
			return line
		}
	case <-time.After(patience):
	}
	said, _ := os.ReadFile(r.Log)
	t.Fatalf("%v says nothing more; its log:\n%s", r.cmd.Args, said)
	return nil
}

// Ended tells whether the process has ended, and what it said last.
func (r *Process) Ended() (last string, ended bool) {
	select {
	case <-r.done:
	default:
		return "", false
	}
	said, _ := os.ReadFile(r.Log) // without it nothing is known
	return string(said[max(0, len(said)-500):]), true
}

// Signal sends a signal.
func (r *Process) Signal(s os.Signal) error { return r.cmd.Process.Signal(s) }

// PID is the process's number.
func (r *Process) PID() int { return r.cmd.Process.Pid }

// End interrupts the process and waits for it; one that does not listen is
// killed.
func (r *Process) End() {
	r.end.Do(func() {
		_ = r.cmd.Process.Signal(os.Interrupt)
		impatient := time.AfterFunc(20*time.Second, func() { _ = r.cmd.Process.Kill() })
		defer impatient.Stop()
		<-r.done
	})
}

// Kill ends it as a power cut would.
func (r *Process) Kill() {
	r.end.Do(func() {
		_ = r.cmd.Process.Kill()
		<-r.done
	})
}
