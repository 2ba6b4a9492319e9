package archtest

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
)

const (
	reasonsRoom = "cloud/device"
	reasonsFile = "docs/runbook/reasons.md"
)

// reasons wants every reason code of a failed attempt or an ended session to
// be explained in the runbook, and none that does not exist.
func reasons(t *Tree) []Finding {
	doc, err := t.lines(reasonsFile)
	if err != nil {
		return []Finding{{reasonsFile, 0, "it is missing", "say what each reason code means and what to do"}}
	}
	declared := t.reasonCodes()
	var all []Finding
	var explained []string
	for _, l := range doc {
		cells := strings.Split(l.Text, "`")
		if len(cells) < 3 || cells[0] != "| " {
			continue
		}
		explained = append(explained, cells[1])
		if !slices.ContainsFunc(declared, func(d Line) bool { return d.Text == cells[1] }) {
			all = append(all, Finding{l.Path, l.Num, cells[1] + " is no reason code", "delete or correct the row"})
		}
	}
	for _, d := range declared {
		if !slices.Contains(explained, d.Text) {
			all = append(all, Finding{d.Path, d.Num, d.Text + " stands nowhere in " + reasonsFile, "give it a row there"})
		}
	}
	return all
}

// reasonCodes lists the values of the constants of type Reason.
func (t *Tree) reasonCodes() []Line {
	var all []Line
	for _, p := range t.Packages {
		if p.Dir != reasonsRoom {
			continue
		}
		for _, f := range p.Code() {
			ast.Inspect(f.AST, func(n ast.Node) bool {
				if code := reasonCode(n); code != "" {
					all = append(all, Line{f.Path, t.line(n.Pos()), code})
				}
				return true
			})
		}
	}
	return all
}

// reasonCode gives the code that a declaration makes, and "" for any other
// node.
func reasonCode(n ast.Node) string {
	s, ok := n.(*ast.ValueSpec)
	if !ok || len(s.Values) != 1 {
		return ""
	}
	typ, ok := s.Type.(*ast.Ident)
	if !ok || typ.Name != "Reason" {
		return ""
	}
	lit, ok := s.Values[0].(*ast.BasicLit)
	if !ok {
		return ""
	}
	code, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return code
}
