package archtest

import (
	"fmt"
	"slices"
	"strings"
)

const dependenciesFile = "docs/decisions/dependencies.md"

// dependencies wants one line of reason for every direct requirement of
// go.mod, and no line for what is gone.
func dependencies(t *Tree) []Finding {
	doc, err := t.lines(dependenciesFile)
	if err != nil {
		return []Finding{{dependenciesFile, 0, "it is missing", "list why each direct dependency is there"}}
	}
	var all []Finding
	var listed []string
	for _, l := range doc {
		module, reason := dependencyRow(l.Text)
		if module == "" {
			continue
		}
		listed = append(listed, module)
		if reason == "" {
			all = append(all, Finding{l.Path, l.Num, module + " is listed without a reason", "say what it is for and why this one"})
		}
		if !slices.ContainsFunc(t.Requires, func(r Line) bool { return r.Text == module }) {
			all = append(all, Finding{l.Path, l.Num, module + " is no direct dependency", "delete the line"})
		}
	}
	for _, r := range t.Requires {
		if !slices.Contains(listed, r.Text) {
			all = append(all, Finding{
				r.Path, r.Num, fmt.Sprintf("%s stands nowhere in %s", r.Text, dependenciesFile),
				"justify it in one line there, or do without it",
			})
		}
	}
	return all
}

// dependencyRow takes a module and its reason out of a table row
// "| `module` | for | why |".
func dependencyRow(text string) (module, reason string) {
	cells := strings.Split(text, "|")
	if len(cells) < 4 {
		return "", ""
	}
	name := strings.TrimSpace(cells[1])
	if !strings.HasPrefix(name, "`") || !strings.Contains(name, ".") {
		return "", ""
	}
	return strings.Trim(name, "`"), strings.TrimSpace(cells[len(cells)-2])
}
