package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/cyan-cloud/cyan/test/tty"
)

// TestGuides runs every command of README and guides as a reader types it: one
// after the other, in a shell on a terminal of 80 columns, with a whole cloud.
// What stands in a block of text behind a block of commands has to come out of
// it, line by line; "…" stands for anything, and times, ports and fingerprints
// may be others.
//
// A block that begins with "sh background" goes on while the next ones run.
// Comments such as <!-- test: board ID udp --> do what a reader does with his
// hands. The programs of others (particle, dfu-util, git …) are stand-ins from
// testdata/guide/strangers.txtar, which refuse what the real ones do not know.
func TestGuides(t *testing.T) {
	repo, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	guides, err := filepath.Glob(filepath.Join(repo, "docs/guide/*.md"))
	if err != nil || len(guides) < 5 {
		t.Fatalf("%d guides, error %v", len(guides), err)
	}
	for i, path := range append(guides, filepath.Join(repo, "README.md")) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".md"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			r := newReader(t, repo, i)
			for _, s := range stepsOf(string(text)) {
				r.do(s)
			}
		})
	}
}

// guidePatience is how long a block may take: one of them starts the program
// fifty times, and the machine may have other things to do.
const guidePatience = 5 * time.Minute

// step is a block of commands, or something done by hand.
type step struct {
	line       int
	background bool
	script     string
	byHand     []string
	expect     []string // lines that come out of it
}

var (
	fence  = regexp.MustCompile("^( *)```(.*)$")
	byHand = regexp.MustCompile(`^ *<!-- test: (.*) -->$`)
)

// stepsOf reads a guide.
func stepsOf(text string) (steps []step) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		if m := byHand.FindStringSubmatch(lines[i]); m != nil {
			steps = append(steps, step{line: i + 1, byHand: strings.Fields(m[1])})
			continue
		}
		m := fence.FindStringSubmatch(lines[i])
		if m == nil {
			continue
		}
		at := i + 1
		var body []string
		for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
			body = append(body, strings.TrimPrefix(lines[i], m[1]))
		}
		switch words := strings.Fields(m[2]); {
		case len(words) == 0:
		case words[0] == "sh":
			steps = append(steps, step{line: at, background: len(words) > 1 && words[1] == "background", script: strings.Join(body, "\n")})
		case words[0] == "text" && len(steps) > 0:
			steps[len(steps)-1].expect = body
		}
	}
	return steps
}

// reader is somebody who does what a guide says.
type reader struct {
	t        *testing.T
	home     string // everything is below it
	address  string // stands for 127.0.0.1 and for all of the machine's addresses
	env      []string
	password string // of the administrator, as the first start shows it
}

