package store_test

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// Acknowledgements are only as good as these settings.
func TestSettings(t *testing.T) {
	s, _ := openFile(t, store.Config{})
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "3000", "trusted_schema": "0",
	} {
		got, err := store.QueryOnWriter(s, "PRAGMA "+pragma)
		must(t, err)
		if got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
}

// A path is a path, whatever is in it.
func TestOddPaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, path := range []string{
		filepath.Join(dir, "a b", "100%41?mode=memory&x#y.db"), "relative.db", filepath.Join("sub", "with:colon.db"), filepath.Join(dir, "Ä.db"),
	} {
		if runtime.GOOS == "windows" && strings.ContainsAny(filepath.Base(path), "?:") {
			continue
		}
		s, err := store.Open(t.Context(), store.Config{Path: path})
		must(t, err)
		addDevice(t, s, 1)
		must(t, s.Close())
		info, err := os.Stat(path)
		must(t, err)
		if info.Size() == 0 {
			t.Errorf("%s is empty", path)
		}
	}
}

// refused checks that the file cannot be opened, that the sentence says why,
// and that the file is left as it was.
func refused(t *testing.T, path, sentence string) {
	t.Helper()
	before, err := os.ReadFile(path)
	must(t, err)
	s, err := store.Open(t.Context(), store.Config{Path: path})
	if err == nil {
		_ = s.Close()
		t.Fatal("the file is opened")
	}
	wantKind(t, "open", err, fault.Unavailable)
	if !strings.Contains(err.Error(), sentence) {
		t.Errorf("error %q does not say %q", err, sentence)
	}
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
}

func TestNotADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cyan.db")
	must(t, os.WriteFile(path, bytes.Repeat([]byte("not a database. "), 1024), 0o600))
	refused(t, path, "damaged or not a database")
}

func TestDamaged(t *testing.T) {
	s, path := openFile(t, store.Config{})
	for n := range uint32(150) {
		addDevice(t, s, n)
	}
	must(t, s.Close())
	whole, err := os.ReadFile(path)
	must(t, err)
	t.Run("overwritten in the middle", func(t *testing.T) {
		file := bytes.Clone(whole)
		const page = 4096
		for i := len(file) / 2 / page * page; i < len(file); i++ {
			file[i] = 0xa5
		}
		must(t, os.WriteFile(path, file, 0o600))
		refused(t, path, "damaged or not a database")
	})
	t.Run("truncated", func(t *testing.T) {
		must(t, os.WriteFile(path, whole[:len(whole)/2], 0o600))
		refused(t, path, "damaged or not a database")
	})
	must(t, os.WriteFile(path, whole, 0o600))
	s, err = store.Open(t.Context(), store.Config{Path: path})
	must(t, err)
	must(t, s.Close())
}

func TestAnotherProgramsDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	db, err := sql.Open("sqlite", path)
	must(t, err)
	_, err = db.ExecContext(t.Context(), `CREATE TABLE recipes (id INTEGER)`)
	must(t, err)
	must(t, db.Close())
	refused(t, path, "another program")
}

func TestNewerSchema(t *testing.T) {
	s, path := openFile(t, store.Config{})
	must(t, store.ExecOnWriter(s, `UPDATE meta SET value = '999' WHERE key = 'schema'`))
	must(t, s.Close())
	refused(t, path, "a newer cyan has used it")
	refused(t, path, "schema 999")
}

func TestFolderThatCannotBeMade(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	_, err := store.Open(t.Context(), store.Config{Path: filepath.Join(dir, "file", "cyan.db")})
	wantKind(t, "open below a file", err, fault.Unavailable)
	_, err = store.Open(t.Context(), store.Config{Path: dir})
	wantKind(t, "open a folder", err, fault.Unavailable)
}

// Two processes may start on a new file at the same time.
func TestOpenedTwiceAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cyan.db")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := store.Open(t.Context(), store.Config{Path: path})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
