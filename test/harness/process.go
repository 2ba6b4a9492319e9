package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/cyan-cloud/cyan/app"
)

// serveVariable is set in the environment of a test binary that is to be a
// cloud: its options, in JSON.
const serveVariable = "CYAN_TEST_SERVE"

// atOnce is how many tests run at once: they wait more than they compute.
const atOnce = "16"

// Main runs a test binary's tests, or a cloud where StartProcess has started
// it as one. TestMain calls it.
func Main(m *testing.M) {
	if text, ok := os.LookupEnv(serveVariable); ok {
		if err := serve(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := flag.Set("test.parallel", atOnce); err != nil { // -parallel still wins
		panic(err)
	}
	os.Exit(m.Run())
}

// announced is the line that a cloud in a process of its own writes when its
// doors are open.
type announced struct {
	At      place
	Welcome *app.Welcome
}

// serve is a cloud until its standard input ends, or another process has taken
// over from it, whose standard input is the same.
func serve(text string) error {
	var o app.Options
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	o.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	a, err := app.New(context.Background(), o)
	if err != nil {
		return err
	}
	addrs := a.Addrs()
	line := announced{place{addrs.UDP[0].String(), addrs.TCP[0].String(), a.URL()}, a.Welcome}
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { // until the process ends, at the latest
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	select {
	case err = <-ended:
	case <-a.Done():
	}
	return errors.Join(err, a.Stop(context.Background()))
}

// StartProcess is Start with a process of the cloud's own, which can be
// killed. The test's TestMain has to call Main.
func StartProcess(t testing.TB, o app.Options) *Cloud {
	t.Helper()
	return start(t, o, new(outside))
}

// outside runs a cloud in a process of its own.
type outside struct {
	cmd   *exec.Cmd
	stdin io.Closer
	pid   int // of the process that serves now
}

func (p *outside) start(t testing.TB, o app.Options) (place, *app.Welcome) {
	t.Helper()
	stdout := p.begin(t, o)
	first, err := bufio.NewReader(stdout).ReadBytes('\n')
	var line announced
	if err != nil || json.Unmarshal(first, &line) != nil {
		p.Kill()
		t.Fatalf("the cloud did not start: %v, %q", err, first)
	}
	return line.At, line.Welcome
}

// begin starts the process and gives what it writes.
func (p *outside) begin(t testing.TB, o app.Options) io.Reader {
	t.Helper()
	o.Logger = nil // it logs to its own standard error
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.CommandContext(context.Background(), os.Args[0]) // ends in stop
	p.cmd.Env = append(os.Environ(), serveVariable+"="+string(text))
	p.cmd.Stderr = t.Output()
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal("starting a process:", err)
	}
	p.pid = p.cmd.Process.Pid
	return stdout
}

func (p *outside) stop(t testing.TB) {
	if p.cmd == nil {
		return
	}
	_ = p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Error("stopping the cloud:", err)
	}
	p.cmd = nil
}

// Kill ends the process as a power cut would.
func (p *outside) Kill() {
	if serves, err := os.FindProcess(p.pid); err == nil {
		_ = serves.Kill()
	}
	_ = p.cmd.Wait() // it says that it was killed
	p.cmd = nil
}

// Kill ends a cloud that StartProcess started with SIGKILL: it gets no chance
// to write anything down.
func (c *Cloud) Kill() {
	c.t.Helper()
	p, ok := c.run.(*outside)
	if !ok {
		c.t.Fatal("this cloud has no process of its own")
	}
	p.Kill()
}

// Process gives the process of a cloud that StartProcess started, to do to it
// what happens to processes.
func (c *Cloud) Process() *os.Process {
	c.t.Helper()
	p, ok := c.run.(*outside)
	if !ok {
		c.t.Fatal("this cloud has no process of its own")
	}
	process, err := os.FindProcess(p.pid)
	if err != nil {
		c.t.Fatal(err)
	}
	return process
}

// Refuses starts a cloud that was stopped or killed, and tells whether it ended
// by itself before it had opened its doors.
func (c *Cloud) Refuses() bool {
	c.t.Helper()
	p, ok := c.run.(*outside)
	if !ok {
		c.t.Fatal("this cloud has no process of its own")
	}
	first, _ := bufio.NewReader(p.begin(c.t, c.Options)).ReadBytes('\n')
	if len(first) > 0 {
		p.stop(c.t)
		return false
	}
	err := p.cmd.Wait()
	p.cmd = nil
	return err != nil
}

// Upgrade has a cloud that StartProcess started hand over to a new process of
// the same program, or of another.
func (c *Cloud) Upgrade(binary string) (app.Report, error) {
	c.t.Helper()
	p, ok := c.run.(*outside)
	if !ok {
		c.t.Fatal("this cloud has no process of its own")
	}
	r, err := app.Ask(c.t.Context(), c.Options.Data, app.Order{Do: app.DoUpgrade, Binary: binary, Who: "a test"}, nil)
	if err == nil {
		p.pid = r.PID
	}
	return r, err
}
