package archtest

import (
	"cmp"
	"fmt"
	"slices"
)

// Rule is one rule of the house.
type Rule struct {
	Name  string
	Check func(*Tree) []Finding
}

// Rules gives every rule, in the order in which a newcomer would want to hear
// of them.
func Rules() []Rule {
	return []Rule{
		{"rooms", rooms},
		{"libraries", libraries},
		{"purity", purity},
		{"folders", folders},
		{"package-docs", packageDocs},
		{"export-docs", exportDocs},
		{"comment-share", commentShare},
		{"size", func(t *Tree) []Finding { return size(t, houseBudget) }},
		{"interfaces", interfaces},
		{"no-init", noInit},
		{"package-variables", packageVariables},
		{"dependencies", dependencies},
		{"skips", skips},
		{"promises", promises},
		{"reasons", reasons},
		{"documents", documents},
	}
}

// Finding is one place where a rule is broken.
type Finding struct {
	Path string
	Line int    // 0: the whole file or folder
	What string // what is wrong there
	Do   string // what to do about it
}

// String gives the finding as one line that an editor can jump to.
func (f Finding) String() string {
	at := f.Path
	if f.Line > 0 {
		at = fmt.Sprintf("%s:%d", f.Path, f.Line)
	}
	return fmt.Sprintf("%s: %s; %s", at, f.What, f.Do)
}

// sorted puts findings into the order of a directory listing.
func sorted(all []Finding) []Finding {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.What, b.What))
	})
	return all
}
