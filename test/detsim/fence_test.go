package detsim

import (
	"testing"

	"github.com/cyan-cloud/cyan/cloud/store/storetest"
)

// TestFenceIsTheStores holds the simulated store to the fence that every real
// one is held to.
func TestFenceIsTheStores(t *testing.T) {
	for _, c := range storetest.FenceCases() {
		write := change{row: c.Change, remove: c.Remove}
		if got := write.mayReplace(&c.Stored); got != c.Done {
			t.Errorf("%s: carried out %v, want %v", c.Name, got, c.Done)
		}
	}
}
