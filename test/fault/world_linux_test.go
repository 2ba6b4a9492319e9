package fault

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// The promises: how long until everything is callable again, hands off.
const (
	keysKept = 150 * time.Second // devices reconnect, or never left
	keysLost = 224 * time.Second // the device's own clock, at its 25 s keep-alive
	// slack is what a loaded machine may add.
	slack = 60 * time.Second
)

// pace is how often each caller calls its device.
const pace = 750 * time.Millisecond

// member is a device that takes part.
type member struct {
	id       string
	cfg      sim.Config // of a virtual one
	function string
	kind     string          // generation and transport
	device   *harness.Device // nil: it is a real one

	shaken, resumed int       // handshakes and resumptions before the fault
	shook           rest.Time // when a real one shook hands last before it
}

// world is a cloud in a process of its own, devices behind relays, and callers.
type world struct {
	*harness.Cloud
	t       testing.TB
	udp     *UDP
	tcp     *TCP
	members []*member
	ledger  *Ledger
	api     *client.Client

	stop    chan struct{}
	callers sync.WaitGroup
	mu      sync.Mutex
	number  int // guarded by mu; of the last call
	healed  time.Time
}

// generation of devices that take part, in turn.
var generations = []struct {
	profile   string
	transport sim.Transport
}{{"os-6.2", sim.UDP}, {"os-2.3", sim.TCP}, {"os-2.3", sim.UDP}, {"os-1.x", sim.TCP}}

// newWorld starts everything, with so many virtual devices, and waits until all
// of them have come to the end of their start-up.
func newWorld(t testing.TB, o app.Options, devices int, seed uint64) *world {
	t.Helper()
	w := &world{t: t, ledger: NewLedger(), stop: make(chan struct{}), Cloud: harness.StartProcess(t, o)}
	w.api = client.New(client.Config{URL: w.URL(), Token: w.Token})
	var err error
	if w.udp, err = NewUDP(w.Options.ListenUDP, seed); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.udp.Close)
	if w.tcp, err = NewTCP(w.Options.ListenTCP, seed); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.tcp.Close)
	for i := range devices {
		g := generations[i%len(generations)]
		profile, err := sim.FindProfile(g.profile)
		if err != nil {
			t.Fatal(err)
		}
		cfg := w.Provision(sim.Config{Profile: profile, Transport: g.transport, Application: w.ledger.Application()})
		w.members = append(w.members, &member{
			id: cfg.ID.String(), cfg: cfg, device: w.Cloud.Run(cfg, w.wiring(g.transport)), function: Function, kind: fmt.Sprintf("%s %s", g.profile, g.transport),
		})
	}
	for _, m := range w.members {
		w.Settled(m.id, 1)
	}
	return w
}

func (w *world) wiring(transport sim.Transport) harness.Wiring {
	if transport == sim.TCP {
		return harness.Wiring{At: w.tcp.Addr()}
	}
	return harness.Wiring{At: w.udp.Addr()}
}

// call calls a device with an argument that was never used, and tells whether it
// answered.
func (w *world) call(ctx context.Context, m *member) (bool, error) {
	w.mu.Lock()
	w.number++
	argument := fmt.Sprint(w.number)
	w.mu.Unlock()
	r, err := w.api.Call(ctx, m.id, m.function, argument)
	if m.device != nil {
		return w.ledger.Told(m.id, argument, r.ReturnValue, err), err
	}
	if err == nil && int(r.ReturnValue) == len(argument) {
		w.ledger.Run(m.id, argument) // it keeps no ledger
		r.ReturnValue = answer(m.id, argument)
	}
	return w.ledger.Told(m.id, argument, r.ReturnValue, err), err
}

// traffic calls every device until the world ends.
func (w *world) traffic() {
	ctx := w.t.Context()
	for i, m := range w.members {
		w.callers.Go(func() { // until stop
			failed := 0
			w.pause(time.Duration(i) * pace / time.Duration(len(w.members)))
			for w.pause(pace) {
				ok, err := w.call(ctx, m)
				at := time.Now()
				if ok || !deviceSilent(err) {
					failed = 0
					continue
				}
				if failed++; failed >= 2 {
					w.lookFor(ctx, m, err, at)
				}
			}
		})
	}
}

// lookFor holds that a device that fails call after call, the last of which
// failed at a time, is not shown as connected and proven.
func (w *world) lookFor(ctx context.Context, m *member, failure error, at time.Time) {
	d, err := w.api.Device(ctx, m.id)
	if err != nil || !d.Connected || !d.Proven || at.Sub(d.ProvenAt.Time) < 2*time.Second {
		return // one that was proven since the call failed is not shown wrongly
	}
	w.ledger.Wrong("%s fails call after call (%v) and is shown as %s, proven at %v", m.id, failure, d.State, d.ProvenAt)
}

// pause waits, and tells whether the world goes on.
func (w *world) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.stop:
		return false
	}
}

// heal notes that the fault is over.
func (w *world) heal() { w.healed = time.Now() }

// recovery calls every device until it answers, and then all of them once
// more, and gives how long each took.
func (w *world) recovery(bound time.Duration) (took []time.Duration) {
	ctx, cancel := context.WithDeadline(w.t.Context(), w.healed.Add(bound))
	defer cancel()
	answered := make([]time.Time, len(w.members))
	for range 2 {
		var all sync.WaitGroup
		for i, m := range w.members {
			all.Go(func() { // until it answers, or the promise is broken
				for first := true; ctx.Err() == nil && w.pause(100*time.Millisecond); first = false {
					if ok, _ := w.call(ctx, m); !ok {
						answered[i] = time.Time{}
						continue
					}
					if answered[i].IsZero() || !first {
						answered[i] = time.Now()
					}
					return
				}
			})
		}
		all.Wait()
	}
	for i, at := range answered {
		if at.IsZero() {
			w.t.Logf("%s (%s) does not answer", w.members[i].id, w.members[i].kind)
			continue
		}
		took = append(took, at.Sub(w.healed))
	}
	return took
}

// onRecord waits until the handshakes of a real device are on record: they are
// when the start-up behind them is complete, some seconds after it was called.
func (w *world) onRecord(m *member) {
	w.t.Helper()
	if m.device != nil {
		return
	}
	w.Until("a handshake of "+m.kind+" is on record", func() bool {
		shaken, _ := w.connects(m)
		return shaken > m.shaken || w.Device(m.id).LastHandshakeAt.Equal(m.shook.Time)
	})
}

// connects counts a device's handshakes and resumptions: what it says itself,
// or, of a real one, what is on record as having succeeded.
func (w *world) connects(m *member) (shaken, resumed int) {
	if m.device != nil {
		return m.device.Notes.Count("handshake done"), m.device.Notes.Count("session resumed")
	}
	for _, a := range w.Attempts(m.id) {
		switch {
		case a.Outcome != "succeeded":
		case slices.ContainsFunc(a.Stages, func(s rest.Stage) bool { return s.Stage == "key_exchange" }):
			shaken++
		default:
			resumed++
		}
	}
	return shaken, resumed
}

// real tells whether real devices take part.
func (w *world) real() bool {
	return slices.ContainsFunc(w.members, func(m *member) bool { return m.device == nil })
}

// end stops the callers.
func (w *world) end() {
	close(w.stop)
	w.callers.Wait()
}
