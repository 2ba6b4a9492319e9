package sqlite

import (
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/cyan-cloud/cyan/cloud/fault"
)

// TestShrink gives back a full cache: all that was written is there as before,
// and can be written on. Of a closed database nothing can be given back.
func TestShrink(t *testing.T) {
	files := fstest.MapFS{"migrations/0001_a.sql": &fstest.MapFile{Data: []byte(`CREATE TABLE a (id INTEGER PRIMARY KEY, b BLOB)`)}}
	write, read, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "a.db"), Migrations: files})
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	for range 2 {
		tx, err := write.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			if _, err := tx.ExecContext(t.Context(), `INSERT INTO a (b) VALUES (zeroblob(4000))`); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := Shrink(t.Context(), write); err != nil {
			t.Error(err)
		}
	}
	var n, bytes int
	if err := read.QueryRowContext(t.Context(), `SELECT COUNT(*), SUM(LENGTH(b)) FROM a`).Scan(&n, &bytes); err != nil || n != 2000 || bytes != 2000*4000 {
		t.Errorf("%d rows of %d bytes: %v", n, bytes, err)
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Shrink(t.Context(), write); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a closed one gives %v", err)
	}
}
