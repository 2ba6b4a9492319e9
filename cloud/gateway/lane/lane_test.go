package lane_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/sim"
)

var update = flag.Bool("update", false, "write the stories anew")

// tell compares a world's log with the story in testdata.
func tell(t *testing.T, w *world) {
	t.Helper()
	path := filepath.Join("testdata", strings.ReplaceAll(strings.TrimPrefix(t.Name(), "Test"), "/", "-")+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(w.log.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), w.log.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func profile(t *testing.T, name string) sim.Profile {
	t.Helper()
	p, err := sim.FindProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// generations are the devices that there are, by transport and version.
func generations(t *testing.T) map[string]sim.Config {
	return map[string]sim.Config{
		"udp-6.2": {Profile: profile(t, "os-6.2"), Application: sim.Oven(0)},
		"udp-2.3": {Profile: profile(t, "os-2.3"), Application: sim.Oven(0)},
		"tcp-2.3": {Profile: profile(t, "os-2.3"), Transport: sim.TCP, Application: sim.Oven(0)},
		"tcp-1.x": {Profile: profile(t, "os-1.x"), Transport: sim.TCP, Application: sim.Oven(0)},
		"udp-1.x": {Profile: profile(t, "os-1.x"), Application: sim.Oven(0)},
	}
}

func TestConnectAndCall(t *testing.T) {
	for name, cfg := range generations(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			oven := w.device("oven", cfg, false)
			w.feel(oven, sim.PowerOn{})
			w.run(12 * time.Second)
			if a := w.call(oven, session.Call{Kind: session.Function, Name: "setpitf", Argument: "225"}, time.Second); a == nil ||
				a.Err != nil || a.Value.Int != 225 {
				t.Errorf("setpitf answered %+v", a)
			}
			if a := w.call(oven, session.Call{Kind: session.Variable, Name: "pitf"}, time.Second); a == nil || a.Err != nil || a.Value.Int != 225 {
				t.Errorf("pitf answered %+v", a)
			}
			if a := w.call(oven, session.Call{Kind: session.Function, Name: "nosuch"}, time.Second); a == nil || fault.KindOf(a.Err) != fault.NotFound {
				t.Errorf("an unknown function answered %+v", a)
			}
			try := w.tries[0]
			if took := try.Ended.Sub(try.Started); took <= 0 || took > 500*time.Millisecond {
				t.Errorf("the attempt took %v: it ends with the last message of the start-up", took)
			}
			if !slices.IsSortedFunc(try.Stages, func(a, b device.Stage) int { return a.At.Compare(b.At) }) {
				t.Errorf("stages %v", try.Stages)
			}
			tell(t, w)
		})
	}
}

// TestFailures is the table of how a connection fails: what the person beside
// the device sees, which reason the cloud gives, and who is at fault.
func TestFailures(t *testing.T) {
	type want struct {
		reason device.Reason
		fault  device.Party
		light  string // what the device shows for it
	}
	cases := map[string]struct {
		behaviour sim.Behaviour
		stranger  bool
		down      bool
		udp, tcp  want
	}{
		"wrong device key": {
			behaviour: sim.WrongDeviceKey,
			udp:       want{device.KeyMismatch, device.Hand, "1 red flash"},
			tcp:       want{device.KeyMismatch, device.Hand, "1 red flash"},
		},
		"wrong server key": {
			behaviour: sim.WrongServerKey,
			udp:       want{device.WrongServerKey, device.Hand, "1 red flash"},
			tcp:       want{device.WrongServerKey, device.Hand, "1 red flash"},
		},
		"unknown device": {
			stranger: true,
			udp:      want{device.UnknownDevice, device.Hand, "1 red flash"},
			tcp:      want{device.UnknownDevice, device.Hand, "1 red flash"},
		},
		"truncated handshake": {
			behaviour: sim.TruncateHandshake,
			udp:       want{device.TimeoutWaiting, device.Network, "1 red flash"},
			tcp:       want{device.TimeoutWaiting, device.Network, "1 red flash"},
		},
		"silent after the handshake": {
			behaviour: sim.Silent,
			udp:       want{device.NoHello, device.Hand, ""},
			tcp:       want{device.NoHello, device.Hand, ""},
		},
		"store down": {
			down: true,
			udp:  want{device.KeyStoreUnavailable, device.Cloud, "1 red flash"},
			tcp:  want{device.KeyStoreUnavailable, device.Cloud, "1 red flash"},
		},
	}
	for name, c := range cases {
		for transport, want := range map[sim.Transport]want{sim.UDP: c.udp, sim.TCP: c.tcp} {
			t.Run(strings.ReplaceAll(name, " ", "-")+"-"+transport.String(), func(t *testing.T) {
				w := newWorld(t)
				w.down = c.down
				cfg := sim.Config{Transport: transport, Behaviour: c.behaviour, Application: sim.Oven(0)}
				if transport == sim.TCP {
					cfg.Profile = profile(t, "os-2.3")
				}
				oven := w.device("oven", cfg, c.stranger)
				w.feel(oven, sim.PowerOn{})
				w.run(100 * time.Second)
				if len(w.tries) == 0 {
					t.Fatal("no attempt was recorded")
				}
				try := w.tries[0]
				if try.Outcome != device.Failed || try.Reason != want.reason || try.Reason.Fault() != want.fault {
					t.Errorf("attempt %s with reason %q at fault %q, want failed with %q at fault %q (%s)",
						try.Outcome, try.Reason, try.Reason.Fault(), want.reason, want.fault, try.Detail)
				}
				if try.Detail == "" {
					t.Error("the attempt has no sentence for people")
				}
				if lights := strings.Join(oven.lights, "; "); !strings.Contains(lights, want.light) {
					t.Errorf("the device showed %s, want %q among it", lights, want.light)
				}
				t.Logf("%-28s %-4s %-22s %-8s %s", name, transport, try.Reason, try.Reason.Fault(), want.light)
			})
		}
	}
}

func TestWrongProtocol(t *testing.T) {
	from := sim.Config{}
	for name, data := range map[string]string{
		"http on tcp": "GET / HTTP/1.1\r\n\r\n",
		"tls on tcp":  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"ssh on tcp":  "SSH-2.0-OpenSSH_9.2\r\n",
		"coap on udp": "\x40\x01\x00\x01\xb1a",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.device("stranger", from, true)
			if strings.HasSuffix(name, "udp") {
				w.cloud(lane.In{Kind: lane.Datagram, Data: []byte(data), From: s.addr})
			} else {
				w.cloud(lane.In{Kind: lane.StreamOpened, Conn: 1 << 63, From: s.addr})
				w.cloud(lane.In{Kind: lane.StreamData, Conn: 1 << 63, Data: []byte(data)})
			}
			w.run(time.Second)
			if len(w.tries) != 1 || w.tries[0].Reason != device.WrongProtocol {
				t.Fatalf("attempts %+v, want one with wrong_protocol", w.tries)
			}
		})
	}
}

