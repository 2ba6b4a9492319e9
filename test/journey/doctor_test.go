package journey

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/fault"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// doctorFile has the table that is tested here.
const doctorFile = "../../docs/runbook/doctor.md"

// patient is a cause that is seeded, and the device that suffers from it.
type patient struct {
	t      *testing.T
	c      *harness.Cloud
	cfg    sim.Config
	device *harness.Device // nil: it is not running
	at     string          // where it connects; empty: straight to the cloud
}

// causes are what can be wrong, as the table calls it, and how it is brought
// about.
var causes = map[string]func(p *patient){
	"nothing is wrong":                                      (*patient).healthy,
	"the cloud cannot read the devices' keys":               func(p *patient) { p.register(); hideTable(p.t, p.c, "device_keys"); p.turnedAway() },
	"the cloud cannot store sessions":                       func(p *patient) { p.register(); hideTable(p.t, p.c, "sessions"); p.turnedAway() },
	"the cloud lost the session":                            sessionLost,
	"the cloud lost the session of a device on Device OS 2": sessionLostOf,
	"the device has another key than the one on file":       func(p *patient) { p.misbehaves(sim.WrongDeviceKey); p.turnedAway() },
	"the device was given another server's key":             func(p *patient) { p.spoil(sim.WrongServerKey); p.turnedAway() },
	"nobody registered the device":                          func(p *patient) { p.cfg = p.c.Equip(p.cfg); p.turnedAway() },
	"no key of the device is on file":                       noKey,
	"the network is cut in the middle of the handshake":     func(p *patient) { p.spoil(sim.TruncateHandshake); p.turnedAway() },
	"what the cloud sends does not arrive":                  oneWay,
	"the plug is pulled":                                    func(p *patient) { p.healthy(); p.device.Unplug() },
	"the device sleeps":                                     asleep,
	"the application hangs":                                 hangs,
	"the application has not answered a call":               hung,
	"the device does not come to the end of its start-up":   func(p *patient) { p.misbehaves(sim.Silent); p.on(); p.tried() },
	"two devices share one identity":                        twins,
}

// TestDoctor brings about every cause of the table in the runbook, with real
// devices and clouds, and asks the doctor: the verdict is the table's, and
// what is our fault is never laid at somebody else's door.
func TestDoctor(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(doctorFile)
	if err != nil {
		t.Fatal(err)
	}
	left := maps.Clone(causes)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "| "), " | ")
		seed := left[cells[0]]
		if len(cells) != 4 || seed == nil {
			continue
		}
		delete(left, cells[0])
		t.Run(cells[0], func(t *testing.T) {
			t.Parallel()
			p := &patient{t: t, c: harness.Start(t, app.Options{}), cfg: sim.Config{Application: sim.Oven(0)}}
			seed(p)
			v := p.examine()
			v.Says = someTime.ReplaceAllString(v.Says, "…")
			got := fmt.Sprintf("| %s | `%s` | %d | %s |", cells[0], v.Verdict, v.ExitCode, v.Says)
			if want := strings.TrimSpace(line); got != want {
				t.Errorf("the verdict is\n%s\nfor\n%s\nwant\n%s", got, strings.Join(v.Evidence, "\n"), want)
			}
			if v.Next == "" {
				t.Error("nothing is said of what to do")
			}
		})
	}
	if len(left) > 0 {
		t.Errorf("%s does not have %q", doctorFile, slices.Sorted(maps.Keys(left)))
	}
}

// someTime is a time, which the table leaves out.
var someTime = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`)

func (p *patient) register() { p.cfg = p.c.Provision(p.cfg) }

func (p *patient) on() { p.device = p.c.Run(p.cfg, harness.Wiring{At: p.at}) }

// misbehaves registers a device that does.
func (p *patient) misbehaves(b sim.Behaviour) {
	p.cfg.Behaviour = b
	p.register()
}

// healthy is a device that is connected and complete.
func (p *patient) healthy() {
	p.register()
	p.on()
	p.c.Settled(p.device.ID, 1)
}

// turnedAway runs a device until its light says that it failed, and that is on
// record if there is anybody to have one.
func (p *patient) turnedAway() {
	p.on()
	p.c.Until("the device shows that it failed", func() bool { return p.device.Lights.Has("flash") })
	p.tried()
}

// tried waits until a try that failed is on record: the device's, or, where
// nobody can know whose it was, a stranger's.
func (p *patient) tried() {
	p.c.Until("the try is on record", func() (found bool) {
		p.c.Store(func(ctx context.Context, s *store.Store) error {
			for _, id := range []device.ID{device.ID(p.cfg.ID), {}} {
				tries, err := s.Attempts(ctx, id, time.Time{}, 0)
				if err != nil {
					return err
				}
				found = found || slices.ContainsFunc(tries, func(a device.Attempt) bool { return a.Outcome == device.Failed })
			}
			return nil
		})
		return found
	})
}

// spoil is a device that was here, and comes back otherwise.
func (p *patient) spoil(b sim.Behaviour) {
	p.healthy()
	p.device.Unplug()
	p.cfg.Behaviour = b
}

func (p *patient) examine() (v rest.Verdict) {
	p.t.Helper()
	p.c.Get(rest.PathDoctor(p.cfg.ID.String()), &v)
	return v
}

// sessionLost starts the cloud without the sessions that it had.
func sessionLost(p *patient) {
	p.healthy()
	p.c.Stop()
	execute(p.t, p.c, "DELETE FROM sessions")
	p.c.Again()
}

// sessionLostOf does that to a device whose records say who it is.
func sessionLostOf(p *patient) {
	p.cfg.Profile, p.cfg.KeepAlive = profile(p.t, "os-2.3"), 3*time.Second
	sessionLost(p)
	p.tried()
}

// noKey registers a device and takes its key away.
func noKey(p *patient) {
	p.register()
	execute(p.t, p.c, "DELETE FROM device_keys")
	p.turnedAway()
}

// oneWay cuts the way to the device.
func oneWay(p *patient) {
	link, err := fault.NewUDP(p.c.Options.ListenUDP, 1)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(link.Close)
	p.at, p.cfg.KeepAlive = link.Addr(), 3*time.Second
	p.healthy()
	link.Set(fault.Weather{}, fault.Weather{Cut: true})
}

func asleep(p *patient) {
	p.healthy()
	p.device.Tell(sim.Disconnect{Graceful: true, Sleep: time.Hour})
	p.c.Until("the device sleeps", func() bool { return p.c.Device(p.device.ID).State == "asleep" })
}

// hangs calls an application that does not answer, until that is no accident.
func hangs(p *patient) {
	p.misbehaves(sim.AckThenHang)
	p.on()
	p.c.Settled(p.device.ID, 1)
	p.c.Until("the application is found to hang", func() bool {
		p.c.Do("POST", rest.PathFunction(p.device.ID, "setpitf"), nil)
		return p.c.Device(p.device.ID).Reason == "application_silent"
	})
}

// hung calls an application that does not answer once: as often as it takes to
// ask what is wrong.
func hung(p *patient) {
	p.misbehaves(sim.AckThenHang)
	p.on()
	p.c.Settled(p.device.ID, 1)
	p.c.Do("POST", rest.PathFunction(p.device.ID, "setpitf"), nil)
}

// twins runs the device twice.
func twins(p *patient) {
	p.cfg.Transport = sim.TCP
	p.healthy()
	p.on()
	p.c.Until("the twins are noticed", func() bool {
		return slices.ContainsFunc(p.c.Attempts(p.device.ID), func(a rest.Attempt) bool { return a.Reason == "double_identity" })
	})
}
