package bus_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/bus/bustest"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
)

// served makes the bus a gateway that holds the device and answers every call
// with n.
func served(t *testing.T, b *bus.Bus, id device.ID, n int32) *bustest.Gateway {
	t.Helper()
	g := new(bustest.Gateway)
	g.SetState(id, device.State{Word: device.Online})
	g.Answer(func(context.Context, bus.Call) (bus.Result, error) { return bus.Result{Return: n}, nil })
	if _, err := b.Serve(g); err != nil {
		t.Fatal(err)
	}
	b.Holding(id)
	return g
}

// asker calls a device again and again until it is told to stop.
type asker struct {
	stop chan struct{}
	done sync.WaitGroup

	mu     sync.Mutex
	made   int   // guarded by mu, as the rest
	by     int32 // who answered last
	failed []error
}

func (a *asker) ask(ctx context.Context, b *bus.Bus, id device.ID) {
	for {
		select {
		case <-a.stop:
			return
		default:
		}
		res, err := b.Call(ctx, bus.Call{Device: id, Kind: bus.Ping})
		a.mu.Lock()
		a.made++
		a.by = res.Return
		if err != nil {
			a.failed = append(a.failed, err)
		}
		a.mu.Unlock()
	}
}

// until waits for so many calls more, or until somebody else answers them.
func (a *asker) until(t *testing.T, more int, by int32) {
	t.Helper()
	a.mu.Lock()
	target := a.made + more
	a.mu.Unlock()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(20 * time.Second); ; <-tick.C {
		a.mu.Lock()
		enough := a.made >= target && (by < 0 || a.by == by)
		a.mu.Unlock()
		switch {
		case enough:
			return
		case time.Now().After(limit):
			t.Fatal("calls are not answered any more, or not by whom they should")
		}
	}
}

// TestHeir has a process take another's place on a bus that others are on, under
// calls: until it appears nobody hears of it, afterwards calls come to it, and
// when the older one has retired and gone none was lost and none came twice.
func TestHeir(t *testing.T) {
	t.Parallel()
	url, _ := cluster(t)
	id := device.ID{1}
	metrics := prometheus.NewRegistry()
	other := open(t, bus.Config{URL: url, Node: "other", Registerer: metrics})
	old := open(t, bus.Config{URL: url, Node: "gw"})
	const oldOne, newOne = 1, 2
	before := served(t, old, id, oldOne)
	a := &asker{stop: make(chan struct{})}
	for limit := time.Now().Add(20 * time.Second); ; {
		if _, err := other.Call(t.Context(), bus.Call{Device: id, Kind: bus.Ping}); err == nil {
			break
		}
		if time.Now().After(limit) {
			t.Fatal("the first call is never answered")
		}
	}
	already := len(before.Calls())
	a.done.Go(func() { a.ask(t.Context(), other, id) }) // until stop

	heir := open(t, bus.Config{URL: url, Node: "gw", Heir: true, Elder: old.Address()})
	after := served(t, heir, id, newOne)
	a.until(t, 500, -1)
	// It comes behind all that the heir said until now.
	if err := heir.Revoke(bus.Revocation{User: "nobody"}); err != nil {
		t.Fatal(err)
	}
	a.until(t, 500, oldOne)
	if n := len(after.Calls()); n > 0 {
		t.Errorf("%d calls came to a process that does not serve yet", n)
	}
	if n := gauge(t, metrics, "cyan_bus_presence_nodes"); n != 2 {
		t.Errorf("%v processes are known of, want 2", n)
	}

	heir.Appear()
	a.until(t, 1, newOne)
	if err := old.Retire(t.Context(), heir.Address()); err != nil {
		t.Fatal(err)
	}
	came := len(before.Calls())
	a.until(t, 100, newOne)
	old.Close()
	a.until(t, 100, newOne)
	close(a.stop)
	a.done.Wait()
	if n := len(before.Calls()); n != came {
		t.Errorf("%d calls came to a process that had retired", n-came)
	}
	if len(a.failed) > 0 {
		t.Errorf("%d of %d calls failed: %v", len(a.failed), a.made, a.failed[0])
	}
	if n := came - already + len(after.Calls()); n != a.made {
		t.Errorf("%d calls were made, %d came", a.made, n)
	}
}

// TestHeirIsCalledOff has a process that was to take another's place end before
// it did: nobody has heard of it.
func TestHeirIsCalledOff(t *testing.T) {
	t.Parallel()
	url, _ := cluster(t)
	id := device.ID{1}
	metrics := prometheus.NewRegistry()
	other := open(t, bus.Config{URL: url, Node: "other", Registerer: metrics})
	old := open(t, bus.Config{URL: url, Node: "gw"})
	served(t, old, id, 1)
	a := &asker{stop: make(chan struct{})}
	a.done.Go(func() { a.ask(t.Context(), other, id) }) // until stop
	a.until(t, 1, 1)
	a.mu.Lock()
	a.failed = nil // while nobody held it
	a.mu.Unlock()
	for range 3 {
		heir := open(t, bus.Config{URL: url, Node: "gw", Heir: true, Elder: old.Address()})
		g := served(t, heir, id, 2)
		a.until(t, 200, 1)
		heir.Close()
		a.until(t, 50, 1)
		if n := len(g.Calls()); n > 0 {
			t.Errorf("%d calls came to it", n)
		}
		if n := gauge(t, metrics, "cyan_bus_presence_nodes"); n != 2 {
			t.Errorf("%v processes are known of, want 2", n)
		}
	}
	close(a.stop)
	a.done.Wait()
	if len(a.failed) > 0 {
		t.Errorf("%d of %d calls failed: %v", len(a.failed), a.made, a.failed[0])
	}
}

