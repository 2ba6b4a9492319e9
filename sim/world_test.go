package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/simtest"
)

// world is a device, a cloud, and the time between them. The network is
// perfect and takes no time.
type world struct {
	t      testing.TB
	device *sim.Device
	cloud  *simtest.Cloud
	cfg    sim.Config

	start, now time.Time
	todo       []sim.Input // what is on its way to the device
	trace      strings.Builder
	notes      []sim.Note
	leds       []sim.LED
	keeps      int
	open       bool
	offline    bool
	last       []byte // message of the cloud
}

func newWorld(t testing.TB, cfg sim.Config) *world {
	t.Helper()
	w := &world{t: t, cfg: cfg, cloud: simtest.NewCloud(t, cfg.Transport)}
	w.start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	w.now = w.start
	w.device = w.newDevice()
	return w
}

func (w *world) newDevice() *sim.Device {
	w.t.Helper()
	d, err := sim.New(w.cfg)
	must(w.t, err)
	return d
}

// do gives the device an input and performs all that follows at once.
func (w *world) do(in sim.Input) {
	w.todo = append(w.todo, in)
	w.settle()
}

func (w *world) settle() {
	for len(w.todo) > 0 {
		in := w.todo[0]
		w.todo = w.todo[1:]
		for _, out := range w.device.Step(w.now, in) {
			w.perform(out)
		}
	}
}

func (w *world) perform(out sim.Output) {
	switch out := out.(type) {
	case sim.Open:
		w.open = true
		if w.cloud.Gone && out.Transport == sim.TCP {
			w.todo = append(w.todo, sim.OpenFailed{Internet: !w.offline})
			return
		}
		w.todo = append(w.todo, sim.Opened{})
		w.deliver(w.cloud.Opened())
	case sim.Close:
		w.open = false
		w.todo = nil
		w.printf("socket closed")
	case sim.Send:
		w.deliver(w.cloud.Receive(w.now, out.Data))
		if w.cloud.Closing {
			w.cloud.Closing = false
			w.todo = append(w.todo, sim.Closed{})
		}
	case sim.Show:
		w.leds = append(w.leds, out.LED)
		w.printf("LED %s", out.LED)
	case sim.Note:
		w.notes = append(w.notes, out)
		w.printf("%s", out.Text)
	case sim.Keep:
		w.keeps++
	}
}

func (w *world) deliver(answers [][]byte) {
	for _, b := range answers {
		w.todo = append(w.todo, sim.Received{Data: b})
	}
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	until := w.now.Add(d)
	for steps := 0; ; steps++ {
		if steps > 100_000 {
			w.t.Fatalf("the device does not come to rest: deadline %v at %v", w.device.Deadline(), w.now)
		}
		at := w.device.Deadline()
		if at.IsZero() || at.After(until) {
			break
		}
		if at.After(w.now) {
			w.now = at
		}
		w.do(sim.Tick{})
	}
	w.now = until
}

// connect switches the device on and waits until it is connected.
func (w *world) connect() {
	w.t.Helper()
	w.do(sim.PowerOn{})
	w.run(time.Second)
	if w.device.Phase() != sim.Connected {
		w.t.Fatalf("the device is %v, not connected:\n%s", w.device.Phase(), w.trace.String())
	}
}

// ask sends a message of the cloud's to the device.
func (w *world) ask(message []byte) { w.do(sim.Received{Data: w.cloud.Seal(message)}) }

func (w *world) printf(format string, args ...any) {
	fmt.Fprintf(&w.trace, "%8.3f  %s\n", w.now.Sub(w.start).Seconds(), fmt.Sprintf(format, args...))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
