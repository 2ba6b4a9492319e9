package journey

import (
	"context"
	"slices"
	"strings"
	"testing"

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

// TestDrainTakenBack has whoever ordered a drain leave in the middle of it, and
// somebody else take back one: devices come in again, and both are on record.
func TestDrainTakenBack(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	n := newCounter()
	d := c.Run(c.Provision(sim.Config{Transport: sim.TCP, Profile: profile(t, "os-1.x"), Application: n.application()}), harness.Wiring{})
	c.Settled(d.ID, 1)
	answered := make(chan error, 1)
	go func() { answered <- call(c, d.ID, "wait", "") }() // until it is let go, below
	<-n.begun

	for i, leave := range []func(cancel context.CancelFunc) error{
		func(cancel context.CancelFunc) error { cancel(); return nil },
		func(context.CancelFunc) error {
			_, err := order(t.Context(), c, app.Order{Do: app.DoUndrain}, nil)
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		begun := make(chan struct{}, 1)
		ended := make(chan error, 1)
		go func() { // until the drain is taken back, below
			_, err := order(ctx, c, app.Order{Do: app.DoDrain, Rate: 1000}, func(app.Report) {
				select {
				case begun <- struct{}{}:
				default:
				}
			})
			ended <- err
		}()
		<-begun
		if err := leave(cancel); err != nil {
			t.Error(err)
		}
		if err := <-ended; err == nil {
			t.Error("a drain that was taken back says that it is done")
		}
		c.Until("it is on record", func() bool { return len(drained(c)) == i+1 })
		cancel()
	}
	close(n.let)
	if err := <-answered; err != nil {
		t.Error("the call that was on its way:", err)
	}
	if n := d.Notes.Count("handshake done"); n != 1 {
		t.Errorf("the device shook hands %d times:\n%s", n, d.Notes)
	}
	other := c.Run(c.Provision(sim.Config{Transport: sim.TCP, Profile: profile(t, "os-1.x"), Application: n.application()}), harness.Wiring{})
	c.Online(other.ID)
}