func TestTrustOnFirstUse(t *testing.T) {
	for _, transport := range []sim.Transport{sim.UDP, sim.TCP} {
		t.Run(transport.String(), func(t *testing.T) {
			w := newWorld(t)
			w.cfg.TrustOnFirstUse = true
			w.lane = lane.New(w.cfg)
			cfg := sim.Config{Transport: transport, Application: sim.Oven(0)}
			if transport == sim.TCP {
				cfg.Profile = profile(t, "os-2.3")
			}
			oven := w.device("oven", cfg, true)
			w.feel(oven, sim.PowerOn{})
			w.run(10 * time.Second)
			if _, ok := w.keys[oven.id]; !ok || oven.Phase() != sim.Connected {
				t.Errorf("key kept: %v, device %v", ok, oven.Phase())
			}
			tell(t, w)
		})
	}
}

// TestRestart is a crash of the cloud with devices on every transport: those
// on UDP shake no hands, and all can be called again.
func TestRestart(t *testing.T) {
	for name, cfg := range generations(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			oven := w.device("oven", cfg, false)
			w.feel(oven, sim.PowerOn{})
			w.run(20 * time.Second)
			before := len(w.tries)
			w.restart()
			w.cloud(lane.In{Kind: lane.ProbeDevice, Device: oven.id})
			w.run(5 * time.Second)
			for _, try := range w.tries[before:] {
				if cfg.Transport == sim.UDP && strings.Contains(stagesOf(&try), device.StageKeyExchange) {
					t.Error("the device shook hands again")
				}
			}
			if a := w.call(oven, session.Call{Kind: session.Function, Name: "setpitf", Argument: "90"}, 2*time.Second); a == nil || a.Err != nil ||
				a.Value.Int != 90 {
				t.Errorf("after the restart setpitf answered %+v", a)
			}
			w.cloud(lane.In{Kind: lane.Happened, Event: &event.Event{
				Name: "oven/lid", Data: []byte("open"), HasData: true, Owner: "maker", Source: event.FromAPI, TTL: time.Minute,
			}})
			w.run(2 * time.Second)
			if notes := strings.Join(oven.notes, "\n"); !strings.Contains(notes, "oven/lid") {
				t.Errorf("an event that the device subscribed to did not reach it; it noted:\n%s", notes)
			}
			tell(t, w)
		})
	}
}

// TestResume is a restart of the device: it comes back within its session.
func TestResume(t *testing.T) {
	for _, name := range []string{"udp-6.2", "udp-2.3"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			oven := w.device("oven", generations(t)[name], false)
			w.feel(oven, sim.PowerOn{})
			w.run(20 * time.Second)
			before := len(w.tries)
			w.reboot(oven, true)
			w.run(10 * time.Second)
			if len(w.tries) != before+1 || w.tries[before].Reason != device.Resumed {
				t.Errorf("attempts after the device's restart: %+v, want one that resumed", w.tries[before:])
			}
			if a := w.call(oven, session.Call{Kind: session.Ping}, time.Second); a == nil || a.Err != nil {
				t.Errorf("ping answered %+v", a)
			}
			tell(t, w)
		})
	}
}

// TestSupersede connects a device again while its old session is still there:
// the newer one is the device's, and only that one.
func TestSupersede(t *testing.T) {
	for name, cfg := range generations(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			oven := w.device("oven", cfg, false)
			w.feel(oven, sim.PowerOn{})
			w.run(20 * time.Second)
			oven.socket = 0 // the old stream is half open: nobody hears of its end
			w.reboot(oven, false)
			w.run(20 * time.Second)
			if a := w.call(oven, session.Call{Kind: session.Function, Name: "setpitf", Argument: "71"}, time.Second); a == nil || a.Value.Int != 71 {
				t.Errorf("setpitf answered %+v", a)
			}
			tell(t, w)
		})
	}
}

// TestStoreHearsOfTheQuiet leaves a device alone that only pings: what the
// store knows of when it was heard last is never much older than ten minutes.
func TestStoreHearsOfTheQuiet(t *testing.T) {
	w := newWorld(t)
	quiet := w.device("quiet", sim.Config{}, false)
	w.feel(quiet, sim.PowerOn{})
	for range 6 {
		w.run(10 * time.Minute)
		if age := w.now.Sub(w.heard[quiet.id]); age > 11*time.Minute {
			t.Fatalf("after %v the store heard of the device %v ago", w.now.Sub(w.start), age)
		}
	}
}
