// Package stage has a cloud, its watchtowers, its devices and the people on
// call, each a process of its own as operators and customers run it, and
// stand-ins for what is outside.
package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is how long something may take that has to happen.
const patience = 3 * time.Minute

// Program is the path of the program.
type Program string

// Build builds the program for a test.
func Build(t testing.TB) Program {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cyan")
	cmd := exec.CommandContext(context.Background(), "go", "build", "-o", path, "github.com/cyan-cloud/cyan/cmd/cyan") // it ends by itself
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return Program(path)
}

// Until asks again and again until ok says yes, and tells whether it did in
// time.
func Until(ctx context.Context, bound time.Duration, ok func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// Person is somebody at a terminal, with a configuration folder of their own.
type Person struct {
	Name   string
	Config string // folder
	API    string

	program Program
}

// Answer is what a command said.
type Answer struct {
	Out, Err string
	Code     int
}

// Run runs a command of the program.
func (p *Person) Run(ctx context.Context, stdin string, args ...string) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, string(p.program), args...) //nolint:gosec // the program that was built
	cmd.Env = p.environment()
	cmd.Stdin = strings.NewReader(stdin)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	a := Answer{Out: out.String(), Err: said.String()}
	if ended, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil {
		a.Code = ended.ExitCode()
		err = nil
	}
	return a, err
}

// Must is Run of what has to go well, without input.
func (p *Person) Must(t testing.TB, args ...string) string {
	t.Helper()
	return p.Tell(t, "", args...)
}

// Tell is Must with input.
func (p *Person) Tell(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	a, err := p.Run(t.Context(), stdin, args...)
	if err != nil || a.Code != 0 {
		t.Fatalf("cyan %s: %v, exit code %d\n%s%s", strings.Join(args, " "), err, a.Code, a.Out, a.Err)
	}
	return a.Out
}

func (p *Person) environment() []string {
	env := []string{"XDG_CONFIG_HOME=" + p.Config, "CYAN_API=" + p.API, "NO_COLOR=1"}
	for _, word := range os.Environ() {
		if !strings.HasPrefix(word, "CYAN_") && !strings.HasPrefix(word, "XDG_CONFIG_HOME=") {
			env = append(env, word)
		}
	}
	return env
}

// read reads a line of JSON.
func read(line []byte, v any) error {
	if err := json.Unmarshal(line, v); err != nil {
		return fmt.Errorf("%w in %q", err, line)
	}
	return nil
}
