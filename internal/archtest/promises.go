package archtest

import (
	"fmt"
	"go/ast"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

const (
	promisesFile = "docs/promises.md"
	promiseCount = 86 // S-01 to S-86
	unproven     = "none yet"
	partly       = "in part: "
)

// promise is a row of docs/promises.md.
type promise struct {
	line   int
	number int
	text   string
	proof  string
}

var promiseRow = regexp.MustCompile(`^\| S-(\d\d) \|(.*)\|([^|]*)\|$`)

// promises wants every point S-01 to S-86 once and in order, each with tests
// that exist, or "in part: " with tests and, after a semicolon, what they
// prove, or the words "none yet".
func promises(t *Tree) []Finding {
	doc, err := t.lines(promisesFile)
	if err != nil {
		return []Finding{{promisesFile, 0, "it is missing", "list S-01 to S-86 with the test that proves each"}}
	}
	var all []Finding
	next := 1
	for _, l := range doc {
		m := promiseRow.FindStringSubmatch(l.Text)
		if m == nil {
			if strings.HasPrefix(l.Text, "| S-") {
				all = append(all, Finding{l.Path, l.Num, "not a row of three cells", "write | S-nn | promise | proof |"})
			}
			continue
		}
		number, _ := strconv.Atoi(m[1]) // two digits
		p := promise{l.Num, number, strings.TrimSpace(m[2]), strings.TrimSpace(m[3])}
		if p.number != next {
			all = append(all, Finding{
				l.Path, l.Num, fmt.Sprintf("S-%02d stands where S-%02d is due", p.number, next),
				"list every point once and in order",
			})
		}
		next = p.number + 1
		all = append(all, t.prove(p)...)
	}
	if next != promiseCount+1 {
		all = append(all, Finding{promisesFile, 0, fmt.Sprintf("it ends at S-%02d", next-1), "list every point to S-86"})
	}
	return all
}

// prove checks one row's words and that its tests exist.
func (t *Tree) prove(p promise) []Finding {
	var all []Finding
	if p.text == "" {
		all = append(all, Finding{promisesFile, p.line, "a promise without words", "say what is promised"})
	}
	if p.proof == unproven {
		return all
	}
	names, part := p.proof, "all"
	if rest, ok := strings.CutPrefix(p.proof, partly); ok {
		names, part, _ = strings.Cut(rest, ";")
	}
	if strings.TrimSpace(part) == "" {
		all = append(all, Finding{promisesFile, p.line, fmt.Sprintf("S-%02d is proven in part", p.number), "say after a semicolon which part"})
	}
	for name := range strings.SplitSeq(names, ",") {
		name = strings.Trim(strings.TrimSpace(name), "`")
		if !t.hasTest(name) {
			all = append(all, Finding{
				promisesFile, p.line, fmt.Sprintf("S-%02d is proven by %q, which does not exist", p.number, name),
				`name a test as "folder.TestName" or "folder.TestName/sub", or write "none yet"`,
			})
		}
	}
	return all
}

// hasTest looks for "folder.TestName" and, after a slash, for a subtest: a
// script of that name or a string in the folder's tests.
func (t *Tree) hasTest(name string) bool {
	dir, test, _ := strings.Cut(name, ".")
	test, subtest, _ := strings.Cut(test, "/")
	for _, p := range t.Packages {
		if p.Dir == dir {
			return p.declaresTest(test) && (subtest == "" || t.hasScript(p, subtest) || p.mentions(subtest))
		}
	}
	return false
}

func (p *Package) declaresTest(name string) bool {
	for _, f := range p.Files {
		if !f.Test {
			continue
		}
		for _, fn := range functions(f) {
			if fn.Name.Name == name && fn.Recv == nil {
				return true
			}
		}
	}
	return false
}

// hasScript looks for a script beside the tests or in their testdata.
func (t *Tree) hasScript(p *Package, subtest string) bool {
	for _, dir := range []string{p.Dir, path.Join(p.Dir, "testdata"), path.Join(p.Dir, "testdata", "script")} {
		if _, err := fs.Stat(t.fsys, path.Join(dir, subtest+".txtar")); err == nil {
			return true
		}
	}
	return false
}

// mentions looks for a subtest's name among the strings of the tests, where a
// space stands for each underscore.
func (p *Package) mentions(subtest string) bool {
	found := false
	for _, f := range p.Files {
		if !f.Test {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok {
				if s, err := strconv.Unquote(lit.Value); err == nil && strings.ReplaceAll(s, " ", "_") == subtest {
					found = true
				}
			}
			return !found
		})
	}
	return found
}
