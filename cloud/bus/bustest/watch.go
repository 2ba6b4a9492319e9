package bustest

import (
	"fmt"
	"testing"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
)

// Watcher is a door that writes down what it hears, up to 64 things that
// nobody reads.
type Watcher chan string

// NewWatcher makes one.
func NewWatcher() Watcher { return make(Watcher, 64) }

func (w Watcher) note(format string, args ...any) {
	select {
	case w <- fmt.Sprintf(format, args...):
	default:
	}
}

// Deaf notes "deaf".
func (w Watcher) Deaf() { w.note("deaf") }

// Missed notes "missed".
func (w Watcher) Missed() { w.note("missed") }

// Revoked notes whose rights have ended.
func (w Watcher) Revoked(r bus.Revocation) {
	w.note("revoked %x %s %v", r.Token[:2], r.User, r.Deleted)
}

// OwnerChanged notes whose the device is.
func (w Watcher) OwnerChanged(id device.ID, owner account.ID) { w.note("%s is %s's", id, owner) }

func testRevoked(t *testing.T, open opener) {
	nodes := open(3)
	doors := make([]Watcher, len(nodes))
	for i, b := range nodes {
		doors[i] = NewWatcher()
		t.Cleanup(b.Watch(doors[i]))
	}
	gone := NewWatcher()
	nodes[0].Watch(gone)()
	revocations := []bus.Revocation{{Token: account.TokenHash{0xab, 0xcd}}, {User: "u"}, {User: "v", Deleted: true}}
	for _, r := range revocations {
		if err := nodes[0].Revoke(r); err != nil {
			t.Fatal(err)
		}
	}
	hears(t, doors, "revoked abcd  false", "revoked 0000 u false", "revoked 0000 v true")
	if err := nodes[0].Changed(deviceID(1), "w", false); err != nil {
		t.Fatal(err)
	}
	hears(t, doors, deviceID(1).String()+" is w's")
	if len(gone) > 0 {
		t.Errorf("a door that has gone heard %q", <-gone)
	}
}

// hears waits until every door has heard what is wanted, in that order. A node
// hears its own revocations twice, at once and from the bus, and a busy one may
// take itself for deaf.
func hears(t *testing.T, doors []Watcher, want ...string) {
	t.Helper()
	for i, door := range doors {
		for next := 0; next < len(want); {
			switch heard := receive(t, door); {
			case heard == want[next]:
				next++
			case i > 0 && heard != "deaf":
				t.Fatalf("node %d hears %q, want %q", i, heard, want[next])
			}
		}
	}
}
