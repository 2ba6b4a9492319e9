package journey

import (
	"testing"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
)

// TestDoorUpgrade upgrades a cloud whose door for devices on TCP is closed. The
// new process keeps it closed, and opens it when there is a sense in it.
func TestDoorUpgrade(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	cfg := c.Provision(sim.Config{Transport: sim.TCP, Application: sim.Oven(0)})
	hideTable(t, c, "device_keys")
	d := c.Run(cfg, harness.Wiring{})
	doorIs(c, "0")
	showsUnreachable(t, c, d, 1, 1)
	if _, err := c.Upgrade(""); err != nil {
		t.Fatal(err)
	}
	showsUnreachable(t, c, d, 2, 1)
	doorIs(c, "0")
	showTable(t, c, "device_keys")
	doorIs(c, "1")
	c.Online(d.ID)
}
