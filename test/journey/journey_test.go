// Package journey follows devices and people through every door of a whole
// cloud: what is promised to users is proven here.
package journey

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// profile finds a generation of Device OS.
func profile(t *testing.T, name string) sim.Profile {
	t.Helper()
	p, err := sim.FindProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// generations are the devices that there are, by version and transport.
func generations(t *testing.T) map[string]sim.Config {
	t.Helper()
	oven := sim.Oven(time.Second)
	return map[string]sim.Config{
		"6.2-udp": {Profile: profile(t, "os-6.2"), Application: oven},
		"2.3-udp": {Profile: profile(t, "os-2.3"), Application: oven},
		"2.3-tcp": {Profile: profile(t, "os-2.3"), Application: oven, Transport: sim.TCP},
		"1.x-tcp": {Profile: profile(t, "os-1.x"), Application: oven, Transport: sim.TCP},
	}
}

// TestDeviceIsCalled connects a device of every generation and calls,
// reads, hears and tells it through the HTTP API.
func TestDeviceIsCalled(t *testing.T) {
	t.Parallel()
	for name, cfg := range generations(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := harness.Start(t, app.Options{})
			stream := c.Stream(rest.PathMyEvents(""))
			stream.Expect(":ok")
			cfg := c.Provision(cfg)
			d := c.Run(cfg, harness.Wiring{})
			c.Online(d.ID)
			c.Settled(d.ID, 1)
			stream.Expect("event: spark/status")
			stream.Expect(`"online"`, d.ID)

			for _, id := range []string{d.ID, strings.ToUpper(d.ID)} {
				if got := c.Call(id, "setpitf", "225"); got != 225 {
					t.Errorf("setpitf returned %d", got)
				}
			}
			for variable, want := range map[string]string{"pitf": "225", "lid": "false", "temps": `"{`, "pit": ""} {
				status, body := c.Do(http.MethodGet, rest.PathVariable(d.ID, variable), nil)
				if status != http.StatusOK || !strings.Contains(body, `"result":`+want) {
					t.Errorf("%s: %d %s", variable, status, body)
				}
			}
			if status, body := c.Do(http.MethodPut, rest.PathPing(d.ID), nil); status != http.StatusOK || !strings.Contains(body, `"online":true`) {
				t.Errorf("ping: %d %s", status, body)
			}
			stream.Expect("event: temps")
			stream.Expect(`"coreid":"` + d.ID)
			publish(t, c.Person, "oven/lights", "on")
			c.Until("the device has the event", func() bool { return d.Notes.Has("oven/lights") })
		})
	}
}

func publish(t *testing.T, p *harness.Person, name, data string) {
	t.Helper()
	status, body := p.Do(http.MethodPost, rest.PathPublish, url.Values{"name": {name}, "data": {data}, "private": {"true"}})
	if status != http.StatusOK {
		t.Errorf("publish %s: %d %s", name, status, body)
	}
}

// TestIPv6 connects devices to ::1 on both transports.
func TestIPv6(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{ListenUDP: "[::1]:0", ListenTCP: "[::1]:0", ListenAPI: "[::1]:0"})
	for _, transport := range []sim.Transport{sim.UDP, sim.TCP} {
		d := c.Run(c.Provision(sim.Config{Transport: transport, Application: sim.Oven(0)}), harness.Wiring{})
		c.Online(d.ID)
		if got := c.Call(d.ID, "setpitf", "1"); got != 1 {
			t.Errorf("%s: setpitf returned %d", transport, got)
		}
	}
}

// TestCloudRestart stops the cloud and starts it again: everybody is callable
// without being touched.
func TestCloudRestart(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{})
	var devices []*harness.Device
	for _, cfg := range generations(t) {
		devices = append(devices, c.Run(c.Provision(cfg), harness.Wiring{}))
	}
	for _, d := range devices {
		c.Settled(d.ID, 1)
	}
	c.Restart()
	for _, d := range devices {
		callable(t, c, d)
	}
}

// callable waits until a device that was away answers a call.
func callable(t *testing.T, c *harness.Cloud, d *harness.Device) {
	t.Helper()
	c.Until("the device answers again", func() bool {
		status, body := c.Do(http.MethodPost, rest.PathFunction(d.ID, "setpitf"), url.Values{"arg": {"90"}})
		return status == http.StatusOK && strings.Contains(body, `"return_value":90`)
	})
}

// TestDeviceRestart cuts a device's power and gives it back: it comes back
// within its session, without a handshake.
func TestDeviceRestart(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"6.2-udp", "2.3-udp"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := harness.Start(t, app.Options{})
			memory := filepath.Join(t.TempDir(), "memory")
			cfg := c.Provision(generations(t)[name])
			d := c.Run(cfg, harness.Wiring{Memory: memory})
			c.Settled(d.ID, 1)
			d.Unplug()
			c.Run(cfg, harness.Wiring{Memory: memory})
			c.Settled(d.ID, 2)
			if a := c.Attempts(d.ID); len(a) != 2 || a[0].Reason != "resumed" || a[1].Reason == "resumed" {
				t.Errorf("want an attempt and one that resumed in %+v", a)
			}
			callable(t, c, d)
		})
	}
}
