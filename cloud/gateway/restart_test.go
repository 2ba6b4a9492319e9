package gateway_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway"
	"github.com/cyan-cloud/cyan/cloud/gateway/identify"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/sim"
)

// TestRestart ends the cloud, by a planned stop and by a crash, while devices
// are connected: those on UDP shake no hands again, and all can be called.
func TestRestart(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(c *cloud, list []*thing){
		"stop": func(c *cloud, list []*thing) {
			c.close()
			c.exact(list)
		},
		"crash": func(c *cloud, _ []*thing) { c.crash() },
		"other lanes": func(c *cloud, _ []*thing) {
			c.crash()
			c.cfg.Lanes = 3
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, nil)
			var list []*thing
			for _, profile := range []string{"os-6.2", "os-6.2", "os-2.3", "os-1.4"} {
				list = append(list, c.device(sim.UDP, c.cfg.UDP[0], func(cfg *sim.Config) { cfg.Profile, _ = sim.FindProfile(profile) }).on())
			}
			list = append(list, c.device(sim.TCP, c.cfg.TCP[0], nil).on())
			for _, d := range list {
				c.works(d)
				c.complete(d)
			}
			again(c, list)
			c.open()
			for i, d := range list {
				c.works(d)
				want := 1
				if d.cfg.Device.Transport == sim.TCP {
					want = 2
				}
				if n := d.noted("handshake done"); n != want {
					t.Errorf("device %d has shaken hands %d times, want %d", i, n, want)
				}
			}
		})
	}
}

// exact looks whether what is stored of the devices on UDP is as sure as it can
// be after a planned stop, and only then.
func (c *cloud) exact(list []*thing) {
	c.t.Helper()
	s, err := store.Open(c.t.Context(), store.Config{Path: c.path})
	must(c.t, err)
	for _, d := range list {
		if d.cfg.Device.Transport == sim.TCP {
			continue
		}
		row, err := s.Session(c.t.Context(), d.id)
		must(c.t, err)
		if r := (session.Record{Device: row.Device, Blob: row.Blob}); !r.IsLast(row.Generation) || r.IsLast(row.Generation+1) {
			c.t.Errorf("the session of %s is stored as if after a crash", row.Device)
		}
	}
	must(c.t, s.Close())
}

// complete waits until the device's start-up is complete, and stored: one that
// is cut short by a restart begins anew.
func (c *cloud) complete(d *thing) {
	c.t.Helper()
	eventually(c.t, "its start-up is complete", func() bool {
		tries, err := c.store.Attempts(c.t.Context(), d.id, time.Time{}, 0)
		must(c.t, err)
		return len(tries) > 0 && tries[0].Outcome == device.Succeeded
	})
	must(c.t, c.store.Flush(c.t.Context()))
}

// crash leaves to the next life what the disk has now, as a loss of power does.
func (c *cloud) crash() {
	c.t.Helper()
	files, err := filepath.Glob(c.path + "*")
	must(c.t, err)
	folder := c.t.TempDir()
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(c.t, err)
		must(c.t, os.WriteFile(filepath.Join(folder, filepath.Base(f)), b, 0o600))
	}
	c.close()
	c.path = filepath.Join(folder, filepath.Base(c.path))
}

// TestResume is a device that restarts and comes back within its session, at
// another address.
func TestResume(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"os-6.2", "os-2.3"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			c := start(t, nil)
			d := c.device(sim.UDP, c.cfg.UDP[0], func(cfg *sim.Config) { cfg.Profile, _ = sim.FindProfile(profile) }).on()
			c.works(d)
			c.complete(d)
			before := c.state(d).Address
			d.off()
			d.on()
			eventually(t, "the device is back from another address", func() bool {
				st := c.state(d)
				return st.Word == device.Online && st.Address != before
			})
			c.answers(d)
			if n := d.noted("handshake done"); n != 1 {
				t.Errorf("it has shaken hands %d times", n)
			}
		})
	}
}