// gauge reads a gauge without labels.
func gauge(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

// ledger is who heard which event.
type ledger struct {
	mu    sync.Mutex
	heard map[string]int // guarded by mu; how often, by name
	order map[string]int // guarded by mu; the highest of a publisher's
	wrong []string       // guarded by mu; events that came before an earlier one
}

func (l *ledger) note(e *event.Event) {
	from, count, _ := strings.Cut(e.Name, "/")
	n := 0
	if _, err := fmt.Sscan(count, &n); err != nil {
		return // a mark
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard[e.Name]++
	if n < l.order[from] {
		l.wrong = append(l.wrong, e.Name)
	}
	l.order[from] = n
}

func (l *ledger) has(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard[name] > 0
}

// TestHeirHears has several publish while a process takes another's place: each
// event is heard once, by the one or the other, and in its publisher's order.
func TestHeirHears(t *testing.T) {
	t.Parallel()
	url, _ := cluster(t)
	old := open(t, bus.Config{URL: url, Node: "gw"})
	l := &ledger{heard: map[string]int{}, order: map[string]int{}}
	heir := open(t, bus.Config{URL: url, Node: "gw", Heir: true, Elder: old.Address()})
	served(t, heir, device.ID{1}, 2)
	// What an upgrade does: behind a border everything goes to the heir.
	border, reached := "hand-over", make(chan struct{})
	passing := make(chan *event.Event, 1<<16)
	on := false
	subscribe(t, old, func(e *event.Event) {
		switch {
		case on:
			passing <- e
		case e.ID == border:
			on = true
			close(reached)
		default:
			l.note(e)
		}
	})
	subscribe(t, heir, l.note)
	stop := make(chan struct{})
	var publishing sync.WaitGroup
	publishers := map[string]*bus.Bus{
		"x": open(t, bus.Config{URL: url, Node: "x"}), "y": open(t, bus.Config{URL: url, Node: "y"}), "old": old, "heir": heir,
	}
	last := map[string]int{}
	var mu sync.Mutex
	for name, b := range publishers {
		publishing.Go(func() { // until stop
			tick := time.NewTicker(500 * time.Microsecond)
			defer tick.Stop()
			for i := 0; ; i++ {
				e := event.Event{ID: fmt.Sprintf("%s-%d", name, i), Name: fmt.Sprintf("%s/%d", name, i)}
				if err := b.Publish(&e); err != nil {
					t.Error(err)
				}
				mu.Lock()
				last[name] = i
				mu.Unlock()
				select {
				case <-tick.C:
				case <-stop:
					return
				}
			}
		})
	}
	await := func(what string) {
		t.Helper()
		mu.Lock()
		wanted := maps.Clone(last)
		mu.Unlock()
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for limit := time.Now().Add(20 * time.Second); len(wanted) > 0; <-tick.C {
			maps.DeleteFunc(wanted, func(name string, n int) bool { return l.has(fmt.Sprintf("%s/%d", name, n)) })
			if time.Now().After(limit) {
				t.Fatalf("%s: %v are never heard", what, wanted)
			}
		}
	}
	await("before")
	if err := old.Publish(&event.Event{ID: border, Name: "spark/cyan/border"}); err != nil {
		t.Fatal(err)
	}
	<-reached
	heir.Appear()
	var relaying sync.WaitGroup
	relaying.Go(func() { // until nothing more is passed on
		for e := range passing {
			heir.Relay(e)
		}
		heir.Alone()
	})
	await("while the older one hears for it")
	if err := old.Retire(t.Context(), heir.Address()); err != nil {
		t.Fatal(err)
	}
	await("by its own ears")
	close(stop)
	publishing.Wait()
	await("the last")
	old.Close()
	close(passing)
	relaying.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, n := range last {
		for i := range n + 1 {
			if k := l.heard[fmt.Sprintf("%s/%d", name, i)]; k != 1 {
				t.Errorf("event %d of %d of %s was heard %d times", i, n, name, k)
			}
		}
	}
	slices.Sort(l.wrong)
	if len(l.wrong) > 0 {
		t.Errorf("heard out of order: %q", l.wrong)
	}
}

func subscribe(t *testing.T, b *bus.Bus, fn func(*event.Event)) {
	t.Helper()
	cancel, err := b.Subscribe(fn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
}
