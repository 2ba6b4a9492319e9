package archtest

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// Standard packages that bring the outside world into code that should only
// know bytes and values.
var impure = []string{
	"context", "crypto/rand", "crypto/tls", "database/sql", "expvar", "io/ioutil", "log", "log/slog",
	"math/rand", "math/rand/v2", "net", "net/http", "net/smtp", "net/textproto", "os", "os/exec", "os/signal",
	"os/user", "runtime", "runtime/debug", "syscall", "unsafe",
}

// Functions of package time that read or follow the clock.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep"}

// purity keeps wire sans-IO: no sockets, files, logs, randomness of its own,
// goroutines or clock.
func purity(t *Tree) []Finding {
	var all []Finding
	for _, p := range t.Packages {
		if !matches("wire/...", p.Dir) {
			continue
		}
		for _, f := range p.Code() {
			for _, i := range t.imports(f) {
				if slices.Contains(impure, i.path) {
					all = append(all, Finding{
						f.Path, i.line, "wire is pure and may not import " + i.path,
						"take what you need from it as an argument",
					})
				}
			}
			all = append(all, t.impureCode(f)...)
		}
	}
	return all
}

// impureCode finds goroutines and readings of the clock.
func (t *Tree) impureCode(f *File) []Finding {
	var all []Finding
	ast.Inspect(f.AST, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			all = append(all, Finding{
				f.Path, t.line(n.Pos()), "wire starts no goroutine",
				"give the caller a value and let the caller decide where it runs",
			})
		case *ast.SelectorExpr:
			if name := qualified(n); strings.HasPrefix(name, "time.") && slices.Contains(clocks, n.Sel.Name) {
				all = append(all, Finding{
					f.Path, t.line(n.Pos()), fmt.Sprintf("wire has no clock, but this is %s", name),
					"take now as an argument",
				})
			}
		}
		return true
	})
	return all
}

// qualified gives "pkg.Name" for such a selector, and "" for any other
// expression.
func qualified(e ast.Expr) string {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return x.Name + "." + s.Sel.Name
}
