package archtest

import (
	"fmt"
	"strconv"
	"strings"
)

// matches tells whether a folder is the one that the name stands for: itself,
// or with "/..." it and everything below. "..." is everything.
func matches(name, dir string) bool {
	if name == "..." {
		return true
	}
	if above, ok := strings.CutSuffix(name, "/..."); ok {
		return dir == above || strings.HasPrefix(dir, above+"/")
	}
	return name == dir
}

func matchesAny(names []string, dir string) bool {
	for _, n := range names {
		if matches(n, dir) {
			return true
		}
	}
	return false
}

// find gives the first room of a table that a folder is in.
func find(table []room, dir string) *room {
	for i := range table {
		if matches(table[i].at, dir) {
			return &table[i]
		}
	}
	return nil
}

// imported is one import of a file: ours (Dir set), foreign or standard.
type imported struct {
	file *File
	line int
	path string
	dir  string // folder of ours, "" if not ours
}

func (i imported) ours() bool     { return i.dir != "" }
func (i imported) standard() bool { return !i.ours() && !strings.Contains(head(i.path), ".") }

// head gives the first element of an import path.
func head(p string) string {
	first, _, _ := strings.Cut(p, "/")
	return first
}

// imports lists what a file imports.
func (t *Tree) imports(f *File) []imported {
	var all []imported
	for _, spec := range f.AST.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has let it through, the compiler will not
		}
		i := imported{file: f, line: t.line(spec.Pos()), path: p}
		if rest, ok := strings.CutPrefix(p, t.Module); ok && (rest == "" || rest[0] == '/') {
			i.dir = "." + rest
			if rest != "" {
				i.dir = rest[1:]
			}
		}
		all = append(all, i)
	}
	return all
}

// rooms holds who may import whom: code by the table house, tests by the table
// strangers.
func rooms(t *Tree) []Finding {
	var all []Finding
	for _, p := range t.Packages {
		r := find(house, p.Dir)
		if r == nil {
			all = append(all, Finding{
				p.Dir, 0, "a room that the house does not know",
				"decide what it may import and add it to house in internal/archtest/house.go",
			})
			continue
		}
		for _, f := range p.Files {
			all = append(all, t.roomsOf(p, r, f)...)
		}
	}
	return all
}

// roomsOf checks one file's imports of ours.
func (t *Tree) roomsOf(p *Package, r *room, f *File) []Finding {
	var all []Finding
	for _, i := range t.imports(f) {
		if !i.ours() || i.dir == p.Dir {
			continue
		}
		if f.Test {
			if s := find(strangers, p.Dir); s != nil && matchesAny(s.may, i.dir) {
				all = append(all, Finding{
					f.Path, i.line, fmt.Sprintf("even a test in %s may not import %s", p.Dir, i.dir),
					"move the test to test/, where everything may be imported",
				})
			}
			continue
		}
		if !matchesAny(r.may, i.dir) {
			all = append(all, Finding{
				f.Path, i.line, fmt.Sprintf("%s may not import %s", p.Dir, i.dir),
				"declare a small interface here or move the code (ARCHITECTURE.md, who may import whom)",
			})
		}
	}
	return all
}

// libraries holds which foreign code stands in which room.
func libraries(t *Tree) []Finding {
	var all []Finding
	for _, p := range t.Packages {
		for _, f := range p.Code() {
			for _, i := range t.imports(f) {
				if i.ours() || i.standard() || allowed(p.Dir, i.path) {
					continue
				}
				all = append(all, Finding{
					f.Path, i.line, fmt.Sprintf("%s may not import %s", p.Dir, i.path),
					"use what is there, or add it to shelf in internal/archtest/house.go and to docs/decisions/dependencies.md",
				})
			}
		}
	}
	return all
}

// allowed tells whether the shelf lets a room have a library. What is below
// test/ and the conformance suites are tests by another name.
func allowed(dir, importPath string) bool {
	if matches("test/...", dir) || strings.HasSuffix(dir, "test") && dir != "internal/archtest" {
		return true
	}
	for _, l := range shelf {
		if importPath == l.module || strings.HasPrefix(importPath, l.module+"/") {
			return matchesAny(l.rooms, dir)
		}
	}
	return false
}
