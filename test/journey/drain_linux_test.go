package journey

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// order gives an order to the cloud's process.
func order(ctx context.Context, c *harness.Cloud, o app.Order, told func(app.Report)) (app.Report, error) {
	o.Who = "a test"
	return app.Ask(ctx, c.Options.Data, o, told)
}

// drained gives the annotations of drains, the newest first.
func drained(c *harness.Cloud) (list []rest.Annotation) {
	var all rest.Annotations
	c.Get(rest.PathAnnotations, &all)
	for _, a := range all.Annotations {
		if a.Kind == "drain" {
			list = append(list, a)
		}
	}
	return list
}

// TestDrain empties a cloud with devices of every generation: what was said
// before is what happens, the one that somebody waits for goes last and after it
// has answered, those on UDP are called throughout and after the next start
// without another handshake, and the record says who did it.
func TestDrain(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	counters := map[string]*counter{}
	var tcp, udp []*harness.Device
	for _, cfg := range generations(t) {
		n := newCounter()
		cfg.Application = n.application()
		d := c.Run(c.Provision(cfg), harness.Wiring{})
		counters[d.ID] = n
		if cfg.Transport == sim.TCP {
			tcp = append(tcp, d)
		} else {
			udp = append(udp, d)
		}
	}
	for _, d := range append(slices.Clip(tcp), udp...) {
		c.Settled(d.ID, 1)
	}
	busy := tcp[0]
	answered := make(chan error, 1)
	go func() { answered <- call(c, busy.ID, "wait", "") }() // until it is let go, below
	<-counters[busy.ID].begun

	would, err := order(t.Context(), c, app.Order{Do: app.DoAsk}, nil)
	if err != nil || would.Left != len(tcp) || would.Busy != 1 || would.Owners != 1 || would.Sessions != len(udp) || would.Disconnects != 0 {
		t.Fatalf("what a drain would do: %+v, %v", would, err)
	}
	f := newTraffic(c, udp)
	let := false
	done, err := order(t.Context(), c, app.Order{Do: app.DoDrain, Rate: 50}, func(r app.Report) {
		if r.Left == 1 && r.Busy == 1 && r.Disconnects == len(tcp)-1 && !let {
			let = true
			close(counters[busy.ID].let)
		}
	})
	if err != nil || done.Disconnects != len(tcp) || done.Left != 0 || done.Sessions != len(udp) {
		t.Fatalf("the drain: %+v, %v", done, err)
	}
	if err := <-answered; err != nil {
		t.Error("the call that was on its way:", err)
	}
	if _, err := c.Upgrade(""); err == nil || !strings.Contains(err.Error(), "drained") {
		t.Errorf("an upgrade of a cloud that is drained: %v", err)
	}
	close(f.stop)
	f.done.Wait()
	for _, err := range f.failed {
		t.Error(err)
	}
	list := drained(c)
	if len(list) != 1 || list[0].Ended == nil || *list[0].Ended != len(tcp) || *list[0].Sessions != len(udp) || !strings.Contains(string(list[0].Author), "a test") {
		t.Errorf("on record: %+v", list)
	}
	for _, d := range tcp {
		if n := d.Notes.Count("handshake done"); n != 1 {
			t.Errorf("%s came in again, it shook hands %d times", d.ID, n)
		}
	}

	c.Restart()
	for _, d := range udp {
		c.Online(d.ID)
		if err := call(c, d.ID, "count", "after"); err != nil {
			t.Error(err)
		}
		if n := d.Notes.Count("handshake done"); n != 1 {
			t.Errorf("%s shook hands %d times:\n%s", d.ID, n, d.Notes)
		}
	}
	for _, d := range tcp {
		c.Online(d.ID)
	}
}

