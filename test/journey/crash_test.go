package journey

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestKill kills a cloud that runs in a process of its own and starts it
// again: what is known of devices is known at once, devices on UDP shake no
// hands, events reach them as before, and all are callable hands off.
func TestKill(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	devices := map[string]*harness.Device{}
	for name, cfg := range generations(t) {
		devices[name] = c.Run(c.Provision(cfg), harness.Wiring{})
	}
	for _, d := range devices {
		c.Settled(d.ID, 1)
		if got := c.Call(d.ID, "setpitf", "100"); got != 100 {
			t.Errorf("setpitf returned %d", got)
		}
	}
	c.Kill()
	if c.Again() {
		t.Error("the cloud made another administrator")
	}
	for name, d := range devices {
		known := c.Device(d.ID)
		if !slices.Contains(known.Functions, "setpitf") || known.Variables["pit"] != "double" || known.DescribedAt.IsZero() {
			t.Errorf("%s: what it can do is forgotten: %+v", name, known)
		}
	}
	for _, d := range devices {
		callable(t, c, d)
	}
	c.Until("an event reaches all devices", func() bool {
		status, _ := c.Do(http.MethodPost, rest.PathPublish, map[string][]string{"name": {"oven/alive"}, "data": {"?"}})
		got := status == http.StatusOK
		for _, d := range devices {
			got = got && d.Notes.Has("oven/alive")
		}
		return got
	})
	for name, d := range devices {
		shaken, want := d.Notes.Count("handshake done"), 1
		if generations(t)[name].Transport == sim.TCP {
			want = 2
		}
		c.Settled(d.ID, want)
		if shaken != want {
			t.Errorf("%s shook hands %d times, want %d:\n%s", name, shaken, want, d.Notes)
		}
		handshakes := 0
		for _, a := range c.Attempts(d.ID) {
			if slices.ContainsFunc(a.Stages, func(s rest.Stage) bool { return s.Stage == "key_exchange" }) {
				handshakes++
			}
		}
		if handshakes != want {
			t.Errorf("%s: %d handshakes are on record, want %d", name, handshakes, want)
		}
	}
}

// cable is a device's connection to the world, which can be cut silently: the
// other side hears nothing, not even an end.
type cable struct {
	t *testing.T

	mu     sync.Mutex
	cut    bool
	conns  []net.Conn
	unsent [][]byte // what the device said since
}

func (c *cable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
	c.t.Cleanup(func() { conn.Close() })
	return &cabled{conn, c}, nil
}

type cabled struct {
	net.Conn
	*cable
}

func (c *cabled) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		c.unsent = append(c.unsent, slices.Clone(b))
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Close leaves the connection open where the cloud can see it, if it is cut.
func (c *cabled) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return c.SetReadDeadline(time.Unix(1, 0))
	}
	return c.Conn.Close()
}

// TestOneSession connects a device twice. The second is the device from then
// on, calls go to it, and what the first still says goes nowhere.
func TestOneSession(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, transport sim.Transport) {
		c := harness.Start(t, app.Options{})
		application := func(answer int32) sim.Application {
			return sim.Application{Functions: []sim.Function{{Name: "who", Call: func(*sim.App, string) int32 { return answer }}}}
		}
		cfg := c.Provision(sim.Config{Transport: transport, Application: application(1)})
		wire := &cable{t: t}
		first := c.Run(cfg, harness.Wiring{Dial: wire.dial})
		c.Online(first.ID)
		if c.Call(first.ID, "who", "") != 1 {
			t.Error("the first does not answer")
		}
		wire.mu.Lock()
		wire.cut = true
		wire.mu.Unlock()
		first.Tell(sim.Publish{Event: sim.Event{Name: "late", Data: []byte("from the first")}})
		c.Until("the first has said something into the cut cable", func() bool {
			wire.mu.Lock()
			defer wire.mu.Unlock()
			return len(wire.unsent) > 0
		})
		first.Unplug()

		stream := c.Stream(rest.PathMyEvents(""))
		stream.Expect(":ok")
		cfg.Application = application(2)
		second := c.Run(cfg, harness.Wiring{})
		c.Until("the second has been heard", func() bool { return second.Lights.Has("breathing cyan") })
		c.Online(second.ID)
		if got := c.Call(second.ID, "who", ""); got != 2 {
			t.Errorf("the call went to device %d", got)
		}
		// Now the cable is mended, and what the first said arrives.
		wire.mu.Lock()
		for _, b := range wire.unsent {
			wire.conns[0].Write(b) // over TCP it may be closed already
		}
		wire.mu.Unlock()
		second.Tell(sim.Publish{Event: sim.Event{Name: "news", Data: []byte("from the second")}})
		for _, line := range stream.Expect("event: news") {
			if line == "event: late" {
				t.Error("an event of the first session was published")
			}
		}
		if online, limbo := metric(c, `cyan_gateway_sessions{state="online"}`), metric(c, `cyan_gateway_sessions{state="limbo"}`); online+limbo != 1 {
			t.Errorf("%v sessions of one device are online and %v in limbo", online, limbo)
		}
		if transport == sim.UDP {
			c.Until("what came too late is counted", func() bool { return metric(c, `cyan_gateway_dropped_total{reason="unknown_session"}`) > 0 })
		}
		if got := c.Call(second.ID, "who", ""); got != 2 {
			t.Errorf("the call went to device %d", got)
		}
	})
}
