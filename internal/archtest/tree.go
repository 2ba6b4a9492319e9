package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Tree is a parsed module.
type Tree struct {
	Module   string // import path, from go.mod
	Requires []Line // direct requirements, from go.mod
	Packages []*Package
	fset     *token.FileSet
	fsys     fs.FS
}

// Package is one folder that holds Go files.
type Package struct {
	Dir   string // relative to the root, "." for the root
	Name  string // without a _test ending
	Files []*File
}

// File is one parsed Go file.
type File struct {
	Path  string // relative to the root
	Test  bool
	Lines int
	Text  []byte
	AST   *ast.File
}

// Line is a line of a text file.
type Line struct {
	Path string
	Num  int // from 1
	Text string
}

// Load parses the module at the root of fsys: go.mod and every Go file outside
// of testdata, hidden folders and the output folders of the build.
func Load(fsys fs.FS) (*Tree, error) {
	t := &Tree{fset: token.NewFileSet(), fsys: fsys}
	mod, err := t.lines("go.mod")
	if err != nil {
		return nil, err
	}
	t.Module, t.Requires = parseModule(mod)
	byDir := make(map[string]*Package)
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && skipped(d.Name()):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		return t.add(byDir, name)
	})
	if err != nil {
		return nil, err
	}
	for _, p := range byDir {
		t.Packages = append(t.Packages, p)
	}
	slices.SortFunc(t.Packages, func(a, b *Package) int { return strings.Compare(a.Dir, b.Dir) })
	return t, nil
}

// skipped tells the folders that hold no source of ours.
func skipped(folder string) bool {
	return folder == "testdata" || folder == "bin" || folder == "node_modules" || folder[0] == '.' || folder[0] == '_'
}

// add parses one file into its package.
func (t *Tree) add(byDir map[string]*Package, name string) error {
	text, err := fs.ReadFile(t.fsys, name)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(t.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("archtest: %w", err)
	}
	dir := path.Dir(name)
	p := byDir[dir]
	if p == nil {
		p = &Package{Dir: dir, Name: strings.TrimSuffix(parsed.Name.Name, "_test")}
		byDir[dir] = p
	}
	p.Files = append(p.Files, &File{
		Path: name, Test: strings.HasSuffix(name, "_test.go"), Text: text, AST: parsed,
		Lines: t.fset.File(parsed.FileStart).LineCount(),
	})
	return nil
}

// Code gives the package's files that are no tests.
func (p *Package) Code() []*File {
	return slices.DeleteFunc(slices.Clone(p.Files), func(f *File) bool { return f.Test })
}

// line gives the line at a position.
func (t *Tree) line(pos token.Pos) int { return t.fset.Position(pos).Line }

// span gives how many lines a node takes.
func (t *Tree) span(n ast.Node) int { return t.line(n.End()) - t.line(n.Pos()) + 1 }

// lines reads a text file.
func (t *Tree) lines(name string) ([]Line, error) {
	text, err := fs.ReadFile(t.fsys, name)
	if err != nil {
		return nil, err
	}
	var all []Line
	for i, l := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		all = append(all, Line{name, i + 1, l})
	}
	return all, nil
}

// parseModule takes the module's path and its direct requirements out of
// go.mod.
func parseModule(mod []Line) (module string, requires []Line) {
	inBlock := false
	for _, l := range mod {
		word := strings.Fields(l.Text)
		if len(word) == 0 {
			continue
		}
		if word[0] == "module" {
			module = word[1]
		}
		if word[0] == "require" {
			inBlock = word[1] == "("
			word = word[1:]
		} else if !inBlock {
			continue
		}
		if word[0] == ")" {
			inBlock = false
		} else if word[0] != "(" && !strings.HasPrefix(word[0], "//") && !strings.Contains(l.Text, "// indirect") {
			requires = append(requires, Line{l.Path, l.Num, word[0]})
		}
	}
	return module, requires
}