// TestSupersede connects a device anew while its session is still there, from
// addresses that fall to different lanes and by either transport: the newest
// is the device's, and the only one.
func TestSupersede(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	d := c.device(sim.UDP, c.cfg.UDP[0], nil)
	for range 6 {
		d.fresh().on()
		c.works(d)
		d.off()
	}
	if connected, _ := c.gateway.Count(); connected != 1 {
		t.Errorf("%d devices are connected, want 1", connected)
	}

	// Now by TCP: the store would not let it have two keys.
	e := c.device(sim.TCP, c.cfg.TCP[0], nil)
	key, err := c.store.KeyOf(t.Context(), e.id)
	must(t, err)
	c.close()
	c.wrap = func(k identify.Keys) identify.Keys { return twoKeys{k, d.id, key} }
	c.open()
	e.id, e.cfg.Device.ID = d.id, sim.ID(d.id)
	for range 2 {
		d.fresh().on() // it takes the device from the other
		eventually(t, "the device is connected by udp", func() bool { return c.state(d).Transport == "udp" })
		e.off()
		c.works(d)
		e.once().on()
		eventually(t, "the device is connected by tcp", func() bool { return c.state(d).Transport == "tcp" })
		c.works(e)
		d.off()
	}
	if connected, _ := c.gateway.Count(); connected != 1 {
		t.Errorf("%d devices are connected, want 1", connected)
	}
}

// fresh makes the device forget its session.
func (d *thing) fresh() *thing {
	d.cfg.MemoryFile = filepath.Join(d.t.TempDir(), "memory")
	return d
}

// once makes the device connect a single time when it is switched on: it does
// not take its session back from another.
func (d *thing) once() *thing {
	var tried atomic.Bool
	d.cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if tried.Swap(true) {
			return nil, errors.New("its cable is pulled")
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return d
}

// twoKeys gives a device a second key, for TCP.
type twoKeys struct {
	identify.Keys
	id  device.ID
	key device.Key
}

func (k twoKeys) KeyOf(ctx context.Context, id device.ID) (device.Key, error) {
	if id == k.id {
		return k.key, nil
	}
	return k.Keys.KeyOf(ctx, id)
}

// TestOtherKey gives a connected device another key: its session ends, and
// with the old key it does not come back, not even after a restart.
func TestOtherKey(t *testing.T) {
	t.Parallel()
	for _, transport := range []sim.Transport{sim.UDP, sim.TCP} {
		t.Run(transport.String(), func(t *testing.T) {
			t.Parallel()
			c := start(t, nil)
			d := c.device(transport, c.server(transport), nil).on()
			c.works(d)
			_, public, err := sim.GenerateKey(transport, rand.Reader)
			must(t, err)
			must(t, c.store.Provision(t.Context(), d.id, device.Key{Algorithm: algorithmOf(transport), SPKI: public}, ada))
			must(t, c.bus.Changed(d.id, ada, true))
			eventually(t, "it is refused", func() bool { return c.state(d).Word == device.Refused && c.state(d).Reason == device.KeyMismatch })
			c.close()
			c.open()
			if _, err := c.call(d, bus.Ping, "", ""); fault.KindOf(err) != fault.Offline {
				t.Errorf("after a restart a ping gives %v", err)
			}
		})
	}
}

// TestOtherOwner gives a connected device to somebody else.
func TestOtherOwner(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	d := c.device(sim.UDP, c.cfg.UDP[0], nil).on()
	c.works(d)
	must(t, c.store.Release(t.Context(), d.id, ada))
	must(t, c.store.Claim(t.Context(), d.id, bob))
	must(t, c.bus.Changed(d.id, bob, false))
	eventually(t, "its events are bob's", func() bool {
		d.Tell(sim.Publish{Event: sim.Event{Name: "door"}})
		c.mu.Lock()
		defer c.mu.Unlock()
		last := c.events[len(c.events)-1]
		return last.Name == "door" && last.Owner == bob
	})
	c.answers(d)
}

// TestFirstUse lets a device in that nobody registered, where that is allowed.
func TestFirstUse(t *testing.T) {
	t.Parallel()
	for _, transport := range []sim.Transport{sim.UDP, sim.TCP} {
		t.Run(transport.String(), func(t *testing.T) {
			t.Parallel()
			c := start(t, func(cfg *gateway.Config) { cfg.TrustOnFirstUse = true })
			d := c.stranger(transport, c.server(transport), nil).on()
			eventually(t, "the device is connected", d.connected)
			eventually(t, "the device is online", func() bool { return c.state(d).Word == device.Online })
			if _, err := c.store.KeyOf(t.Context(), d.id); err != nil {
				t.Error(err)
			}
			c.answers(d)
			if s := c.state(d).Address; !strings.HasPrefix(s, "127.0.0.1:") {
				t.Errorf("it is at %q", s)
			}
		})
	}
}
