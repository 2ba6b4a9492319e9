package sim_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/link"
	"github.com/cyan-cloud/cyan/sim/simtest"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// However bad the network was, and though the server has lost its sessions: a
// device that is left alone in good weather is connected again within 224 s
// and the longest back-off, and answers a call.
func TestComesBack(t *testing.T) {
	for _, transport := range []sim.Transport{sim.UDP, sim.TCP} {
		for _, profile := range []string{"os-6.2", "os-2.3", "os-1.4"} {
			for seed := range uint64(8) {
				t.Run(fmt.Sprintf("%s/%s/%d", transport, profile, seed), func(t *testing.T) {
					t.Parallel()
					w := newWeather(t, transport, profile, seed)
					w.device.do(sim.PowerOn{})
					w.storm(15 * time.Minute)
					w.calm()
					w.run(224*time.Second + 128*time.Second)
					w.mustAnswer()
				})
			}
		}
	}
}

// weather is a device and a cloud with a bad network between them.
type weather struct {
	t      *testing.T
	net    *link.Network
	chance *rand.Rand
	device *station
	cloud  *simtest.Cloud
	now    time.Time
	result bool // the device has answered a call

	from     netip.AddrPort // where the device was heard last
	accepted link.Stream    // the cloud's present connection; 0: none
}

// station is the device's end: its socket.
type station struct {
	*sim.Device
	w      *weather
	local  netip.AddrPort
	stream link.Stream
	open   bool
}

var cloudAddr = netip.MustParseAddrPort("192.0.2.1:5684")

func newWeather(t *testing.T, transport sim.Transport, profile string, seed uint64) *weather {
	t.Helper()
	cfg := simtest.Config(t, transport, profile)
	cfg.Seed[31], cfg.Trace = byte(seed), false
	cfg.Application = plain()
	cfg.Application.Periodic = []sim.Periodic{{Every: 20 * time.Second, Event: func(*sim.App) sim.Event {
		return sim.Event{Name: "tick"}
	}}}
	d, err := sim.New(cfg)
	must(t, err)
	w := &weather{
		t: t, chance: rand.New(rand.NewPCG(seed, 1)), cloud: simtest.NewCloud(t, transport),
		now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		net: link.New(seed, stormy),
	}
	w.net.NAT(netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("203.0.113.1"), time.Minute)
	w.device = &station{Device: d, w: w, local: netip.MustParseAddrPort("10.0.0.2:4000")}
	w.cloud.Heard = func(m *coap.Message, _ []byte) {
		if _, err := spark.ParseFunctionResult(m); err == nil {
			w.result = true
		}
	}
	return w
}

var stormy = link.Path{
	Delay: 50 * time.Millisecond, Jitter: 100 * time.Millisecond, Loss: 0.15, Duplicate: 0.05, Reorder: 0.1,
}

// do gives the device an input and performs what it does about it.
func (s *station) do(in sim.Input) {
	todo := []sim.Input{in}
	for len(todo) > 0 {
		in, todo = todo[0], todo[1:]
		for _, out := range s.Step(s.w.now, in) {
			switch out := out.(type) {
			case sim.Open:
				s.local = netip.AddrPortFrom(s.local.Addr(), s.local.Port()+1)
				s.open = true
				if out.Transport == sim.TCP {
					s.stream = s.w.net.Dial(s.w.now, s.local, cloudAddr)
				}
				todo = append(todo, sim.Opened{})
			case sim.Close:
				s.open = false
				s.w.net.Close(s.w.now, s.stream, s.local)
			case sim.Send:
				if s.stream != 0 {
					s.w.net.Write(s.w.now, s.stream, s.local, out.Data)
				} else {
					s.w.net.Send(s.w.now, s.local, cloudAddr, out.Data)
				}
			}
		}
	}
}

