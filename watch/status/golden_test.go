package status_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/cyan-cloud/cyan/watch/status"
)

var (
	update  = flag.Bool("update", false, "write what came out to the transcripts")
	preview = flag.String("preview", "", "write the page in each state below this folder, to look at")
)

// TestGolden compares every format of every state with what it was.
func TestGolden(t *testing.T) {
	for name, v := range scenes(t, 3, 3) {
		t.Run(name, func(t *testing.T) { golden(t, name, v, v.At.Add(2*time.Second), paths(v)) })
	}
	stale := scenes(t, 3, 3)["green"]
	t.Run("stale", func(t *testing.T) { golden(t, "stale", stale, stale.At.Add(4*time.Minute), paths(stale)) })
}

// paths are all that a view serves, but for what says the same twice.
func paths(v *status.View) []string {
	list := slices.DeleteFunc(status.Paths(), func(p string) bool { return p == "/index.json" })
	for _, i := range v.Incidents {
		list = append(list, "/incidents/"+i.ID)
	}
	for _, w := range v.Windows {
		list = append(list, "/maintenance/"+w.ID)
	}
	return list
}

func golden(t *testing.T, name string, v *status.View, now time.Time, list []string) {
	file := filepath.Join("testdata", name+".txtar")
	got := &txtar.Archive{}
	for _, path := range list {
		body, kind, err := v.Render(path, now)
		if err != nil || body == nil {
			t.Fatalf("%s: %v", path, err)
		}
		wellFormed(t, path, kind, body)
		got.Files = append(got.Files, txtar.File{Name: path, Data: trimmed(body)})
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range got.Files {
		old := ""
		if i < len(want.Files) && want.Files[i].Name == f.Name {
			old = string(want.Files[i].Data)
		}
		if diff := cmp.Diff(old, string(f.Data)); diff != "" {
			t.Errorf("%s (-want +got; -update writes it)\n%s", f.Name, diff)
		}
	}
}

// trimmed leaves style and script out: they are files of their own.
func trimmed(body []byte) []byte {
	text := string(body)
	for _, tag := range []string{"style", "script"} {
		if from := strings.Index(text, "<"+tag+">"); from >= 0 {
			to := strings.Index(text, "</"+tag+">")
			text = text[:from] + "<" + tag + ">…" + text[to:]
		}
	}
	return []byte(strings.TrimRight(text, "\n") + "\n")
}

// wellFormed reads what was written the way a program would.
func wellFormed(t *testing.T, path, kind string, body []byte) {
	t.Helper()
	switch {
	case strings.Contains(kind, "json"):
		if !json.Valid(body) {
			t.Errorf("%s is no JSON", path)
		}
	case strings.Contains(kind, "xml"):
		for d := xml.NewDecoder(strings.NewReader(string(body))); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%s: %v", path, err)
				break
			}
		}
	}
}

// TestPreview writes the page in each state to files, to look at:
//
//	go test ./watch/status -run Preview -preview /tmp/shots
func TestPreview(t *testing.T) {
	dir := *preview
	if dir == "" {
		dir = t.TempDir()
	}
	for name, v := range scenes(t, 30, 90) {
		// A browser reckons by its own clock: what was made in 2020 is old.
		v.Fresh = 100 * 365 * 24 * time.Hour
		if err := v.Export(filepath.Join(dir, name), v.At); err != nil {
			t.Fatal(err)
		}
	}
	v := scenes(t, 30, 90)["green"]
	if err := v.Export(filepath.Join(dir, "stale"), v.At); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "partial", "index.html"))
	if err != nil || len(page) < 10_000 || len(page) > 100_000 {
		t.Errorf("the page of an outage has %d bytes: %v", len(page), err)
	}
}