// TestDrainTakenBack has whoever ordered a drain leave in the middle of it, as
// Ctrl-C does, and somebody else take one back: those who had been sent away,
// and were not let in meanwhile, come in again, the one that somebody waits for
// was never touched, and both are on record with what they cost.
func TestDrainTakenBack(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	n := newCounter()
	device := func() *harness.Device {
		return c.Run(c.Provision(sim.Config{Transport: sim.TCP, Profile: profile(t, "os-1.x"), Application: n.application()}), harness.Wiring{})
	}
	busy, idle := device(), []*harness.Device{device(), device()}
	for _, d := range append(slices.Clip(idle), busy) {
		c.Settled(d.ID, 1)
	}
	answered := make(chan error, 1)
	go func() { answered <- call(c, busy.ID, "wait", "") }() // until it is let go, below
	<-n.begun

	for i, leave := range []func(cancel context.CancelFunc) error{
		func(cancel context.CancelFunc) error { cancel(); return nil },
		func(context.CancelFunc) error {
			_, err := order(t.Context(), c, app.Order{Do: app.DoUndrain}, nil)
			return err
		},
	} {
		before := make([]int, len(idle))
		for k, d := range idle {
			before[k] = d.Lights.Count(unreachable)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{}, 1)
		ended := make(chan error, 1)
		go func() { // until the drain is taken back, below
			_, err := order(ctx, c, app.Order{Do: app.DoDrain, Rate: 20}, func(r app.Report) {
				if r.Disconnects == len(idle) && r.Left == 1 && r.Busy == 1 {
					select {
					case gone <- struct{}{}:
					default:
					}
				}
			})
			ended <- err
		}()
		select {
		case <-gone:
		case err := <-ended:
			t.Fatal("the drain has ended, and somebody waits for a device: ", err)
		}
		for k, d := range idle {
			c.Until("a device that was sent away finds the door closed", func() bool { return d.Lights.Count(unreachable) > before[k] })
		}
		if err := leave(cancel); err != nil {
			t.Error(err)
		}
		if err := <-ended; err == nil {
			t.Error("a drain that was taken back says that it is done")
		}
		c.Until("it is on record", func() bool { return len(drained(c)) == i+1 })
		if a := drained(c)[0]; *a.Ended != len(idle) || !strings.Contains(string(a.Detail), "taken back after 2 of 3 devices: they are let in again") {
			t.Errorf("on record: %+v, %s", *a.Ended, a.Detail)
		}
		for _, d := range idle {
			c.Settled(d.ID, i+2)
		}
		cancel()
	}
	close(n.let)
	if err := <-answered; err != nil {
		t.Error("the call that was on its way:", err)
	}
	if n := busy.Notes.Count("handshake done"); n != 1 {
		t.Errorf("the device that was busy shook hands %d times:\n%s", n, busy.Notes)
	}
}

// TestDrainPace counts what a drain would do before it does it, of two people's
// devices; asking changes nothing. Then it holds that devices go no faster than
// was said, and that one on UDP that has fallen silent holds nothing up: it stays
// counted, and goes on in its session when it is back, behind the next start.
func TestDrainPace(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	eve := c.Admit("eve@example.com")
	application := newCounter().application()
	var tcp []*harness.Device
	for _, p := range []*harness.Person{c.Person, c.Person, c.Person, eve, eve} {
		d := c.Run(p.Provision(sim.Config{Transport: sim.TCP, Profile: profile(t, "os-1.x"), Application: application}), harness.Wiring{})
		p.Settled(d.ID, 1)
		tcp = append(tcp, d)
	}
	third := c.Admit("mallory@example.com")
	wire := &cable{t: t}
	silent := c.Run(third.Provision(sim.Config{Profile: profile(t, "os-6.2"), Application: application}), harness.Wiring{Dial: wire.dial})
	third.Settled(silent.ID, 1)
	wire.mu.Lock()
	wire.cut = true
	wire.mu.Unlock()

	for range 3 {
		would, err := order(t.Context(), c, app.Order{Do: app.DoAsk}, nil)
		if err != nil || would.Left != len(tcp) || would.Owners != 2 || would.Sessions != 1 || would.Busy != 0 || would.Disconnects != 0 {
			t.Fatalf("what a drain would do: %+v, %v", would, err)
		}
	}
	for _, d := range tcp {
		if d.Notes.Has("closed the connection") || d.Notes.Count("handshake done") != 1 {
			t.Errorf("asking has disconnected %s:\n%s", d.ID, d.Notes)
		}
	}
	const rate = 10
	var first *app.Report
	begun := time.Now()
	done, err := order(t.Context(), c, app.Order{Do: app.DoDrain, Rate: rate}, func(r app.Report) {
		if first == nil {
			first = &r
		}
		// Between two there is at least half of what there is between two on average.
		if least := time.Duration(r.Disconnects) * time.Second / rate / 2; time.Since(begun) < least {
			t.Errorf("%d devices are gone after %v: at %d a second that takes %v", r.Disconnects, time.Since(begun), rate, least)
		}
	})
	if err != nil || done.Disconnects != len(tcp) || done.Left != 0 || done.Owners != 2 || done.Sessions != 1 {
		t.Errorf("the drain: %+v, %v", done, err)
	}
	if first == nil || first.Disconnects != 0 || first.Left != len(tcp) || first.Owners != 2 {
		t.Errorf("before the first was sent away it said %+v", first)
	}
	if list := drained(c); len(list) != 1 || !strings.Contains(string(list[0].Detail), "5 devices of 2 owners") {
		t.Errorf("on record: %+v", list)
	}
	c.Restart()
	wire.mu.Lock()
	wire.cut = false
	wire.mu.Unlock()
	c.Until("the one that was silent is called", func() bool {
		status, _ := third.Do(http.MethodPost, rest.PathFunction(silent.ID, "count"), url.Values{"arg": {"x"}})
		return status == http.StatusOK
	})
	if n := silent.Notes.Count("handshake done"); n != 1 {
		t.Errorf("it shook hands %d times:\n%s", n, silent.Notes)
	}
}
