package detsim

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	database "github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/cloud/store/storetest"
	"github.com/cyan-cloud/cyan/test/detsim/schedule"
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

// TestStoreIsTheStore has the simulated store and the real one do the same, at
// random, and compares every answer and every row.
func TestStoreIsTheStore(t *testing.T) {
	keys := load(t)
	rapid.Check(t, func(t *rapid.T) {
		actual, err := database.Open(t.Context(), database.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer actual.Close()
		fake := newWorld(keys, &schedule.Plan{Seed: 1, Devices: 2, Lanes: 1}).store
		for _, x := range fake.w.things {
			if err := actual.TrustFirstUse(t.Context(), x.id, device.Key{Algorithm: device.ECC, SPKI: []byte(x.name), Added: start}); err != nil {
				t.Fatal(err)
			}
			fake.owners[x.id] = ""
		}
		row := func(t *rapid.T) database.SessionRow {
			small := rapid.ByteRange(0, 2)
			return database.SessionRow{
				Device: fake.w.things[rapid.IntRange(0, 1).Draw(t, "device")].id, Origin: [8]byte{small.Draw(t, "origin")},
				CID: [8]byte{small.Draw(t, "cid")}, Transport: "udp", Generation: rapid.Uint32Range(0, 9).Draw(t, "generation"),
				Blob: []byte{small.Draw(t, "blob")}, Updated: start,
			}
		}
		now := start.Add(-1000 * time.Hour)
		answer := make(chan error, 1)
		done := func(err error) { answer <- err }
		t.Repeat(map[string]func(*rapid.T){
			"save": func(t *rapid.T) {
				r := row(t)
				r.Begins = rapid.Bool().Draw(t, "begins")
				actual.SaveSession(r, done)
				if got, want := fault.KindOf(fake.apply(&change{row: r})), fault.KindOf(<-answer); got != want {
					t.Fatalf("the write of %+v is %v, want %v", r, got, want)
				}
			},
			"delete": func(t *rapid.T) {
				r := row(t)
				actual.DeleteSession(r, done)
				if got, want := fake.apply(&change{row: r, remove: true}), <-answer; got != nil || want != nil {
					t.Fatalf("the removal of %+v: %v, want %v", r, got, want)
				}
			},
			"adopt": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(-5, 20).Draw(t, "seconds")) * time.Second)
				var want []database.SessionRow
				if err := actual.AdoptSessions(t.Context(), now, func(r database.SessionRow) error {
					want = append(want, r)
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				got, err := fake.adopt(now)
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Fatalf("a process takes up %v (-want +got):\n%s", err, diff)
				}
			},
		})
	})
}
