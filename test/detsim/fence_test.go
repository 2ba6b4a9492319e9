package detsim

import (
	"testing"

	"github.com/cyan-cloud/cyan/cloud/session"
	database "github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/cloud/store/storetest"
)

// TestFenceIsTheStores holds the simulated store to the fence that every real
// one is held to.
func TestFenceIsTheStores(t *testing.T) {
	recordOf := func(r database.SessionRow) row {
		return row{Record: session.Record{Device: r.Device, Origin: r.Origin, CID: r.CID, Generation: r.Generation}}
	}
	for _, c := range storetest.FenceCases() {
		stored := recordOf(c.Stored)
		write := change{row: recordOf(c.Change), begins: c.Change.Begins, remove: c.Remove}
		if got := write.mayReplace(&stored); got != c.Done {
			t.Errorf("%s: carried out %v, want %v", c.Name, got, c.Done)
		}
	}
}
