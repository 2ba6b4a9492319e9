package detsim

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/test/detsim/schedule"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/link"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// thing is a virtual device in the world, with its owner's eyes on it.
type thing struct {
	w     *World
	index int
	name  string
	id    device.ID
	kind  kind
	cfg   sim.Config
	dev   *sim.Device
	alarm alarm

	public []byte // its key

	inside  netip.AddrPort // its socket, behind the router
	outside netip.Addr     // the router's address
	forgets time.Duration  // after which the router has forgotten it; zero: never
	socket  link.Stream    // its stream; 0: none
	opening uint64         // counts sockets, so that an answer to an older one is known

	on      bool
	onSince time.Time
	doubled bool   // there is, or was, another with the same keys and memory
	first   *thing // whose copy this is; nil: of nobody
	memory  []byte // as it was last kept

	heard    time.Time      // when something that the cloud sealed for it arrived last
	reached  time.Time      // when something of it arrived at the cloud last
	events   int            // how many it has published
	done     map[uint64]int // calls that its application has carried out, and how often
	got      map[string]int // events that reached its application
	phase    sim.Phase
	using    *wire         // the session with which it sealed something last
	bound    time.Duration // within which it has to be callable in the end
	answered time.Time     // when it was; zero: not yet
	absent   time.Time     // since when the cloud shows it as gone, although it is there
	unproven time.Time     // since when it is shown as proven and is not
}

// kind is a sort of device.
type kind struct {
	name      string
	profile   string
	transport sim.Transport
	plain25   bool          // resumes without a mark, as Device OS 3.1 to 3.3
	keepAlive time.Duration // zero: the transport's own
}

// kinds are the generations that the cloud has to live with.
var kinds = []kind{
	{name: "os6", profile: "os-6.2", transport: sim.UDP},
	{name: "os3", profile: "os-6.2", transport: sim.UDP, plain25: true},
	{name: "os2", profile: "os-2.3", transport: sim.UDP},
	{name: "os1", profile: "os-1.4", transport: sim.UDP},
	{name: "cell", profile: "os-6.2", transport: sim.UDP, keepAlive: sim.Cellular},
	{name: "cell2", profile: "os-2.3", transport: sim.UDP, keepAlive: sim.Cellular},
	{name: "tcp6", profile: "os-6.2", transport: sim.TCP},
	{name: "tcp2", profile: "os-2.3", transport: sim.TCP},
	{name: "tcp1", profile: "os-1.4", transport: sim.TCP},
}

// boron is a platform with a modem.
const boron = 13

// newThing makes the i-th device.
func (w *World) newThing(i int, k kind) *thing {
	t := &thing{
		w: w, index: i, name: fmt.Sprintf("%s-%d", k.name, i), kind: k,
		id:   device.ID{0xe0, 0x0f, byte(i >> 8), byte(i), 11: byte(i)},
		done: map[uint64]int{}, got: map[string]int{},
	}
	profile, err := sim.FindProfile(k.profile)
	must(err)
	keys, err := w.keys.Of(k.transport, i)
	must(err)
	t.public = keys.Public
	t.cfg = sim.Config{
		ID: sim.ID(t.id), Transport: k.transport, Profile: profile, Key: keys.Private, ServerKey: w.keys.PublicEC,
		Server: "cloud", KeepAlive: k.keepAlive, Application: t.application(), ProductID: schedule.Product(i),
	}
	if k.transport == sim.TCP {
		t.cfg.ServerKey = w.keys.PublicRSA
	}
	if k.keepAlive == sim.Cellular {
		t.cfg.PlatformID = boron
	}
	t.inside = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 40000)
	w.byID[t.id] = t
	return t
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// powerOn switches the device on, with the memory that it has kept.
func (t *thing) powerOn() {
	if t.on {
		return
	}
	cfg := t.cfg
	cfg.Memory = t.memory
	for i := range cfg.Seed {
		cfg.Seed[i] = byte(t.w.chance.Uint32())
	}
	var err error
	t.dev, err = sim.New(cfg)
	must(err)
	t.on, t.onSince = true, t.w.now
	t.feel(sim.PowerOn{})
}

// powerOff cuts its power: nobody is told.
func (t *thing) powerOff() {
	if !t.on {
		return
	}
	t.w.stats.DeviceTime += t.w.now.Sub(t.onSince)
	t.on, t.phase = false, sim.Off
	t.alarm = alarm{}
	t.opening++
	if t.socket != 0 {
		t.w.net.Vanish(t.socket, t.inside)
		t.socket = 0
	}
	t.w.say("%s has no power", t.name)
}

