package fault

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
)

func everybody(*member) bool { return true }

// overUDP are the devices whose sessions outlive a crash.
func overUDP(m *member) bool { return m.cfg.Transport == sim.UDP }

// processRows are faults of the cloud's process.
func processRows() []row {
	return []row{
		{name: "kill -9", how: "SIGKILL, and a new process at once", fast: true, real: true, quiet: overUDP, run: func(w *world) {
			w.Kill()
			w.Again()
		}},
		{name: "kill -9, 20 s down", how: "SIGKILL, and a new process 20 s later", quiet: overUDP, run: func(w *world) {
			w.Kill()
			w.pause(20 * time.Second)
			w.Again()
		}},
		{name: "frozen 5 s", how: "SIGSTOP, SIGCONT", run: func(w *world) { w.freeze(5 * time.Second) }},
		{name: "frozen 60 s", how: "SIGSTOP, SIGCONT", long: true, run: func(w *world) { w.freeze(time.Minute) }},
		{name: "upgrade", how: "the process hands over to another", fast: true, real: true, quiet: everybody, run: func(w *world) {
			if _, err := w.Upgrade(""); err != nil {
				w.t.Error(err)
			}
		}},
		{name: "upgrade aborted", how: "to programs that are missing, fail, or end at once", fast: true, quiet: everybody, run: upgradeToNothing},
		{name: "key files missing at start", how: "killed, and started without its keys: it refuses", fast: true, quiet: overUDP, run: startWithoutKeys},
		{name: "restored from an old backup", how: "the data folder as it was, while it went on; killed", quiet: overUDP, before: backUp, run: func(w *world) {
			w.pause(10 * time.Second)
			w.Kill()
			copyFolder(w.t, w.Options.Data+".backup", w.Options.Data)
			w.Again()
		}},
		{name: "sessions lost", how: "killed, and its sessions removed: limbo L1", long: true, real: true, promise: keysLost, run: func(w *world) {
			w.Kill()
			w.execute("DELETE FROM sessions")
			w.Again()
		}},
		{name: "device doubled", how: "every second device runs twice, with the same keys, for 20 s; a session over UDP that the other took is lost: limbo L1", long: true, promise: keysLost, run: doubleDevices},
		{name: "clock step", skipped: "no process's clock can be set here without the whole machine's; test/detsim steps the clock of simulated clouds"},
	}
}

func (w *world) signal(s syscall.Signal) {
	w.t.Helper()
	if err := w.Process().Signal(s); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) freeze(d time.Duration) {
	w.signal(syscall.SIGSTOP)
	w.pause(d)
	w.signal(syscall.SIGCONT)
}

func upgradeToNothing(w *world) {
	dir := w.t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			w.t.Fatal(err)
		}
		return path
	}
	for _, program := range []string{filepath.Join(dir, "missing"), script("fails", "exit 3"), script("ends", "exit 0")} {
		if r, err := w.Upgrade(program); err == nil {
			w.t.Errorf("%s took over: %+v", program, r)
		}
	}
}

// startWithoutKeys takes one of the server's keys away, and then both: a cloud
// that made new ones would be a stranger to every device.
func startWithoutKeys(w *world) {
	w.Kill()
	keys := filepath.Join(w.Options.Data, "keys")
	for _, missing := range []string{filepath.Join(keys, "server-ec.pem"), keys} {
		if err := os.Rename(missing, missing+".away"); err != nil {
			w.t.Fatal(err)
		}
		if !w.Refuses() {
			w.ledger.Wrong("the cloud has started without %s", filepath.Base(missing))
		}
		_ = os.RemoveAll(missing) // what it made
		if err := os.Rename(missing+".away", missing); err != nil {
			w.t.Fatal(err)
		}
	}
	w.Again()
}

// backUp copies the data folder as the runbook says: with the cloud stopped.
func backUp(w *world) {
	w.Stop()
	copyFolder(w.t, w.Options.Data, w.Options.Data+".backup")
	w.Again()
	w.heal()
	if took := w.recovery(keysKept); len(took) != len(w.members) {
		w.t.Fatal("not all devices are back after a restart")
	}
	w.healed = time.Time{}
}

// copyFolder makes a folder the same as another, which only its owner can open,
// as all in it.
func copyFolder(t testing.TB, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o700) // CopyFS keeps the modes of files only
	})
	if err != nil {
		t.Fatal(err)
	}
}

func doubleDevices(w *world) {
	var twins []*harness.Device
	for i, m := range w.members {
		if i/2%2 == 0 { // of each transport
			twins = append(twins, w.Cloud.Run(m.cfg, w.wiring(m.cfg.Transport)))
		}
	}
	w.pause(20 * time.Second)
	for _, d := range twins {
		d.Unplug()
	}
}
