package journey

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// visitor is a node of a cluster that has no devices, and calls those of the
// others.
type visitor struct {
	*bus.Bus
	stop chan struct{}
	done sync.WaitGroup

	mu      sync.Mutex
	made    map[string][]string // guarded by mu; arguments of calls that were answered, by device
	failed  []error             // guarded by mu
	longest time.Duration       // guarded by mu
}

func newVisitor(t *testing.T, url string) *visitor {
	t.Helper()
	b, err := bus.Open(t.Context(), bus.Config{URL: url, Node: "visitor"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return &visitor{Bus: b, stop: make(chan struct{}), made: map[string][]string{}}
}

func (v *visitor) call(t *testing.T, d *harness.Device, arg string) error {
	id, err := device.ParseID(d.ID)
	if err != nil {
		return err
	}
	began := time.Now()
	res, err := v.Call(t.Context(), bus.Call{Device: id, Kind: bus.Function, Name: "count", Argument: arg})
	took := time.Since(began)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.longest = max(v.longest, took)
	switch {
	case err != nil:
		return fmt.Errorf("count(%s) of %s: %w", arg, d.ID, err)
	case res.Return != int32(len(arg)):
		return fmt.Errorf("count(%s) of %s gives %d", arg, d.ID, res.Return)
	}
	v.made[d.ID] = append(v.made[d.ID], arg)
	return nil
}

// hammer calls a device again and again until stop.
func (v *visitor) hammer(t *testing.T, d *harness.Device) {
	for i := 0; ; i++ {
		select {
		case <-v.stop:
			return
		default:
		}
		if err := v.call(t, d, strconv.Itoa(i)); err != nil {
			v.mu.Lock()
			v.failed = append(v.failed, err)
			v.mu.Unlock()
		}
	}
}

// TestUpgradeInCluster upgrades one of two clouds on one bus, again and again,
// and has upgrades in between that come to nothing, while a third node calls the
// devices of both: no device connects anew, no call fails, none is lost and none
// done twice. People of the cloud that is upgraded hear each event once, in order.
func TestUpgradeInCluster(t *testing.T) {
	t.Parallel()
	url := newBus(t, server.RANDOM_PORT).ClientURL()
	c := harness.StartProcess(t, app.Options{NATS: url, Node: "one"})
	beside := harness.StartProcess(t, app.Options{NATS: url, Node: "two"})
	counters := map[string]*counter{}
	var devices []*harness.Device
	join := func(c *harness.Cloud, cfg sim.Config) {
		n := newCounter()
		cfg.Application = n.application()
		d := c.Run(c.Provision(cfg), harness.Wiring{})
		c.Settled(d.ID, 1)
		counters[d.ID] = n
		devices = append(devices, d)
	}
	for _, cfg := range generations(t) {
		join(c, cfg)
	}
	here := len(devices)
	join(beside, sim.Config{Profile: profile(t, "os-6.2")})
	v := newVisitor(t, url)
	for _, d := range devices {
		c.Until("the other nodes know where it is", func() bool { return v.call(t, d, "first") == nil })
		v.done.Go(func() { v.hammer(t, d) }) // until stop
	}
	stream := c.Stream(rest.PathMyEvents("count/"))
	stream.Expect(":ok")
	said := 0
	for i := range upgrades(t) {
		if _, err := c.Upgrade(filepath.Join(t.TempDir(), "missing")); err == nil {
			t.Fatal("a program that is missing took over")
		}
		var publishing sync.WaitGroup
		publishing.Go(func() { // until it has said all
			for range 20 {
				publish(t, c.Person, fmt.Sprintf("count/%d", said), "x")
				said++
			}
		})
		r, err := c.Upgrade("")
		publishing.Wait()
		if err != nil || r.Disconnects != 0 || r.Sessions != here {
			t.Fatalf("upgrade %d: %+v, %v", i, r, err)
		}
		t.Logf("upgrade %d froze for %.1f ms", i, r.FreezeMS)
	}
	close(v.stop)
	v.done.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, err := range v.failed {
		t.Error(err)
	}
	calls := 0
	for _, d := range devices {
		if doubled, lost := counters[d.ID].compare(v.made[d.ID]); len(doubled)+len(lost) > 0 {
			t.Errorf("%s: calls done twice: %v; answered and never done: %v", d.ID, doubled, lost)
		}
		if n := d.Notes.Count("handshake done"); n != 1 {
			t.Errorf("%s shook hands %d times:\n%s", d.ID, n, d.Notes)
		}
		calls += len(v.made[d.ID])
	}
	t.Logf("%d calls from another node, the longest took %v", calls, v.longest)
	for i := range said {
		want := fmt.Sprintf("event: count/%d", i)
		for line := stream.Next(); line != want; line = stream.Next() {
			if strings.HasPrefix(line, "event: ") || strings.HasPrefix(line, ":") && strings.Contains(line, "end") {
				t.Fatalf("%q where %q was to come", line, want)
			}
		}
	}
}
