package journey

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
)

const (
	unreachable = "3 orange flashes" // internet, but no cloud
	failed      = "red flash"        // the handshake failed
	doorMetric  = `cyan_gateway_door{transport="tcp"}`
)

// doorIs waits until the devices' port on TCP is open (1) or closed (0), as
// metric and readiness say.
func doorIs(c *harness.Cloud, want string) {
	c.Until("the door is at "+want, func() bool {
		status, body := c.Do(http.MethodGet, "/metrics", nil)
		return status == http.StatusOK && strings.Contains(body, doorMetric+" "+want+"\n")
	})
}

// showsUnreachable waits until the device shows, so many times more, that the
// cloud is not reachable, and fails if it shows meanwhile that its handshake
// failed, or has shown so more often than reds before.
func showsUnreachable(t *testing.T, c *harness.Cloud, d *harness.Device, times, reds int) {
	t.Helper()
	c.Until("the device shows that the cloud is not reachable", func() bool { return d.Lights.Has(unreachable) })
	red, before := d.Lights.Count(failed), d.Lights.Count(unreachable)
	c.Until("it shows so at its next tries", func() bool { return d.Lights.Count(unreachable) >= before+times })
	if now := d.Lights.Count(failed); now != red || red > reds {
		t.Errorf("its light has flashed red %d times, %d of them since the cloud closed its door; it showed:\n%s", now, now-red, d.Lights)
	}
}

// TestDoor takes the devices' keys away from a cloud that runs. A device on TCP
// shows that the cloud is not reachable, not that its key is wrong; the one that is
// connected stays so; and all are back by themselves when the keys are.
func TestDoor(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{})
	tcp := func() sim.Config {
		return c.Provision(sim.Config{Transport: sim.TCP, Application: sim.Oven(0)})
	}
	in := c.Run(tcp(), harness.Wiring{})
	c.Online(in.ID)
	late, cellular := tcp(), c.Provision(sim.Config{Application: sim.Oven(0)})

	hideTable(t, c, "device_keys")
	out := c.Run(late, harness.Wiring{})
	other := c.Run(cellular, harness.Wiring{})
	doorIs(c, "0")
	if status, body := c.Do(http.MethodGet, "/readyz", nil); status != http.StatusServiceUnavailable || !strings.Contains(body, "for devices on tcp") {
		t.Errorf("with its door closed the cloud says of itself: %d %s", status, body)
	}
	showsUnreachable(t, c, out, 2, 1)
	c.Until("an attempt on UDP has failed through us", func() bool {
		_, body := c.Do(http.MethodGet, "/metrics", nil)
		return strings.Contains(body, `cyan_gateway_attempts_total{fault="cloud",outcome="failed",reason="key_store_unavailable",transport="udp"}`)
	})
	if got := c.Call(in.ID, "setpitf", "225"); got != 225 {
		t.Errorf("the device that is connected answers %d", got)
	}
	if n := in.Notes.Count("closed the connection"); n != 0 {
		t.Errorf("the device that was connected was cut off %d times", n)
	}

	showTable(t, c, "device_keys")
	doorIs(c, "1")
	c.Online(out.ID)
	c.Online(other.ID)
	if status, body := c.Do(http.MethodGet, "/readyz", nil); status != http.StatusOK {
		t.Errorf("when all is well again the cloud says of itself: %d %s", status, body)
	}
}
