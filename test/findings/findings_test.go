package findings_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/test/findings"
)

// TestKept: what is added comes back, in the order in which it was added.
func TestKept(t *testing.T) {
	t.Parallel()
	type finding struct {
		Fault string
		After float64
	}
	path, all := filepath.Join(t.TempDir(), "kept"), []finding{{"the port is refused", 16.7}, {"two\nlines", -1}}
	for _, f := range all {
		if err := findings.Add(t.Output(), path, f); err != nil {
			t.Fatal(err)
		}
	}
	got, err := findings.Read[finding](path)
	if diff := cmp.Diff(all, got); err != nil || diff != "" {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
}
