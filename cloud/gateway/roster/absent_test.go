package roster_test

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
)

// TestAbsent: who fell silent is missed until it is back; who said goodbye, or
// was away before, is not.
func TestAbsent(t *testing.T) {
	began := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	tab := roster.New()
	born, seen := began.Add(-time.Hour), began
	show := func(n byte, held bool, word device.Word, why device.Reason, at time.Time) {
		id, conn := device.ID{11: n}, uint64(n)+1
		tab.Take(id, 0, conn)
		tab.Show(id, conn, &device.State{Word: word, Reason: why, Since: at, LastSeen: seen})
		if !held {
			tab.Drop(id, conn)
		}
	}
	later := began.Add(time.Minute)
	show(1, true, device.Online, device.ReasonNone, later)
	show(2, true, device.Limbo, device.NoAnswer, later)
	show(3, true, device.Limbo, device.NeedsHands, later)
	show(4, true, device.Unknown, device.ReasonNone, later) // taken up, and nobody knows
	seen = born.Add(-time.Minute)
	show(10, false, device.Offline, device.NoAnswer, later) // taken up, and was away before
	seen = began
	show(5, false, device.Offline, device.KeepAliveMissed, later)
	show(6, false, device.Offline, device.ServerShutdown, later)
	show(7, false, device.Offline, device.DeviceGoodbye, later)
	show(8, false, device.Asleep, device.DeviceSleep, later)
	show(9, false, device.Offline, device.KeepAliveMissed, began.Add(-time.Hour))
	if missing, listed := tab.Absent(began, born); missing != 2 || listed != 1 {
		t.Errorf("%d are missing and %d listed, want 2 and 1", missing, listed)
	}
	show(5, true, device.Online, device.ReasonNone, later)
	if missing, _ := tab.Absent(began, born); missing != 1 {
		t.Errorf("%d are missing when one is back, want 1", missing)
	}
}
