package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/store"
)

func addAttempts(t testing.TB, s *store.Store, list ...device.Attempt) {
	t.Helper()
	for _, a := range list {
		if !s.AddAttempt(a) {
			t.Fatal("AddAttempt is refused")
		}
	}
	must(t, s.Flush(ctx(t)))
}

// attemptAt is a proven attempt of the device, some time before noon.
func attemptAt(id device.ID, ago time.Duration) device.Attempt {
	at := noon().Add(-ago)
	return device.Attempt{
		ID: at.Format("20060102T150405.000") + id.String(), Device: id, Transport: "udp", Source: "192.0.2.1:5000", Gateway: "node-1",
		Started: at, Ended: at.Add(time.Second), Stages: []device.Stage{{Name: device.StageSocket, At: at}},
		Outcome: device.Succeeded, Reason: device.Resumed,
	}
}

func idsOfAttempts(t testing.TB, s *store.Store, id device.ID, since time.Time, limit int) (ids []string) {
	t.Helper()
	list, err := s.Attempts(ctx(t), id, since, limit)
	must(t, err)
	for _, a := range list {
		ids = append(ids, a.ID)
	}
	return ids
}

func attempts(t *testing.T, s *store.Store) {
	id := deviceID(1)
	pending := attemptAt(id, 0)
	pending.Outcome, pending.Ended, pending.Claimed = device.Pending, time.Time{}, true
	addAttempts(t, s, pending)
	list, err := s.Attempts(ctx(t), id, time.Time{}, 0)
	must(t, err)
	same(t, "an attempt that is going on", list, []device.Attempt{pending})

	done := pending
	done.Claimed, done.Outcome, done.Reason, done.Detail, done.Ended = false, device.Failed, device.NoHello, "it fell silent", noon().Add(time.Minute)
	done.Stages = append(done.Stages, device.Stage{Name: device.StageSession, At: noon().Add(time.Second)})
	addAttempts(t, s, done)
	list, err = s.Attempts(ctx(t), id, time.Time{}, 0)
	must(t, err)
	same(t, "the attempt once it is over", list, []device.Attempt{done})

	hour, day := attemptAt(id, time.Hour), attemptAt(id, 24*time.Hour)
	stranger := attemptAt(device.ID{}, time.Minute)
	stranger.Stages = nil
	addAttempts(t, s, day, hour, attemptAt(deviceID(2), time.Minute), stranger)
	same(t, "all", idsOfAttempts(t, s, id, time.Time{}, 0), []string{done.ID, hour.ID, day.ID})
	same(t, "newest two", idsOfAttempts(t, s, id, time.Time{}, 2), []string{done.ID, hour.ID})
	same(t, "since", idsOfAttempts(t, s, id, hour.Started, 0), []string{done.ID, hour.ID})
	same(t, "strangers'", idsOfAttempts(t, s, device.ID{}, time.Time{}, 0), []string{stranger.ID})
	same(t, "an unknown device's", idsOfAttempts(t, s, deviceID(9), time.Time{}, 0), nil)
}

// prune: age first, then the number of each device, then the total, where the
// attempts that proved nothing go first.
func prune(t *testing.T, db Database) {
	const day = 24 * time.Hour
	opener := db.New(t)
	s := open(t, opener, store.Config{Attempts: store.AttemptBounds{Age: time.Hour, PerDevice: 3, Total: 6}}) // the age is raised to 30 days
	young, old := attemptAt(deviceID(1), 30*day-time.Second), attemptAt(deviceID(1), 30*day+time.Second)
	addAttempts(t, s, young, old)
	must(t, s.Prune(ctx(t), noon()))
	same(t, "after 30 days", idsOfAttempts(t, s, deviceID(1), time.Time{}, 0), []string{young.ID})

	var list []device.Attempt
	for i := range 5 {
		list = append(list, attemptAt(deviceID(2), time.Duration(i)*time.Hour))
	}
	addAttempts(t, s, list...)
	must(t, s.Prune(ctx(t), noon()))
	want := []string{list[0].ID, list[1].ID, list[2].ID}
	same(t, "of a device with too many", idsOfAttempts(t, s, deviceID(2), time.Time{}, 0), want)
	same(t, "of a device with few", idsOfAttempts(t, s, deviceID(1), time.Time{}, 0), []string{young.ID})

	// Four are kept; a flood of strangers may fill up to six, and costs no
	// device any of its own.
	var flood []device.Attempt
	for i := range 10 {
		stranger := attemptAt(device.ID{}, time.Duration(i)*time.Second)
		claimed := attemptAt(deviceID(uint32(100+i)), time.Duration(i)*time.Second)
		claimed.Claimed = true
		flood = append(flood, stranger, claimed)
	}
	addAttempts(t, s, flood...)
	must(t, s.Prune(ctx(t), noon()))
	same(t, "of a device, in a flood", idsOfAttempts(t, s, deviceID(2), time.Time{}, 0), want)
	same(t, "the oldest, in a flood", idsOfAttempts(t, s, deviceID(1), time.Time{}, 0), []string{young.ID})
	same(t, "of strangers", len(idsOfAttempts(t, s, device.ID{}, time.Time{}, 0))+len(idsOfAttempts(t, s, deviceID(100), time.Time{}, 0)), 2)

	var many []device.Attempt
	for i := range 1200 { // more than one transaction removes
		many = append(many, device.Attempt{ID: fmt.Sprint("many-", i), Device: deviceID(3), Started: noon().Add(time.Duration(i) * time.Second)})
	}
	addAttempts(t, s, many...)
	must(t, s.Prune(ctx(t), noon()))
	same(t, "of a device with very many", idsOfAttempts(t, s, deviceID(3), time.Time{}, 0), []string{"many-1199", "many-1198", "many-1197"})
	same(t, "the oldest, when devices fill the total", idsOfAttempts(t, s, deviceID(1), time.Time{}, 0), nil)
}
