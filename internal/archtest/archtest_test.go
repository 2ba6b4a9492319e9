package archtest

import (
	"os"
	"sync"
	"testing"
)

// repository is parsed once for all tests of this package.
var repository = sync.OnceValues(func() (*Tree, error) { return Load(os.DirFS("../..")) })

// TestHouse runs every rule over the repository.
func TestHouse(t *testing.T) {
	tree, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Packages) < 5 {
		t.Fatalf("found only %d packages: the rules would hold for nothing", len(tree.Packages))
	}
	for _, r := range Rules() {
		t.Run(r.Name, func(t *testing.T) {
			for _, f := range sorted(r.Check(tree)) {
				t.Error(f)
			}
		})
	}
	s, c := Measure(tree)
	t.Logf("%d packages, %d files, %d lines and %d of tests (%.2f)",
		s.Packages, len(s.Files), s.Lines, s.TestLines, float64(s.TestLines)/float64(s.Lines))
	t.Logf("file: median %d, p90 %d, max %d lines", Percentile(s.Files, 50), Percentile(s.Files, 90), Percentile(s.Files, 100))
	t.Logf("function: median %d, p90 %d, max %d lines", Percentile(s.Functions, 50), Percentile(s.Functions, 90), Percentile(s.Functions, 100))
	t.Logf("comments: %.1f %% of the lines", c.Share())
}
