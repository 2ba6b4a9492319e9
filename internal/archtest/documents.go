package archtest

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

const (
	readmeLimit   = 120 // lines of README.md
	decisionLimit = 60  // lines of a decision record: one page
)

var markdownLink = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)

// documents keeps README and decision records short, and the links between
// the documents whole.
func documents(t *Tree) []Finding {
	var all []Finding
	err := fs.WalkDir(t.fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && skipped(d.Name()):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".md":
			return nil
		}
		text, err := t.lines(name)
		if err != nil {
			return err
		}
		all = append(all, t.document(name, text)...)
		return nil
	})
	if err != nil {
		all = append(all, Finding{".", 0, err.Error(), "make it readable"})
	}
	return all
}

// document checks one Markdown file.
func (t *Tree) document(name string, text []Line) []Finding {
	var all []Finding
	limit := 0
	switch {
	case name == "README.md":
		limit = readmeLimit
	case path.Dir(name) == "docs/decisions" && name != dependenciesFile:
		limit = decisionLimit
	}
	if limit > 0 && len(text) > limit {
		all = append(all, Finding{name, 0, fmt.Sprintf("%d lines, the limit is %d", len(text), limit), "move the detail to docs/guide or docs/protocol"})
	}
	for _, l := range text {
		for _, m := range markdownLink.FindAllStringSubmatch(l.Text, -1) {
			if strings.Contains(m[1], ":") {
				continue // elsewhere in the world
			}
			if _, err := fs.Stat(t.fsys, path.Join(path.Dir(name), m[1])); err != nil {
				all = append(all, Finding{name, l.Num, "a link to " + m[1] + ", which does not exist", "correct or drop it"})
			}
		}
	}
	return all
}
