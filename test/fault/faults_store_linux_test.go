package fault

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// storeRows are faults of what is stored. In each of them every device over
// TCP has to connect anew while it lasts, and every other gets a new address.
func storeRows(t *testing.T) []row {
	full := row{name: "store full", how: "a tmpfs of 64 MiB, filled up for 20 s", run: func(w *world) {
		ballast := fill(w.t, filepath.Join(w.Options.Data, "ballast"))
		w.disturb(20 * time.Second)
		if err := os.Remove(ballast); err != nil {
			w.t.Error(err)
		}
	}}
	dir, err := smallDisk(t)
	full.options.Data = dir
	if err != nil {
		full.skipped = "no tmpfs can be mounted here: " + err.Error()
	}
	return []row{
		full,
		{name: "store not writable", how: "RLIMIT_FSIZE 0 for 20 s: every write to a file fails, reading goes on", run: func(w *world) {
			old := w.limitFiles(unix.Rlimit{Cur: 0, Max: unix.RLIM_INFINITY})
			w.disturb(20 * time.Second)
			w.limitFiles(old)
		}},
		{name: "store slow", how: "another process holds the database's write lock for 3 of every 4 s, for 20 s", run: func(w *world) {
			w.tcp.Reset()
			w.udp.Rebind()
			for range 5 {
				w.lockStore(3 * time.Second)
				w.pause(time.Second)
			}
		}},
	}
}

// disturb has devices connect anew while something is wrong.
func (w *world) disturb(d time.Duration) {
	w.pause(time.Second)
	w.tcp.Reset()
	w.udp.Rebind()
	w.pause(d)
}

// smallDisk mounts a file system that is soon full.
func smallDisk(t *testing.T) (string, error) {
	dir := t.TempDir()
	if err := unix.Mount("cyan-fault", dir, "tmpfs", 0, "size=64m"); err != nil {
		return "", err
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(dir, "data"), nil
}

// fill writes a file until there is no space left.
func fill(t testing.TB, path string) string {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			size /= 16
		}
	}
	return path
}

// limitFiles bounds how long files may become that the cloud's process writes.
func (w *world) limitFiles(to unix.Rlimit) (old unix.Rlimit) {
	w.t.Helper()
	if err := unix.Prlimit(w.Process().Pid, unix.RLIMIT_FSIZE, &to, &old); err != nil {
		w.t.Fatal(err)
	}
	return old
}

func (w *world) open() *sql.DB {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.Database()+"?_pragma=busy_timeout(10000)")
	if err != nil {
		w.t.Fatal(err)
	}
	return db
}

// execute changes the database behind the cloud's back.
func (w *world) execute(statement string) {
	w.t.Helper()
	db := w.open()
	defer db.Close()
	if _, err := db.ExecContext(w.t.Context(), statement); err != nil {
		w.t.Fatal(statement, err)
	}
}

// lockStore keeps everybody else from writing for a while.
func (w *world) lockStore(d time.Duration) {
	w.t.Helper()
	db := w.open()
	defer db.Close()
	conn, err := db.Conn(w.t.Context())
	if err == nil {
		defer conn.Close()
		_, err = conn.ExecContext(w.t.Context(), "BEGIN IMMEDIATE")
	}
	if err != nil {
		w.t.Error("locking the database:", err)
		return
	}
	w.pause(d)
	if _, err := conn.ExecContext(context.WithoutCancel(w.t.Context()), "ROLLBACK"); err != nil {
		w.t.Error(err)
	}
}
