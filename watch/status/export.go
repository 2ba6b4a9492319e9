package status

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Export writes all that the site serves as files below a folder, for a second
// host that knows nothing but files. Each file is replaced whole, the front
// page last: who reads meanwhile finds an old page or a new one.
func (v *View) Export(dir string, now time.Time) error {
	paths := Paths()[1:]
	for _, i := range v.Incidents {
		if _, drawn := v.Charts[i.ID]; drawn {
			paths = append(paths, "/incidents/"+i.ID+"/series.json")
		}
		paths = append(paths, "/incidents/"+i.ID, "/i/"+itoa(i.Number))
	}
	for _, w := range v.Windows {
		if _, drawn := v.Charts[w.ID]; drawn {
			paths = append(paths, "/maintenance/"+w.ID+"/series.json")
		}
		paths = append(paths, "/maintenance/"+w.ID, "/m/"+itoa(w.Number))
	}
	for _, path := range append(paths, "/") {
		body, _, err := v.Render(path, now)
		if err != nil {
			return err
		}
		if err := replace(filepath.Join(dir, file(path)), body); err != nil {
			return err
		}
	}
	return nil
}

// file gives the name that a path has on a host of files.
func file(path string) string {
	if !strings.Contains(filepath.Base(path), ".") {
		path += "/index.html"
	}
	return filepath.FromSlash(path)
}

// replace writes a file beside the old one and moves it there.
func replace(name string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	next := name + ".next"
	if err := os.WriteFile(next, body, 0o644); err != nil {
		return err
	}
	return os.Rename(next, name)
}
