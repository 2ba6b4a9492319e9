package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// packageDocs wants every package to say what it is for.
func packageDocs(t *Tree) []Finding {
	var all []Finding
	for _, p := range t.Packages {
		if !documented(p) {
			all = append(all, Finding{
				p.Files[0].Path, t.line(p.Files[0].AST.Package), fmt.Sprintf("package %s has no doc", p.Name),
				fmt.Sprintf("say above one package clause what it is for, beginning with %q", opening(p.Files[0])),
			})
		}
	}
	return all
}

// opening gives the words that a package's doc begins with.
func opening(f *File) string {
	if f.AST.Name.Name == "main" {
		return "Command "
	}
	return "Package " + f.AST.Name.Name + " "
}

// documented looks for the doc in the code or, where there is only a test, in
// the test.
func documented(p *Package) bool {
	files := p.Code()
	if len(files) == 0 {
		files = p.Files
	}
	for _, f := range files {
		if strings.HasPrefix(f.AST.Doc.Text(), opening(f)) {
			return true
		}
	}
	return false
}

// undocumentedShare is how many of a hundred exported names outside of the
// rooms in fullyDocumented may have no doc.
const undocumentedShare = 3

// Rooms that strangers import: every exported name has its doc there.
var fullyDocumented = []string{"wire/...", "client"}

// exportDocs wants exported names to be documented: all in wire and client,
// nearly all elsewhere. Commands, tests and internal plumbing are not asked.
func exportDocs(t *Tree) []Finding {
	var must, rest []Finding
	total := 0
	for _, p := range t.Packages {
		if p.Name == "main" || matchesAny([]string{"internal/...", "test/..."}, p.Dir) {
			continue
		}
		for _, f := range p.Code() {
			missing, n := t.undocumented(f)
			if matchesAny(fullyDocumented, p.Dir) {
				must = append(must, missing...)
			} else {
				total += n
				rest = append(rest, missing...)
			}
		}
	}
	if len(rest)*100 > undocumentedShare*total {
		must = append(must, rest...)
	}
	return must
}

// undocumented lists a file's exported names that have no doc, and counts all
// that it exports.
func (t *Tree) undocumented(f *File) (missing []Finding, exported int) {
	note := func(name *ast.Ident, docs ...*ast.CommentGroup) {
		exported++
		for _, d := range docs {
			if strings.TrimSpace(d.Text()) != "" {
				return
			}
		}
		missing = append(missing, Finding{
			f.Path, t.line(name.Pos()), name.Name + " is exported and has no doc",
			"say what the code cannot: unit, owner, errors, source",
		})
	}
	for _, decl := range f.AST.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d))) {
				note(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				noteSpec(note, d, spec)
			}
		}
	}
	return missing, exported
}

// noteSpec notes the exported names of a type, const or var. The doc may stand
// above the group, above the line or behind it.
func noteSpec(note func(*ast.Ident, ...*ast.CommentGroup), d *ast.GenDecl, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() {
			note(s.Name, d.Doc, s.Doc, s.Comment)
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if name.IsExported() {
				note(name, d.Doc, s.Doc, s.Comment)
			}
		}
	}
}

// receiver gives the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// The house aims at 15 to 22 lines with a comment in a hundred lines of code.
// Outside of these wider bounds something is wrong: nothing is explained, or
// everything twice.
const (
	commentsLeast = 12
	commentsMost  = 28
)

// commentShare holds the share of comments of the whole tree.
func commentShare(t *Tree) []Finding {
	c := t.comments()
	if c.Code < 1000 { // too little to have a share
		return nil
	}
	switch share := c.Share(); {
	case share < commentsLeast:
		return []Finding{{".", 0, fmt.Sprintf("only %.1f %% of the lines carry a comment", share), "write down what the code cannot say"}}
	case share > commentsMost:
		return []Finding{{".", 0, fmt.Sprintf("%.1f %% of the lines carry a comment", share), "delete what the code says already"}}
	}
	return nil
}

// Comments counts the lines of code, blank lines left out, and those among
// them that carry a comment.
type Comments struct{ Code, Commented int }

// Share gives the commented lines in a hundred.
func (c Comments) Share() float64 { return 100 * float64(c.Commented) / float64(max(c.Code, 1)) }

// comments counts over the tree, tests left out.
func (t *Tree) comments() (c Comments) {
	for _, p := range t.Packages {
		for _, f := range p.Code() {
			for l := range strings.Lines(string(f.Text)) {
				if strings.TrimSpace(l) != "" {
					c.Code++
				}
			}
			carrying := make(map[int]bool)
			for _, group := range f.AST.Comments {
				for _, comment := range group.List {
					for l := t.line(comment.Pos()); l <= t.line(comment.End()-token.Pos(1)); l++ {
						carrying[l] = true
					}
				}
			}
			c.Commented += len(carrying)
		}
	}
	return c
}
