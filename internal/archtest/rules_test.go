package archtest

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// generated are the rules whose broken houses are too large to be written
// down: their tests build them.
var generated = []string{"size", "comment-share"}

// TestRulesCanFail runs every rule over a small house that breaks it and
// compares the findings with those in the archive.
func TestRulesCanFail(t *testing.T) {
	for _, r := range Rules() {
		t.Run(r.Name, func(t *testing.T) {
			if slices.Contains(generated, r.Name) {
				return // TestBudgetCanFail, TestCommentShareCanFail
			}
			archive, err := txtar.ParseFile("testdata/" + r.Name + ".txtar")
			if err != nil {
				t.Fatalf("a rule without an archive that breaks it: %v", err)
			}
			files, want := make(map[string]string), ""
			for _, f := range archive.Files {
				if f.Name == "want" {
					want = string(f.Data)
				} else {
					files[f.Name] = string(f.Data)
				}
			}
			if want == "" {
				t.Error("the archive breaks nothing: a rule that cannot fail is no rule")
			}
			if diff := cmp.Diff(want, run(t, r.Check, files)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// run loads a house and gives what a rule finds, a finding on each line.
func run(t *testing.T, check func(*Tree) []Finding, files map[string]string) string {
	t.Helper()
	tree, err := Load(memory(files))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, f := range sorted(check(tree)) {
		fmt.Fprintln(&got, f)
	}
	return got.String()
}

// memory is a file system that holds the files and, if they have none, a
// go.mod.
func memory(files map[string]string) fs.FS {
	m := fstest.MapFS{"go.mod": {Data: []byte("module example.org/house\n")}}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// source is a Go file with functions of the given lengths in lines.
func source(name string, functions ...int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n", name)
	for i, lines := range functions {
		fmt.Fprintf(&b, "func f%d() {\n%s}\n", i, strings.Repeat("\t_ = 0\n", lines-2))
	}
	return b.String()
}

func TestBudgetCanFail(t *testing.T) {
	small := budget{
		fileMedian: 5, fileP90: 9, fileMax: 20,
		functionMedian: 4, functionP90: 8, functionLong: 6, longShare: 10, functionMax: 10,
		packageFiles: 3, packageLines: 40, enoughFor: 5,
	}
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"within", map[string]string{"a/a.go": source("a", 10), "a/a_test.go": source("a", 500)}, ""},
		{
			"long function",
			map[string]string{"a/a.go": source("a", 3, 11)},
			"a/a.go:5: f1 takes 11 lines, the limit is 10; make it a list of named steps\n",
		},
		{
			"long file",
			map[string]string{"a/a.go": source("a", 10, 10)},
			"a/a.go: 21 lines, the limit is 20; give each of its nouns a file\n",
		},
		{
			"many files",
			map[string]string{"a/1.go": "package a\n", "a/2.go": "package a\n", "a/3.go": "package a\n", "a/4.go": "package a\n"},
			"a: 4 files, the limit is 3; find the second noun in it and give that a room\n",
		},
		{
			"long package",
			map[string]string{"a/1.go": source("a", 8, 6), "a/2.go": source("a", 8, 6), "a/3.go": source("a", 8, 6)},
			"a: 45 lines, the limit is 40; find the second noun in it and give that a room\n",
		},
		{
			"spread",
			map[string]string{
				"a/a.go": source("a", 5), "b/b.go": source("b", 5), "c/c.go": source("c", 5), "d/d.go": source("d", 9), "e/e.go": source("e", 9),
			},
			".: 10 lines of the ninetieth file in a hundred, the limit is 9; split the largest until it fits\n" +
				".: 400 functions in a thousand over 6 lines, the limit is 100; split the largest until it fits\n" +
				".: 5 lines of the median function, the limit is 4; split the largest until it fits\n" +
				".: 6 lines of the median file, the limit is 5; split the largest until it fits\n" +
				".: 9 lines of the ninetieth function in a hundred, the limit is 8; split the largest until it fits\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := run(t, func(tree *Tree) []Finding { return size(tree, small) }, tc.files)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCommentShareCanFail(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"var x = 0\nvar x = 0\nvar x = 0\nvar x = 0\nvar x = 0 // why\n", ""},
		{"var x = 0\n\n", ".: only 0.0 % of the lines carry a comment; write down what the code cannot say\n"},
		{"// x is 0.\nvar x = 0\n", ".: 50.0 % of the lines carry a comment; delete what the code says already\n"},
		{"/* x is\n0. */\nvar x = 0\nvar x = 0\n", ".: 50.0 % of the lines carry a comment; delete what the code says already\n"},
	} {
		got := run(t, commentShare, map[string]string{"a/a.go": "package a\n\n" + strings.Repeat(tc.line, 1200)})
		if got != tc.want {
			t.Errorf("%q over and over: %q, want %q", tc.line, got, tc.want)
		}
	}
}

func TestReadmeMayNotGrow(t *testing.T) {
	got := run(t, documents, map[string]string{
		"README.md":                strings.Repeat("x\n", readmeLimit+1),
		"docs/decisions/0001-x.md": strings.Repeat("x\n", decisionLimit),
		"docs/guide/evening.md":    strings.Repeat("x\n", 1000),
	})
	if want := "README.md: 121 lines, the limit is 120; move the detail to docs/guide or docs/protocol\n"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestPercentile(t *testing.T) {
	ten := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for _, tc := range []struct {
		values  []int
		p, want int
	}{{ten, 50, 5}, {ten, 90, 9}, {ten, 100, 10}, {ten, 0, 1}, {ten[:1], 90, 1}, {nil, 50, 0}} {
		if got := Percentile(tc.values, tc.p); got != tc.want {
			t.Errorf("Percentile(%v, %d) = %d, want %d", tc.values, tc.p, got, tc.want)
		}
	}
}