// run lets time pass.
func (w *weather) run(d time.Duration) {
	for until := w.now.Add(d); ; {
		next := until
		for _, at := range []time.Time{w.net.Deadline(), w.device.Deadline(), w.cloud.Deadline()} {
			if !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		if next.After(w.now) {
			w.now = next
		}
		for _, p := range w.net.Arrived(w.now) {
			w.arrive(p)
		}
		if at := w.cloud.Deadline(); !at.IsZero() && !at.After(w.now) {
			w.answer(w.from, w.cloud.Tick(w.now))
		}
		if at := w.device.Deadline(); !at.IsZero() && !at.After(w.now) {
			w.device.do(sim.Tick{})
		}
		if !w.now.Before(until) {
			return
		}
	}
}

// arrive hands a packet to whom it is for.
func (w *weather) arrive(p link.Packet) {
	switch {
	case p.To == cloudAddr && p.Kind == link.Datagram:
		w.from = p.From
		w.answer(p.From, w.cloud.Receive(w.now, p.Data))
	case p.To == cloudAddr:
		w.arriveStream(p)
	case p.To != w.device.local || !w.device.open:
	case p.Kind == link.Close:
		w.device.do(sim.Closed{})
	default:
		w.device.do(sim.Received{Data: p.Data})
	}
}

func (w *weather) arriveStream(p link.Packet) {
	switch {
	case p.Kind == link.Open:
		w.accepted, w.from = p.Stream, p.From
		w.answer(p.From, w.cloud.Opened())
	case p.Stream != w.accepted:
	case p.Kind == link.Close:
		w.net.Close(w.now, p.Stream, cloudAddr)
		w.accepted = 0
	default:
		w.answer(p.From, w.cloud.Receive(w.now, p.Data))
		if w.cloud.Closing {
			w.cloud.Closing = false
			w.net.Close(w.now, p.Stream, cloudAddr)
		}
	}
}

// answer sends what the cloud says.
func (w *weather) answer(to netip.AddrPort, answers [][]byte) {
	for _, b := range answers {
		if w.accepted != 0 {
			w.net.Write(w.now, w.accepted, cloudAddr, b)
		} else {
			w.net.Send(w.now, cloudAddr, to, b)
		}
	}
}

// storm lets things happen, one after the other.
func (w *weather) storm(d time.Duration) {
	for until := w.now.Add(d); w.now.Before(until); {
		outside := netip.MustParseAddr("203.0.113.1")
		cut := link.Path{Cut: true}
		switch w.chance.IntN(7) {
		case 0: // nothing gets through
			w.net.SetUsual(cut)
		case 1: // one way only
			w.net.SetPath(cloudAddr.Addr(), outside, cut)
		case 2:
			w.net.Rebind(w.device.local)
		case 3:
			w.cloud.Forget()
		case 4:
			w.device.do(sim.NetworkDown{})
		case 5:
			w.device.do(sim.PowerOff{})
		}
		w.run(time.Duration(w.chance.IntN(120)) * time.Second)
		w.net.SetUsual(stormy)
		w.net.SetPath(cloudAddr.Addr(), outside, stormy)
		w.net.Mend(w.now)
		w.device.do(sim.NetworkUp{})
		w.device.do(sim.PowerOn{})
		w.run(time.Duration(w.chance.IntN(60)) * time.Second)
	}
}

// calm is good weather from now on.
func (w *weather) calm() {
	outside := netip.MustParseAddr("203.0.113.1")
	w.net.SetUsual(link.Path{Delay: 20 * time.Millisecond})
	w.net.SetPath(cloudAddr.Addr(), outside, link.Path{Delay: 20 * time.Millisecond})
	w.net.Mend(w.now)
}

// mustAnswer calls a function, which a connected device answers.
func (w *weather) mustAnswer() {
	w.t.Helper()
	if w.device.Phase() != sim.Connected {
		w.t.Fatalf("the device is %v, not connected", w.device.Phase())
	}
	call, err := spark.AppendFunction(nil, w.cloud.NextID(w.now), w.cloud.NextToken(), "echo", "hello")
	must(w.t, err)
	w.answer(w.from, [][]byte{w.cloud.Seal(call)})
	w.run(time.Second)
	if !w.result {
		w.t.Error("the device takes itself for connected, and doesn't answer")
	}
}
