package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// Many changes share a commit, and are answered in the order in which they
// came.
func TestGroupCommit(t *testing.T) {
	reg := prometheus.NewRegistry()
	s, _ := openFile(t, store.Config{Registerer: reg})
	id := addDevice(t, s, 1)
	release := hold(t, s)
	before := metric(t, reg, "cyan_store_commits_total", "ok")

	const n = store.BatchSessions + 1
	var order []int // appended to on the store's goroutine, read after Flush
	for i := range n {
		row := store.SessionRow{Device: id, Generation: uint32(i)}
		if !s.SaveSession(row, func(err error) {
			if err == nil {
				order = append(order, i)
			}
		}) {
			t.Fatal("SaveSession is refused")
		}
	}
	if got := s.Stats().Sessions; got != n {
		t.Errorf("%d changes wait, want %d", got, n)
	}
	if got := metric(t, reg, "cyan_store_queue_rows", "session"); got != n {
		t.Errorf("the metric says that %v changes wait, want %d", got, n)
	}
	release()
	must(t, s.Flush(t.Context()))
	if len(order) != n {
		t.Fatalf("%d changes were stored, want %d", len(order), n)
	}
	for i, got := range order {
		if got != i {
			t.Fatalf("answer %d is that of change %d", i, got)
		}
	}
	if got := metric(t, reg, "cyan_store_commits_total", "ok") - before; got != 2 {
		t.Errorf("%v commits, want 2", got)
	}
}

// A row that is at fault itself does not hurt those that share its batch.
func TestBadRowAmongGood(t *testing.T) {
	s, _ := openFile(t, store.Config{})
	id := addDevice(t, s, 1)
	answers := make(chan error, 3)
	release := hold(t, s)
	for _, r := range []store.SessionRow{
		{Device: id, CID: [8]byte{1}, Generation: 1},
		{Device: deviceID(2)}, // unknown
		{Device: id, CID: [8]byte{1}, Generation: 2},
	} {
		if !s.SaveSession(r, func(err error) { answers <- err }) {
			t.Fatal("SaveSession is refused")
		}
	}
	release()
	must(t, <-answers)
	wantKind(t, "unknown device", <-answers, fault.NotFound)
	must(t, <-answers)
	row, err := s.Session(t.Context(), id)
	must(t, err)
	if row.Generation != 2 {
		t.Errorf("generation %d is stored, want 2", row.Generation)
	}
}

// Queues are bounded: what comes when one is full is refused and counted, and
// what was taken is written all the same.
func TestQueueFull(t *testing.T) {
	reg := prometheus.NewRegistry()
	s, _ := openFile(t, store.Config{Registerer: reg})
	id := addDevice(t, s, 1)
	release := hold(t, s)
	answered := 0 // counted on the store's goroutine, read after Flush
	fill := func(queue string, want int, offer func(i int) bool) {
		t.Helper()
		n := 0
		for n <= want && offer(n) {
			n++
		}
		if n != want {
			t.Errorf("the %s queue takes %d rows, want %d", queue, n, want)
		}
		if got := metric(t, reg, "cyan_store_refused_total", queue); got != 1 {
			t.Errorf("%v rows of the %s queue count as refused, want 1", got, queue)
		}
	}
	fill("session", store.MaxSessionQueue, func(int) bool {
		return s.SaveSession(store.SessionRow{Device: id}, func(err error) {
			if err == nil {
				answered++
			}
		})
	})
	fill("attempt", store.MaxAttemptQueue, func(i int) bool {
		return s.AddAttempt(device.Attempt{ID: deviceID(uint32(i)).String(), Device: id, Started: time.Unix(1, 0)})
	})
	fill("seen", store.MaxSeenQueue, func(i int) bool { return s.Seen(store.DeviceUpdate{Device: deviceID(uint32(i))}) })
	if !s.Seen(store.DeviceUpdate{Device: id, Address: "192.0.2.1:9"}) {
		t.Error("an update of a device that already waits is refused")
	}
	release()
	must(t, s.Flush(t.Context()))
	if answered != store.MaxSessionQueue {
		t.Errorf("%d changes were stored, want %d", answered, store.MaxSessionQueue)
	}
	d, err := s.Device(t.Context(), id)
	must(t, err)
	if d.LastAddress != "192.0.2.1:9" {
		t.Errorf("address %q, want the last one", d.LastAddress)
	}
	if got := metric(t, reg, "cyan_store_spoiled_total", ""); got != 0 {
		t.Errorf("%v rows were spoiled", got)
	}
	if got := s.Stats(); got != (store.Stats{}) {
		t.Errorf("after the flush: %+v", got)
	}
}

// Rows that nobody waits for are written without anybody asking.
func TestLateRowsAlone(t *testing.T) {
	s, _ := openFile(t, store.Config{})
	id := addDevice(t, s, 1)
	if !s.AddAttempt(device.Attempt{ID: "1", Device: id, Started: time.Unix(1, 0)}) {
		t.Fatal("AddAttempt is refused")
	}
	for {
		list, err := s.Attempts(t.Context(), id, time.Time{}, 0)
		must(t, err)
		if len(list) == 1 {
			return // else the test's own time limit ends it
		}
	}
}

// The metrics of two stores do not fit into one registry.
func TestRegisteredTwice(t *testing.T) {
	reg := prometheus.NewRegistry()
	openFile(t, store.Config{Registerer: reg})
	_, err := store.Open(t.Context(), store.Config{Registerer: reg})
	wantKind(t, "a registry that has the metrics", err, fault.Internal)
}

// Devices that are registered at the same moment share a commit; one that
// cannot be does not hurt the others.
func TestActsTogether(t *testing.T) {
	reg := prometheus.NewRegistry()
	s, _ := openFile(t, store.Config{Registerer: reg})
	before := metric(t, reg, "cyan_store_commits_total", "ok")
	const n = 200
	answers := make([]error, n)
	var all sync.WaitGroup
	release := hold(t, s)
	for i := range n {
		all.Go(func() {
			key := i - i%10 // ten have one key: it is the first one's
			answers[i] = s.TrustFirstUse(t.Context(), device.ID{1, byte(i)}, device.Key{Algorithm: device.ECC, SPKI: []byte{7, byte(key)}})
		})
	}
	release()
	all.Wait()
	registered := 0
	for i, err := range answers {
		switch kind := fault.KindOf(err); {
		case err == nil:
			registered++
		case kind != fault.Conflict:
			t.Errorf("device %d: %v", i, err)
		}
		if _, lost := s.Device(t.Context(), device.ID{1, byte(i)}); (lost == nil) != (err == nil) {
			t.Errorf("device %d: %v, and then %v", i, err, lost)
		}
	}
	if registered != n/10 {
		t.Errorf("%d devices were registered, want one for each of %d keys", registered, n/10)
	}
	if commits := metric(t, reg, "cyan_store_commits_total", "ok") - before; commits > n/4 {
		t.Errorf("%v commits for %d devices", commits, n)
	}
}
