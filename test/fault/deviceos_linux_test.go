package fault

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// joinReal has real Device OS take part, where CYAN_DEVICE_OS says that there
// is some; the package's doc says what is in that folder.
func joinReal(t *testing.T, w *world) {
	t.Helper()
	dir := os.Getenv("CYAN_DEVICE_OS")
	if dir == "" {
		return
	}
	program := filepath.Join(dir, "cyan-device")
	list, err := exec.CommandContext(t.Context(), program, "list").Output()
	if err != nil {
		t.Fatal(program, err)
	}
	var joined []*member
	for line := range strings.Lines(string(list)) {
		version, transport, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			t.Fatalf("%s lists %q", program, line)
		}
		joined = append(joined, startReal(t, w, program, version, transport))
	}
	for _, m := range joined {
		w.Settled(m.id, 1)
	}
	w.members = append(w.members, joined...)
}

// startReal registers a device and switches it on.
func startReal(t *testing.T, w *world, program, version, transport string) *member {
	t.Helper()
	state := filepath.Join(t.TempDir(), "device")
	id, err := exec.CommandContext(t.Context(), program, "new", version, transport, state).Output()
	if err != nil {
		t.Fatal(program, err)
	}
	public, err := os.ReadFile(filepath.Join(state, "public.pem"))
	if err != nil {
		t.Fatal(err)
	}
	m := &member{id: strings.TrimSpace(string(id)), function: "echo", kind: version + " " + transport}
	algorithm, key, at := "ecc", app.FilePubEC, w.udp.Addr()
	if transport == "tcp" {
		m.cfg.Transport = sim.TCP
		algorithm, key, at = "rsa", app.FilePubRSA, w.tcp.Addr()
	}
	status, body := w.Do(http.MethodPost, rest.PathProvision(m.id), url.Values{
		"deviceID": {m.id}, "algorithm": {algorithm}, "filename": {"test"}, "publicKey": {string(public)},
	})
	if status != http.StatusOK {
		t.Fatalf("registering %s: %d %s", m.kind, status, body)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "run", version, transport, state, w.KeyFile(key), at)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it says that it was killed
	})
	return m
}