// feel lets something happen to the device, and does what it does.
func (t *thing) feel(in sim.Input) {
	if !t.on {
		return
	}
	w := t.w
	for _, out := range t.dev.Step(w.now, in) {
		switch out := out.(type) {
		case sim.Open:
			t.open()
		case sim.Close:
			t.opening++
			if t.socket != 0 {
				w.net.Close(w.now, t.socket, t.inside)
				t.socket = 0
			}
		case sim.Send:
			t.send(out.Data)
		case sim.Keep:
			t.memory = nil // read when it is needed: it is large
		case sim.Note:
			t.note(out)
		}
	}
	if p := t.dev.Phase(); p != t.phase {
		t.phase = p
		w.say("%s is %s", t.name, p)
	}
	t.alarm.set(w, t.dev.Deadline(), func() { t.feel(sim.Tick{}) })
}

// note counts what the device tells of its life.
func (t *thing) note(n sim.Note) {
	if n.Level == sim.Trace {
		return
	}
	switch n.Text {
	case "handshake done":
		t.w.stats.Handshakes++
	default:
		if len(n.Text) > 15 && n.Text[:15] == "session resumed" {
			t.w.stats.Resumes++
		}
	}
	t.w.say("%s: %s", t.name, n.Text)
}

// dialTimeout is when a device gives up a connection that nobody answers.
const dialTimeout = 20 * time.Second

// open gives the device a new socket.
func (t *thing) open() {
	w := t.w
	t.opening++
	try := t.opening
	t.inside = netip.AddrPortFrom(t.inside.Addr(), max(40000, t.inside.Port()+1))
	if t.kind.transport == sim.UDP {
		w.after(time.Millisecond, func() {
			if t.opening == try {
				t.feel(sim.Opened{})
			}
		})
		return
	}
	socket := w.net.Dial(w.now, t.inside, doorTCP)
	w.after(dialTimeout, func() {
		if t.opening == try && t.socket == 0 {
			w.net.Vanish(socket, t.inside)
			delete(w.dials, socket)
			t.feel(sim.OpenFailed{Internet: true})
		}
	})
	w.dials[socket] = func(ok bool) {
		switch {
		case t.opening != try || !t.on:
		case ok:
			t.socket = socket
			t.feel(sim.Opened{})
		default:
			t.feel(sim.OpenFailed{Internet: true})
		}
	}
}

// send puts what the device sends on the network.
func (t *thing) send(data []byte) {
	w := t.w
	if t.kind.transport == sim.TCP {
		if t.socket != 0 {
			w.net.Write(w.now, t.socket, t.inside, data)
		}
		return
	}
	if t.kind.plain25 && len(data) > 0 && data[0] == byte(dtls.MovedCID) {
		data = slices.Clone(data)
		data[0] = byte(dtls.ConnectionID) // which is the type that is authenticated
	}
	w.tap.deviceSent(t, data)
	w.net.Send(w.now, t.inside, doorUDP, data)
}

// keep gives what survives a loss of power.
func (t *thing) keep() []byte {
	if t.dev != nil {
		t.memory = t.dev.Memory()
	}
	return t.memory
}

// session gives the keys with which the device would go on; ok tells whether it
// has any.
func (t *thing) session() (dtls.Session, bool) {
	var kept struct {
		Session []byte `json:"session"`
	}
	if json.Unmarshal(t.keep(), &kept) != nil {
		return dtls.Session{}, false
	}
	s, err := dtls.UnmarshalSession(kept.Session)
	return s, err == nil
}

// application is what runs on the device: it counts what is asked of it, and
// publishes events with numbers.
func (t *thing) application() sim.Application {
	return sim.Application{
		Functions: []sim.Function{
			{Name: "do", Call: t.do},
			{Name: "slow", Takes: 3 * time.Second, Call: t.do},
		},
		Subscriptions: []sim.Subscription{{Prefix: "news/", Handle: func(_ *sim.App, name string, data []byte) {
			t.got[string(data)]++
		}}},
		Periodic: []sim.Periodic{{Every: time.Duration(20+t.index%7*15) * time.Second, Event: func(*sim.App) sim.Event {
			t.events++
			t.w.stats.Events++
			return sim.Event{Name: "tick", Data: strconv.AppendInt(nil, int64(t.events), 10)}
		}}},
	}
}

// do carries out a call. No call is ever carried out twice.
func (t *thing) do(_ *sim.App, argument string) int32 {
	id, err := strconv.ParseUint(argument, 10, 64)
	must(err)
	origin := t
	if t.first != nil {
		origin = t.first
	}
	origin.done[id]++
	if origin.done[id] > 1 && !t.doubled {
		t.w.fail("at most once", "%s has carried out call %d %d times", t.name, id, origin.done[id])
	}
	if t.w.checks.unsent[id] && !t.doubled {
		t.w.fail("honest answer", "%s carries out call %d, which was said not to have been sent", t.name, id)
	}
	return resultOf(id)
}

// resultOf is what a call has to give: no other call gives the same.
func resultOf(id uint64) int32 { return int32(id*2654435761) ^ int32(id>>16) }
