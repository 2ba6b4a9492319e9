package journey

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/internal/port"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// newBus starts a bus outside of the cloud, at a port; -1: any.
func newBus(t *testing.T, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Shutdown)
	return s
}

// TestDoorBus takes the bus away: no call would find a device that connects
// now, so that none may believe to be connected. On TCP the door closes, on UDP
// the handshake is refused, both with a reason that is ours; who is connected
// stays so, and all are back by themselves when the bus is.
func TestDoorBus(t *testing.T) {
	t.Parallel()
	at, err := netip.ParseAddrPort(port.Free(t))
	if err != nil {
		t.Fatal(err)
	}
	bus := newBus(t, int(at.Port()))
	c := harness.Start(t, app.Options{NATS: bus.ClientURL()})
	tcp := func() sim.Config {
		return c.Provision(sim.Config{Transport: sim.TCP, Application: sim.Oven(0)})
	}
	in := c.Run(tcp(), harness.Wiring{})
	c.Settled(in.ID, 1)
	late, cellular := tcp(), c.Provision(sim.Config{Application: sim.Oven(0)})

	bus.Shutdown()
	bus.WaitForShutdown()
	c.Until("the cloud notices", func() bool {
		status, _ := c.Do(http.MethodGet, "/readyz", nil)
		return status == http.StatusServiceUnavailable
	})
	out := c.Run(late, harness.Wiring{})
	other := c.Run(cellular, harness.Wiring{})
	doorIs(c, "0")
	showsUnreachable(t, c, out, 2, 5) // a try a second, until it closes within five
	c.Until("a try on TCP is on record as ours", func() bool {
		return slices.ContainsFunc(c.Attempts(out.ID), func(a rest.Attempt) bool { return a.Reason == "bus_unavailable" && a.Fault == "cloud" })
	})
	c.Until("a try on UDP is counted as ours", func() bool {
		return metric(c, `cyan_gateway_attempts_total{fault="cloud",outcome="failed",reason="bus_unavailable",transport="udp"}`) > 0
	})
	for _, d := range []*harness.Device{out, other} {
		if d.Lights.Has("breathing cyan") {
			t.Errorf("%s believes to be connected, and nobody can call it", d.ID)
		}
	}
	if n := in.Notes.Count("closed the connection"); n != 0 {
		t.Errorf("the device that was connected was cut off %d times", n)
	}

	newBus(t, int(at.Port()))
	doorIs(c, "1")
	for _, d := range []*harness.Device{in, out, other} {
		c.Until("it is called", func() bool {
			status, body := c.Do(http.MethodPost, rest.PathFunction(d.ID, "setpitf"), url.Values{"arg": {"225"}})
			return status == http.StatusOK && strings.Contains(body, "225")
		})
	}
	if n := in.Notes.Count("handshake done"); n != 1 {
		t.Errorf("the device that was connected shook hands %d times:\n%s", n, in.Notes)
	}
}
