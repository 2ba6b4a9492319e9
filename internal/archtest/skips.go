package archtest

import (
	"go/ast"
	"slices"
)

// skips finds tests that may hide a failure by not running.
func skips(t *Tree) []Finding {
	var all []Finding
	for _, p := range t.Packages {
		for _, f := range p.Files {
			if !f.Test || excused(f.Path, skippingTests) {
				continue
			}
			ast.Inspect(f.AST, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && isSkip(call) {
					all = append(all, Finding{
						f.Path, t.line(call.Pos()), "a skipped test proves nothing and looks green",
						"let it run or fail, or list the file in internal/archtest/exempt.go with the reason",
					})
				}
				return true
			})
		}
	}
	return all
}

// isSkip tells calls of a test's Skip methods from others of that name, which
// take something else than a message: those are called on no t, b, f or tb.
func isSkip(call *ast.CallExpr) bool {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, s.Sel.Name) {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && slices.Contains([]string{"t", "b", "f", "tb"}, x.Name)
}
