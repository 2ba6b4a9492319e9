package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a story waits for something to happen.
const patience = 60 * time.Second

// The test binary is the program: in the stories, "cyan" runs it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cyan": main})
}

// TestStories runs the stories in testdata, one of them for each verb.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			for name, value := range map[string]string{
				"HOME": env.WorkDir, "XDG_CONFIG_HOME": filepath.Join(env.WorkDir, "config"), "TZ": "Asia/Kolkata",
				"CYAN_JSON":       "false", // as on a terminal; where a story is about pipes, it unsets this
				"CYAN_DATA":       filepath.Join(env.WorkDir, "data"),
				"CYAN_LISTEN_TCP": "127.0.0.1:0", "CYAN_LISTEN_UDP": "127.0.0.1:0", "CYAN_LISTEN_API": "127.0.0.1:0",
				"CYAN_WATCH": "false", // a story that wants the watchtower says so
			} {
				env.Setenv(name, value)
			}
			env.Values[processes{}], env.Values[story{}] = map[string]*process{}, env.T()
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": start, "interrupt": interrupt, "ends": ends, "waitfor": waitFor, "eventually": eventually, "field": field, "cloud": cloud, "code": code, "mode": mode,
			"dialogue": dialogue, "otp": otp, "slay": slay, "port": port, "deserted": deserted,
		},
	})
}

// process is a program in the background. Its output is in NAME.out and
// NAME.err.
type process struct {
	cmd  *exec.Cmd
	done chan error // gets how it ended, once
}

// processes and story are under which a story has its programs, and its test.
type (
	processes struct{}
	story     struct{}
)

func running(ts *testscript.TestScript) map[string]*process {
	return ts.Value(processes{}).(map[string]*process)
}

// start NAME cyan ARGS… runs cyan in the background until the story ends.
func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME program args…")
	}
	name := args[0]
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Dir = ts.Getenv("WORK")
	for _, key := range []string{
		"PATH", "HOME", "XDG_CONFIG_HOME", "TZ", "TMPDIR", "GOCOVERDIR", "TESTSCRIPT_COMMAND",
		"CYAN_DATA", "CYAN_LISTEN_TCP", "CYAN_LISTEN_UDP", "CYAN_LISTEN_API", "CYAN_API", "CYAN_TOKEN", "CYAN_LISTEN_ADI", "CYAN_JSON", "CYAN_WATCH",
	} {
		if value := ts.Getenv(key); value != "" {
			cmd.Env = append(cmd.Env, key+"="+value)
		}
	}
	open := func(suffix string) *os.File {
		f, err := os.Create(ts.MkAbs(name + suffix))
		ts.Check(err)
		return f
	}
	out, talk := open(".out"), open(".err")
	cmd.Stdout, cmd.Stderr = out, talk
	ts.Check(cmd.Start())
	p := &process{cmd: cmd, done: make(chan error, 1)}
	go func() { // ends with the process
		p.done <- cmd.Wait()
		out.Close()
		talk.Close()
	}()
	running(ts)[name] = p
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		if text, err := os.ReadFile(ts.MkAbs(name + ".err")); err == nil && len(text) > 0 {
			ts.Logf("[%s said]\n%s", name, text)
		}
	})
}

// interrupt NAME interrupts a program of start, as Ctrl-C does, and wants it to
// end well; with ! it only wants it to end.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || running(ts)[args[0]] == nil {
		ts.Fatalf("usage: interrupt NAME, of a program that was started")
	}
	p := running(ts)[args[0]]
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case err := <-p.done:
		if err != nil && !neg {
			ts.Fatalf("%s: %v", args[0], err)
		}
	case <-time.After(patience):
		ts.Fatalf("%s does not stop", args[0])
	}
}

// waitfor FILE REGEXP waits until the file has a line that matches.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfor FILE REGEXP")
	}
	want, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && want.Match(text) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s has no %s:\n%s", args[0], args[1], text)
		}
	}
}

// eventually REGEXP PROGRAM ARGS… runs a program until it prints a line that
// matches.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually REGEXP program args…")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	deadline := time.After(patience)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := ts.Exec(args[1], args[2:]...); err == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("no %s", args[0])
		}
	}
}

// field VARIABLE FILE NAME puts a field of the first JSON line that has it
// into a variable; of a list, its first item.
func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: field VARIABLE FILE NAME")
	}
	lines := bufio.NewScanner(strings.NewReader(ts.ReadFile(args[1])))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var object map[string]any
		if json.Unmarshal(lines.Bytes(), &object) != nil {
			continue
		}
		value := object[args[2]]
		if list, ok := value.([]any); ok && len(list) > 0 {
			value = list[0]
		}
		if s, ok := value.(string); ok {
			ts.Setenv(args[0], s)
			return
		}
	}
	ts.Fatalf("no line of %s has a text %s", args[1], args[2])
}

// cloud starts a cloud, logs its administrator in, and sets CYAN_API, UDP, TCP
// and PASSWORD.
func cloud(ts *testscript.TestScript, neg bool, args []string) {
	start(ts, neg, append([]string{"cloud", "cyan", "serve", "--json"}, args...))
	waitFor(ts, false, []string{"cloud.out", `"event":"administrator".*\n`})
	for variable, name := range map[string]string{"CYAN_API": "api", "UDP": "udp", "TCP": "tcp", "PASSWORD": "password"} {
		field(ts, false, []string{variable, "cloud.out", name})
	}
	ts.Check(os.WriteFile(ts.MkAbs("password.txt"), []byte(ts.Getenv("PASSWORD")+"\n"), 0o600))
}

// code N PROGRAM ARGS… wants a certain exit code.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program args…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = itoa(exit.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// mode PERMISSIONS FILE wants a file's permissions, such as 600.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode PERMISSIONS FILE")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := info.Mode().Perm().String(); got != os.FileMode(octal(args[0])).String() {
		ts.Fatalf("%s has %s", args[1], got)
	}
}

func octal(s string) (n uint32) {
	for _, digit := range s {
		n = n<<3 | uint32(digit-'0')
	}
	return n
}

// ends NAME waits until a program of start ends by itself, and well.
func ends(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || running(ts)[args[0]] == nil {
		ts.Fatalf("usage: ends NAME, of a program that was started")
	}
	select {
	case err := <-running(ts)[args[0]].done:
		ts.Check(err)
	case <-time.After(patience):
		ts.Fatalf("%s does not end", args[0])
	}
}
