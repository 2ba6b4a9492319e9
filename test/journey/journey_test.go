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
)

// generations are the devices that there are, by version and transport.
func generations(t *testing.T) map[string]sim.Config {
	t.Helper()
	profile := func(name string) sim.Profile {
		p, err := sim.FindProfile(name)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	oven := sim.Oven(time.Second)
	return map[string]sim.Config{
		"6.2-udp": {Profile: profile("os-6.2"), Application: oven},
		"2.3-udp": {Profile: profile("os-2.3"), Application: oven},
		"2.3-tcp": {Profile: profile("os-2.3"), Application: oven, Transport: sim.TCP},
		"1.x-tcp": {Profile: profile("os-1.x"), Application: oven, Transport: sim.TCP},
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
			stream := c.Stream("/v1/devices/events")
			c.Expect(stream, ":ok")
			cfg := c.Provision(cfg)
			d := c.Run(cfg, "", "")
			c.Online(d.ID)
			c.Expect(stream, "event: spark/status")
			c.Expect(stream, `"online"`, d.ID)

			for _, id := range []string{d.ID, strings.ToUpper(d.ID)} {
				status, body := c.Do(http.MethodPost, "/v1/devices/"+id+"/setpitf", url.Values{"arg": {"225"}})
				if status != http.StatusOK || !strings.Contains(body, `"return_value":225`) {
					t.Errorf("setpitf: %d %s", status, body)
				}
			}
			for variable, want := range map[string]string{"pitf": "225", "lid": "false", "temps": `"{`, "pit": ""} {
				status, body := c.Do(http.MethodGet, "/v1/devices/"+d.ID+"/"+variable, nil)
				if status != http.StatusOK || !strings.Contains(body, `"result":`+want) {
					t.Errorf("%s: %d %s", variable, status, body)
				}
			}
			if status, body := c.Do(http.MethodPut, "/v1/devices/"+d.ID+"/ping", nil); status != http.StatusOK || !strings.Contains(body, `"online":true`) {
				t.Errorf("ping: %d %s", status, body)
			}
			c.Expect(stream, "event: temps")
			c.Expect(stream, `"coreid":"`+d.ID)
			status, body := c.Do(http.MethodPost, "/v1/devices/events", url.Values{"name": {"oven/lights"}, "data": {"on"}, "private": {"true"}})
			if status != http.StatusOK {
				t.Errorf("publish: %d %s", status, body)
			}
			c.Until("the device has the event", func() bool { return d.Notes.Has("oven/lights") })
		})
	}
}

// TestIPv6 connects devices to ::1 on both transports.
func TestIPv6(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{ListenUDP: "[::1]:0", ListenTCP: "[::1]:0", ListenAPI: "[::1]:0"})
	for _, transport := range []sim.Transport{sim.UDP, sim.TCP} {
		cfg := c.Provision(sim.Config{Transport: transport, Application: sim.Oven(0)})
		d := c.Run(cfg, "", "")
		c.Online(d.ID)
		if status, body := c.Do(http.MethodPost, "/v1/devices/"+d.ID+"/setpitf", url.Values{"arg": {"1"}}); status != http.StatusOK {
			t.Errorf("%s: %d %s", transport, status, body)
		}
	}
}

// TestCloudRestart stops the cloud and starts it again: devices on UDP shake
// no hands, and everybody is callable without being touched.
func TestCloudRestart(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{})
	var devices []*harness.Device
	for _, cfg := range generations(t) {
		cfg = c.Provision(cfg)
		devices = append(devices, c.Run(cfg, "", ""))
	}
	for _, d := range devices {
		c.Online(d.ID)
		c.Until("its start-up is complete", func() bool {
			_, body := c.Do(http.MethodGet, "/v1/devices/"+d.ID+"/attempts", nil)
			return strings.Contains(body, `"succeeded"`)
		})
	}
	c.Restart()
	for _, d := range devices {
		c.Until("the device answers again", func() bool {
			status, body := c.Do(http.MethodPost, "/v1/devices/"+d.ID+"/setpitf", url.Values{"arg": {"90"}})
			return status == http.StatusOK && strings.Contains(body, `"return_value":90`)
		})
	}
}

// TestDeviceRestart cuts a device's power and gives it back: it comes back
// within its session, without a handshake.
func TestDeviceRestart(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{})
	for _, name := range []string{"6.2-udp", "2.3-udp"} {
		memory := filepath.Join(t.TempDir(), "memory")
		cfg := c.Provision(generations(t)[name])
		d := c.Run(cfg, "", memory)
		c.Online(d.ID)
		attempts := func() (n int, body string) {
			_, body = c.Do(http.MethodGet, "/v1/devices/"+d.ID+"/attempts", nil)
			return strings.Count(body, `"outcome":"succeeded"`), body
		}
		c.Until("its start-up is complete", func() bool { n, _ := attempts(); return n == 1 })
		d.Unplug()
		again := c.Run(cfg, "", memory)
		c.Until("the device is back", func() bool { n, _ := attempts(); return n == 2 })
		if _, body := attempts(); strings.Count(body, `"resumed"`) != 1 {
			t.Errorf("%s: want one attempt that resumed in %s", name, body)
		}
		status, body := c.Do(http.MethodPost, "/v1/devices/"+again.ID+"/setpitf", url.Values{"arg": {"3"}})
		if status != http.StatusOK || !strings.Contains(body, `"return_value":3`) {
			t.Errorf("%s: setpitf: %d %s", name, status, body)
		}
	}
}
