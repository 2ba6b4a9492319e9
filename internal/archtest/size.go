package archtest

import (
	"fmt"
	"go/ast"
	"slices"
)

// budget limits how large things may grow. Lengths are lines; shares are in a
// hundred.
type budget struct {
	fileMedian, fileP90, fileMax          int
	functionMedian, functionP90           int
	functionLong, longShare, functionMax  int // at most longShare over functionLong
	packageFiles, packageLines, enoughFor int // medians and shares need enoughFor files
}

// houseBudget is what the best codebases of the field keep to; see
// CONTRIBUTING.md.
var houseBudget = budget{
	fileMedian: 150, fileP90: 450, fileMax: 700,
	functionMedian: 12, functionP90: 45, functionLong: 60, longShare: 4, functionMax: 120,
	packageFiles: 20, packageLines: 3500, enoughFor: 20,
}

// Sizes are what a tree measures, tests left out.
type Sizes struct {
	Files, Functions []int // lines of each, ascending
	Packages         int
	Lines            int
	TestLines        int
}

// Measure gives the sizes of a tree and its comments.
func Measure(t *Tree) (Sizes, Comments) {
	var s Sizes
	for _, p := range t.Packages {
		s.Packages++
		for _, f := range p.Files {
			if f.Test {
				s.TestLines += f.Lines
				continue
			}
			s.Lines += f.Lines
			s.Files = append(s.Files, f.Lines)
			for _, fn := range functions(f) {
				s.Functions = append(s.Functions, t.span(fn))
			}
		}
	}
	slices.Sort(s.Files)
	slices.Sort(s.Functions)
	return s, t.comments()
}

// Percentile gives the value that p in a hundred of ascending values do not
// exceed; of no values, 0.
func Percentile(ascending []int, p int) int {
	if len(ascending) == 0 {
		return 0
	}
	return ascending[max(0, (len(ascending)*p+99)/100-1)]
}

// functions lists a file's functions and methods.
func functions(f *File) []*ast.FuncDecl {
	var all []*ast.FuncDecl
	for _, d := range f.AST.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			all = append(all, fn)
		}
	}
	return all
}

// size holds the budget: each file, function and package, and the spread of
// all of them.
func size(t *Tree, b budget) []Finding {
	var all []Finding
	for _, p := range t.Packages {
		lines := 0
		for _, f := range p.Code() {
			if excused(f.Path, longFiles) {
				continue
			}
			lines += f.Lines
			if f.Lines > b.fileMax {
				all = append(all, Finding{
					f.Path, 0, fmt.Sprintf("%d lines, the limit is %d", f.Lines, b.fileMax),
					"give each of its nouns a file",
				})
			}
			all = append(all, t.longFunctions(f, b)...)
		}
		all = append(all, sizeOfPackage(p, lines, b)...)
	}
	return append(all, spread(t, b)...)
}

func (t *Tree) longFunctions(f *File, b budget) []Finding {
	var all []Finding
	for _, fn := range functions(f) {
		if n := t.span(fn); n > b.functionMax {
			all = append(all, Finding{
				f.Path, t.line(fn.Pos()), fmt.Sprintf("%s takes %d lines, the limit is %d", fn.Name.Name, n, b.functionMax),
				"make it a list of named steps",
			})
		}
	}
	return all
}

func sizeOfPackage(p *Package, lines int, b budget) []Finding {
	var all []Finding
	if n := len(p.Code()); n > b.packageFiles && !excused(p.Dir, bigPackages) {
		all = append(all, Finding{
			p.Dir, 0, fmt.Sprintf("%d files, the limit is %d", n, b.packageFiles),
			"find the second noun in it and give that a room",
		})
	}
	if lines > b.packageLines && !excused(p.Dir, bigPackages) {
		all = append(all, Finding{
			p.Dir, 0, fmt.Sprintf("%d lines, the limit is %d", lines, b.packageLines),
			"find the second noun in it and give that a room",
		})
	}
	return all
}

// spread holds medians, ninetieths and the share of long functions over the
// whole tree.
func spread(t *Tree, b budget) []Finding {
	s, _ := Measure(t)
	if len(s.Files) < b.enoughFor {
		return nil
	}
	long := 0
	for _, n := range s.Functions {
		if n > b.functionLong {
			long++
		}
	}
	var all []Finding
	for _, m := range []struct {
		what        string
		have, limit int
	}{
		{"lines of the median file", Percentile(s.Files, 50), b.fileMedian},
		{"lines of the ninetieth file in a hundred", Percentile(s.Files, 90), b.fileP90},
		{"lines of the median function", Percentile(s.Functions, 50), b.functionMedian},
		{"lines of the ninetieth function in a hundred", Percentile(s.Functions, 90), b.functionP90},
		{fmt.Sprintf("functions in a thousand over %d lines", b.functionLong), 1000 * long / max(1, len(s.Functions)), 10 * b.longShare},
	} {
		if m.have > m.limit {
			all = append(all, Finding{
				".", 0, fmt.Sprintf("%d %s, the limit is %d", m.have, m.what, m.limit),
				"split the largest until it fits",
			})
		}
	}
	return all
}