func newReader(t *testing.T, repo string, n int) *reader {
	t.Helper()
	home := t.TempDir()
	r := &reader{t: t, home: home, address: fmt.Sprintf("127.%d.%d.%d", 1+os.Getpid()>>8&0x7f, os.Getpid()&0xff, n+2)}
	archive, err := txtar.ParseFile("testdata/guide/strangers.txtar")
	if err != nil {
		t.Fatal(err)
	}
	strangers := filepath.Join(home, "strangers")
	for _, dir := range []string{strangers, filepath.Join(home, "work")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range archive.Files {
		if err := os.WriteFile(filepath.Join(strangers, f.Name), f.Data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.env = []string{
		"HOME=" + home, "PATH=" + strangers + ":" + os.Getenv("PATH"), "REPO=" + repo, "TERM=xterm", "NO_COLOR=1", "TZ=UTC", "LC_ALL=C.UTF-8",
		"GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), "CYAN_API=http://" + r.address + ":8080", "CYAN_LISTEN_API=" + r.address + ":8080",
		"CYAN_LISTEN_UDP=" + r.address + ":5684", "CYAN_LISTEN_TCP=" + r.address + ":5683",
	}
	return r
}

// do does a step and looks at what comes of it.
func (r *reader) do(s step) {
	r.t.Helper()
	switch {
	case s.byHand == nil && s.background:
		r.leave(s.script, s.expect, s.line)
	case s.byHand == nil:
		r.expect(r.run(s.script, s.line), s)
	case s.byHand[0] == "cloud":
		r.leave("cyan serve", []string{"┃  password  …"}, s.line)
	case s.byHand[0] == "login":
		r.run("cyan login", s.line)
	case s.byHand[0] == "board" && len(s.byHand) == 3:
		port := map[string]string{"udp": ":5684", "tcp": ":5683"}[s.byHand[2]]
		r.leave("cyan sim --server "+r.address+port+" --key ~/board.der --id "+s.byHand[1]+" --transport "+s.byHand[2],
			[]string{"…breathing cyan…"}, s.line)
		r.run("until cyan list online | grep -q temps; do :; done", s.line)
	default:
		r.t.Fatalf("line %d: nobody knows how to do %q", s.line, s.byHand)
	}
}

// here is the text for the addresses of this reader.
var everywhere = regexp.MustCompile(`(?m)(^|[ =])(0\.0\.0\.0)?:(5683|5684|8080)\b`)

func (r *reader) here(text string) string {
	text = strings.ReplaceAll(text, "127.0.0.1", r.address)
	return everywhere.ReplaceAllString(text, "${1}"+r.address+":${3}")
}

// session goes on where the block before left the folder and the variables.
const session = `cd "$HOME/work"
[ -f "$HOME/left" ] && . "$HOME/left"
set -e
%s
set +e
{ echo "cd '$PWD'"; for v in api auth token id; do [ -n "${!v}" ] && printf '%%s=%%q\n' $v "${!v}"; done; } > "$HOME/left"
exit 0
`

// run runs a block to its end, and gives what it printed.
func (r *reader) run(script string, line int) string {
	r.t.Helper()
	v := r.open(script, line)
	select {
	case err := <-v.done:
		if err != nil {
			r.t.Fatalf("line %d: %v\n%s", line, err, v.seen())
		}
	case <-time.After(guidePatience):
		r.t.Fatalf("line %d does not end:\n%s", line, v.seen())
	}
	r.t.Logf("line %d:\n%s", line, v.seen())
	return v.seen()
}

// leave starts a block that goes on until the guide ends, and waits until the
// lines have come.
func (r *reader) leave(script string, lines []string, line int) {
	r.t.Helper()
	v := r.open(script, line)
	r.t.Cleanup(func() {
		_ = syscall.Kill(-v.cmd.Process.Pid, syscall.SIGINT)
		select {
		case <-v.done:
		case <-time.After(patience):
			_ = syscall.Kill(-v.cmd.Process.Pid, syscall.SIGKILL)
		}
	})
	late := time.After(guidePatience)
	for {
		changed := v.change()
		if r.missing(v.seen(), lines) == "" {
			r.password = shownPassword(r.password, v.seen())
			r.t.Logf("line %d, in the background:\n%s", line, v.seen())
			return
		}
		select {
		case <-changed:
		case err := <-v.done:
			r.t.Fatalf("line %d has ended: %v\n%s", line, err, v.seen())
		case <-late:
			r.t.Fatalf("line %d: no %q in\n%s", line, r.missing(v.seen(), lines), v.seen())
		}
	}
}

func shownPassword(before, text string) string {
	if m := regexp.MustCompile(`┃  password  (\S+) `).FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return before
}

func (r *reader) expect(got string, s step) {
	r.t.Helper()
	if line := r.missing(got, s.expect); line != "" {
		r.t.Errorf("line %d: the guide shows %q, and what came is\n%s", s.line, line, got)
	}
}

var spaces = regexp.MustCompile(" +")

// missing gives the first of the lines that did not come.
func (r *reader) missing(got string, lines []string) string {
	for _, line := range lines {
		want := regexp.QuoteMeta(r.here(strings.TrimRight(line, " ")))
		want = spaces.ReplaceAllString(strings.ReplaceAll(want, "…", ".*"), " +")
		if line != "" && !regexp.MustCompile(`(?m)^`+want+`\s*$`).MatchString(got) {
			return line
		}
	}
	return ""
}

// visit is a shell on a terminal.
type visit struct {
	cmd  *exec.Cmd
	done chan error // gets how it ended, once

	mu   sync.Mutex
	text strings.Builder // guarded by mu
	news chan struct{}   // guarded by mu; closed when the text grows
}

// narrow is the terminal that most people have.
var narrow = tty.Size{Rows: 24, Columns: 80}

// open starts a shell on a terminal of its own, and answers what it asks.
func (r *reader) open(script string, line int) *visit {
	r.t.Helper()
	v := &visit{done: make(chan error, 1), news: make(chan struct{})}
	v.cmd = exec.Command("bash", "--norc", "-c", fmt.Sprintf(session, r.here(script)))
	v.cmd.Dir, v.cmd.Env = r.home, r.env
	front, err := tty.Start(v.cmd, narrow)
	if err != nil {
		r.t.Fatalf("line %d: %v", line, err)
	}
	read := make(chan struct{})
	go func() { // ends when nobody has the terminal open any more
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := front.Read(buf)
			v.add(buf[:n])
			if reply := r.reply(v.seen()); reply != "" && n > 0 {
				_, _ = front.WriteString(reply + "\n")
			}
			if err != nil {
				return
			}
		}
	}()
	go func() { // ends with the shell
		err := v.cmd.Wait()
		<-read
		front.Close()
		v.done <- err
	}()
	return v
}

// reply is what a person types at the end of the text, if they are asked.
func (r *reader) reply(text string) string {
	last := text[strings.LastIndexByte(text, '\n')+1:]
	switch {
	case strings.HasPrefix(last, "password of ") && strings.HasSuffix(last, ": "):
		return r.password
	case strings.HasSuffix(last, "[y/N] "):
		return "y"
	}
	return ""
}

// A line that is written over was a line of its own to who looks.
var rewrite = strings.NewReplacer("\r\x1b[K", "\n")

var escape = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]|\r")

func (v *visit) add(p []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.text.Write(p)
	close(v.news)
	v.news = make(chan struct{})
}

func (v *visit) seen() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return escape.ReplaceAllString(rewrite.Replace(v.text.String()), "")
}

func (v *visit) change() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.news
}
