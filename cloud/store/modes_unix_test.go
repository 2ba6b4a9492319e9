//go:build unix

package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cyan-cloud/cyan/cloud/store"
)

// Nobody but the owner can read the session keys, even where the file was
// made by somebody careless.
func TestFileModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "of cyan")
	path := filepath.Join(dir, "cyan.db")
	s, _ := openFile(t, store.Config{Path: path})
	checkMode(t, dir, 0o700)
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		checkMode(t, name, 0o600)
	}
	must(t, s.Close())
	must(t, os.Chmod(path, 0o644))
	openFile(t, store.Config{Path: path})
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		checkMode(t, name, 0o600)
	}
}

func checkMode(t *testing.T, name string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(name)
	must(t, err)
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %v, want %v", name, got, want)
	}
}
