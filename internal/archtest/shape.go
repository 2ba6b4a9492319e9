package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

const methodLimit = 5 // methods of an interface

// interfaces keeps interfaces small, embedded ones of the same package counted
// in.
func interfaces(t *Tree) []Finding {
	var all []Finding
	for _, p := range t.Packages {
		declared := interfacesOf(p)
		for _, f := range p.Code() {
			for _, spec := range types(f) {
				i, ok := spec.Type.(*ast.InterfaceType)
				if !ok {
					continue
				}
				if n := methods(i, declared, nil); n > methodLimit {
					all = append(all, Finding{
						f.Path, t.line(spec.Pos()), fmt.Sprintf("%s has %d methods, the limit is %d", spec.Name.Name, n, methodLimit),
						"ask only for what this caller needs",
					})
				}
			}
		}
	}
	return all
}

// types lists a file's top-level type declarations.
func types(f *File) []*ast.TypeSpec {
	var all []*ast.TypeSpec
	for _, d := range f.AST.Decls {
		if g, ok := d.(*ast.GenDecl); ok {
			for _, s := range g.Specs {
				if spec, ok := s.(*ast.TypeSpec); ok {
					all = append(all, spec)
				}
			}
		}
	}
	return all
}

func interfacesOf(p *Package) map[string]*ast.InterfaceType {
	declared := make(map[string]*ast.InterfaceType)
	for _, f := range p.Code() {
		for _, spec := range types(f) {
			if i, ok := spec.Type.(*ast.InterfaceType); ok {
				declared[spec.Name.Name] = i
			}
		}
	}
	return declared
}

// methods counts what an interface asks for. An embedded interface of another
// package counts as one; within guards against a cycle.
func methods(i *ast.InterfaceType, declared map[string]*ast.InterfaceType, within []string) int {
	n := 0
	for _, field := range i.Methods.List {
		n += len(field.Names)
		if len(field.Names) > 0 {
			continue
		}
		switch x := field.Type.(type) {
		case *ast.Ident:
			inner := declared[x.Name]
			if inner != nil && !strings.Contains(strings.Join(within, " ")+" ", x.Name+" ") {
				n += methods(inner, declared, append(within, x.Name))
			}
		case *ast.SelectorExpr:
			n++
		}
	}
	return n
}

// noInit keeps the flow followable: nothing runs because it was imported.
func noInit(t *Tree) []Finding {
	var all []Finding
	for _, p := range t.Packages {
		for _, f := range p.Files {
			for _, fn := range functions(f) {
				if fn.Name.Name == "init" && fn.Recv == nil {
					all = append(all, Finding{f.Path, t.line(fn.Pos()), "init()", "call it from app, where all wiring stands"})
				}
			}
		}
	}
	return all
}

// packageVariables allows errors and tables, and nothing that changes.
func packageVariables(t *Tree) []Finding {
	var all []Finding
	for _, p := range t.Packages {
		for _, f := range p.Code() {
			for _, d := range f.AST.Decls {
				g, ok := d.(*ast.GenDecl)
				if !ok || g.Tok != token.VAR {
					continue
				}
				for _, s := range g.Specs {
					all = append(all, t.variables(p, f, g, s.(*ast.ValueSpec))...)
				}
			}
		}
	}
	return all
}

func (t *Tree) variables(p *Package, f *File, g *ast.GenDecl, s *ast.ValueSpec) []Finding {
	var all []Finding
	for i, name := range s.Names {
		if name.Name == "_" || embedded(g, s) || excused(p.Dir+"."+name.Name, variablesByName) {
			continue
		}
		var value ast.Expr
		if i < len(s.Values) {
			value = s.Values[i]
		}
		if !constant(value) && !renamed(name.Name, value) {
			all = append(all, Finding{
				f.Path, t.line(name.Pos()), "package variable " + name.Name + " is neither an error nor a table",
				"make it a constant, a field of a Config or a local",
			})
		}
	}
	return all
}

// embedded tells whether a variable is filled by a go:embed directive.
func embedded(g *ast.GenDecl, s *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{g.Doc, s.Doc} {
		if doc == nil {
			continue
		}
		for _, c := range doc.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				return true
			}
		}
	}
	return false
}

// renamed tells whether a variable is another room's error under a name of
// this one.
func renamed(name string, value ast.Expr) bool {
	s, ok := value.(*ast.SelectorExpr)
	return ok && strings.HasPrefix(name, "Err") && strings.HasPrefix(s.Sel.Name, "Err")
}

// Functions whose result is as good as a constant.
var constructors = map[string]bool{
	"errors.New": true, "fmt.Errorf": true, "fault.E": true, "fault.Errorf": true,
	"regexp.MustCompile": true, "strings.NewReplacer": true, "template.Must": true,
	"netip.MustParseAddr": true, "netip.MustParseAddrPort": true, "netip.MustParsePrefix": true,
	"time.Date": true, "crc32.MakeTable": true, "crc64.MakeTable": true, "big.NewInt": true,
	"base64.NewEncoding": true, "base32.NewEncoding": true,
}

// constant tells whether a value is an error or a table: a composite literal
// that holds something, a conversion of a literal, or the result of one of
// the constructors.
func constant(value ast.Expr) bool {
	switch v := value.(type) {
	case *ast.CompositeLit:
		return len(v.Elts) > 0
	case *ast.SliceExpr:
		return true // a part of a table
	case *ast.CallExpr:
		if constructors[qualified(v.Fun)] {
			return true
		}
		if s, ok := v.Fun.(*ast.SelectorExpr); ok { // a method of one of these, as time.Date(…).Unix()
			return constant(s.X)
		}
		if _, ok := v.Fun.(*ast.ArrayType); ok && len(v.Args) == 1 { // []byte("…")
			_, literal := v.Args[0].(*ast.BasicLit)
			return literal
		}
	}
	return false
}
