package sqlite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// schemaOf lists what a database is made of.
func schemaOf(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT type || ' ' || name, COALESCE(sql, '') FROM sqlite_schema`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	schema := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		schema[name] = text
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return schema
}

// Every older schema leads to the same newest one, and migrating again
// changes nothing.
func TestMigrateFromEverySchema(t *testing.T) {
	steps, err := migrations(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	for from := 0; from <= len(steps); from++ {
		db, err := sql.Open("sqlite", dsn(Config{Path: filepath.Join(t.TempDir(), "cyan.db")}, writing))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, until := range []int{from, len(steps), len(steps)} {
			if err := migrate(t.Context(), db, steps[:until]); err != nil {
				t.Fatalf("from schema %d: %v", from, err)
			}
			if at, err := schemaVersion(context.Background(), db); err != nil || at != until {
				t.Fatalf("schema %d (%v), want %d", at, err, until)
			}
		}
		got := schemaOf(t, db)
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("from schema %d another one comes out (-want +got):\n%s", from, diff)
		}
	}
	for _, table := range []string{"meta", "users", "tokens", "devices", "device_keys", "sessions", "attempts"} {
		if want["table "+table] == "" {
			t.Errorf("there is no table %s", table)
		}
	}
}

// A step that another process has made meanwhile is not made again.
func TestMigrateStepMadeMeanwhile(t *testing.T) {
	db, err := sql.Open("sqlite", dsn(Config{Path: filepath.Join(t.TempDir(), "cyan.db")}, writing))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	steps := []migration{{1, "0001_a.sql", `CREATE TABLE a (id BIGINT)`}, {2, "0002_b.sql", `CREATE TABLE b (id BIGINT)`}}
	if err := migrate(t.Context(), db, steps); err != nil {
		t.Fatal(err)
	}
	for _, m := range steps {
		if err := m.run(t.Context(), db); err != nil {
			t.Errorf("%s again: %v", m.name, err)
		}
	}
	if at, err := schemaVersion(t.Context(), db); err != nil || at != 2 {
		t.Errorf("schema %d (%v), want 2", at, err)
	}
}

// A step that goes wrong leaves the schema of the one before.
func TestMigrateStepFails(t *testing.T) {
	db, err := sql.Open("sqlite", dsn(Config{Path: filepath.Join(t.TempDir(), "cyan.db")}, writing))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	steps := []migration{
		{1, "0001_good.sql", `CREATE TABLE good (id BIGINT)`},
		{2, "0002_bad.sql", `CREATE TABLE half (id BIGINT); CREATE TABLE good (id BIGINT)`},
	}
	if err := migrate(t.Context(), db, steps); err == nil {
		t.Fatal("a bad step passes")
	}
	if at, err := schemaVersion(t.Context(), db); err != nil || at != 1 {
		t.Errorf("schema %d (%v), want 1", at, err)
	}
	if _, half := schemaOf(t, db)["table half"]; half {
		t.Error("half of the bad step stays")
	}
	steps[1].text = `CREATE TABLE half (id BIGINT)`
	if err := migrate(t.Context(), db, steps); err != nil {
		t.Fatal(err)
	}
}

func TestMigrationNumbers(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("SELECT 1")}
	good := fstest.MapFS{"migrations/0001_a.sql": file, "migrations/0002_b.sql": file}
	if steps, err := migrations(good); err != nil || len(steps) != 2 || steps[1].version != 2 || steps[1].text != "SELECT 1" {
		t.Errorf("good numbers: %v, %v", steps, err)
	}
	for name, files := range map[string]fstest.MapFS{
		"a gap":       {"migrations/0001_a.sql": file, "migrations/0003_b.sql": file},
		"a duplicate": {"migrations/0001_a.sql": file, "migrations/0001_b.sql": file},
		"no number":   {"migrations/start.sql": file},
	} {
		if _, err := migrations(files); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}
