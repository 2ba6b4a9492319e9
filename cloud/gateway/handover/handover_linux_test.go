package handover_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/gateway/handover"
)

var update = flag.Bool("update", false, "rewrite testdata")

// tale is what happened on one side.
type tale struct{ lines []string }

func (t *tale) add(format string, args ...any) {
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

// fault is what goes wrong, and on which side.
type fault string

var errFault = errors.New("it broke")

// giver is an older process with three sessions.
type giver struct {
	tale

	fault   fault
	serving bool
}

func (g *giver) Sockets(send func([]string, []int) error) error {
	g.add("offers its sockets")
	if err := send([]string{"udp 127.0.0.1:5684"}, []int{0}); err != nil {
		return err
	}
	return send(nil, nil)
}

func (g *giver) Settle(_ context.Context, send func(handover.Kind, []byte, ...int) error) error {
	g.add("lets handshakes end")
	if g.fault == "old: settle" {
		return errFault
	}
	return send(handover.KindAhead, nil)
}

func (g *giver) Freeze(context.Context) error {
	if g.fault == "old: freeze" {
		g.add("cannot stop")
		return errFault
	}
	g.add("stops")
	g.serving = false
	return nil
}

func (g *giver) Export(send func(handover.Kind, []byte, ...int) error) (handover.End, error) {
	for i := range 3 {
		if g.fault == "old: export" && i == 1 {
			return handover.End{}, errFault
		}
		if err := send(handover.KindSession, []byte{byte(i)}); err != nil {
			return handover.End{}, err
		}
	}
	g.add("sends three sessions")
	return handover.End{Sessions: 3}, nil
}

func (g *giver) Resume() {
	g.add("goes on")
	g.serving = true
}

// taker is a newer process.
type taker struct {
	tale

	fault    fault
	link     *handover.Socket
	sessions int
}

func (t *taker) Prepare(_ handover.Offer, lead []*os.File, sockets map[string]*os.File) error {
	for _, f := range append(lead, sockets["udp 127.0.0.1:5684"]) {
		if err := f.Close(); err != nil {
			return err
		}
	}
	if t.fault == "new: prepare" {
		t.add("cannot open its rooms")
		return errFault
	}
	t.add("opens its rooms")
	return nil
}

func (t *taker) Adopt(m handover.Message) error {
	if m.Kind == handover.KindAhead {
		t.add("has what came ahead")
		return nil
	}
	t.sessions++
	if t.fault == "new: adopt" && t.sessions == 2 {
		t.add("cannot read a session")
		return errFault
	}
	return nil
}

func (t *taker) Complete(end handover.End) (handover.Serving, error) {
	n := t.sessions
	switch t.fault {
	case "new: counts":
		n--
	case "new: dies":
		t.add("dies")
		return handover.Serving{}, errors.Join(errFault, t.link.Close())
	}
	t.add("has %d sessions of %d", n, end.Sessions)
	return handover.Serving{Sessions: n}, nil
}

// gates stand between the two, and may be slow.
type gates struct {
	*handover.Memory

	before, after func()
}

func (g gates) Pass() bool {
	if g.before != nil {
		g.before()
	}
	passed := g.Memory.Pass()
	if g.after != nil {
		g.after()
	}
	return passed
}

// run runs a hand-over with a fault in it and tells it.
func run(t *testing.T, what fault) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := handover.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	theirs, _, err := handover.Dial(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	ours, who, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if int(who.Pid) != os.Getpid() {
		t.Errorf("the peer is said to be process %d", who.Pid)
	}
	memory, err := handover.NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	older := &giver{fault: what, serving: true}
	newer := &taker{fault: what, link: theirs}
	gate := gates{Memory: memory}
	decided := make(chan struct{}) // the older has given up
	switch what {
	case "old: interrupted":
		gate.before = func() { cancel(); <-decided }
	case "new: word lost":
		gate.after = func() { _ = theirs.Close() }
	}
	hello := handover.Hello{Export: 1, Program: "new"}
	switch what {
	case "new: another version":
		hello.Export = 2
	case "new: never starts":
		_ = theirs.Close()
	}
	taken := make(chan error, 1)
	go func() {
		taken <- handover.Take(theirs, hello, func(lead []*os.File) (handover.Gate, error) {
			if len(lead) != 1 {
				return nil, errFault
			}
			return gate, nil
		}, newer)
	}()
	given, errGive := handover.Give(ctx, ours, memory, handover.Offer{Hello: handover.Hello{Export: 1}}, []int{int(memory.File().Fd())}, older)
	close(decided)
	_ = ours.Close()
	errTake := <-taken

	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", what)
	for _, side := range []struct {
		name  string
		lines []string
	}{{"older", older.lines}, {"newer", newer.lines}} {
		for _, line := range side.lines {
			fmt.Fprintf(&b, "  %s %s\n", side.name, line)
		}
	}
	serves := []string{}
	if older.serving {
		serves = append(serves, "the older")
	}
	if errTake == nil {
		serves = append(serves, "the newer")
	}
	if len(serves) > 1 {
		t.Errorf("%s: both serve", what)
	}
	if len(serves) == 0 {
		serves = []string{"nobody"}
	}
	if given.Serving.Sessions != 3 && errGive == nil {
		t.Errorf("%s: %+v", what, given)
	}
	fmt.Fprintf(&b, "  older's error: %s\n  serving: %s\n\n", word(errGive), strings.Join(serves, " and "))
	return b.String()
}

// word tells which error it is, where its text depends on the system.
func word(err error) string {
	refused, ok := errors.AsType[*handover.RefusedError](err)
	switch {
	case err == nil:
		return "none"
	case errors.Is(err, handover.ErrGone):
		return "gone"
	case errors.Is(err, handover.ErrVersion):
		return "version"
	case ok:
		return "refused, " + refused.Why
	case errors.Is(err, errFault):
		return "its own"
	}
	return "the other is silent"
}

// TestEachStepFails breaks a hand-over at every step. Of the two processes one
// serves afterwards, never both; nobody does where the newer one died after it
// had taken over, which the older must not undo.
func TestEachStepFails(t *testing.T) {
	var b strings.Builder
	for _, what := range []fault{
		"nothing", "new: never starts", "new: another version", "new: prepare", "old: settle", "old: freeze", "old: export",
		"new: adopt", "new: dies", "new: counts", "old: interrupted", "new: word lost",
	} {
		b.WriteString(run(t, what))
	}
	file := filepath.Join("testdata", "faults.txt")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

// TestOpenFolder has folders that others may look into: in a data folder the
// socket has a folder of its own, and if that is open nothing is listened on.
func TestOpenFolder(t *testing.T) {
	data := t.TempDir()
	if err := os.Chmod(data, 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := handover.Listen(data)
	if err != nil {
		t.Fatal("in a data folder that is open to others:", err)
	}
	l.Close()
	if err := os.Chmod(filepath.Join(data, "control"), 0o755); err != nil {
		t.Fatal(err)
	}
	if l, err := handover.Listen(data); err == nil {
		l.Close()
		t.Error("it listens in a folder that is open to others")
	}
}

// TestBounds sends what no message may be.
func TestBounds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("a very long name ", 7)) // longer than a socket's may be
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := handover.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, _, err := handover.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, _, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := a.Send(handover.KindSession, make([]byte, handover.MaxBody+1)); !errors.Is(err, handover.ErrMessage) {
		t.Error("too many bytes:", err)
	}
	if err := a.Send(handover.KindSession, nil, make([]int, handover.MaxFiles+1)...); !errors.Is(err, handover.ErrMessage) {
		t.Error("too many files:", err)
	}
	files := make([]int, handover.MaxFiles) // that many of standard input
	if err := a.Send(handover.KindSession, make([]byte, handover.MaxBody), files...); err != nil {
		t.Fatal("the most that is allowed:", err)
	}
	m, err := b.Receive()
	if err != nil || len(m.Body) != handover.MaxBody || len(m.Files) != handover.MaxFiles {
		t.Errorf("%v: %d bytes with %d files", err, len(m.Body), len(m.Files))
	}
	for _, f := range m.Files {
		f.Close()
	}
}
