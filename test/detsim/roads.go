package detsim

import (
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/link"
)

// The cloud's doors.
var (
	doorUDP = netip.MustParseAddrPort("192.0.2.1:5684")
	doorTCP = netip.MustParseAddrPort("192.0.2.1:5683")
)

// usual is the network on an ordinary day.
var usual = link.Path{Delay: 20 * time.Millisecond, Jitter: 30 * time.Millisecond}

// perSite is how many devices share a router.
const perSite = 3

// settle puts the devices behind routers, some of which forget quickly.
func (w *World) settle() {
	timeouts := []time.Duration{0, 0, 5 * time.Minute, 60 * time.Second, 30 * time.Second}
	for i, t := range w.things {
		site := i / perSite
		t.outside = netip.AddrFrom4([4]byte{198, 18, byte(site >> 8), byte(site)})
		if t.kind.keepAlive == 0 { // carriers know their devices' keep-alive
			t.forgets = timeouts[site%len(timeouts)]
		}
		w.net.NAT(t.inside.Addr(), t.outside, t.forgets)
		w.behind[t.outside] = append(w.behind[t.outside], t)
		w.behind[t.inside.Addr()] = append(w.behind[t.inside.Addr()], t)
	}
}

// road is the way between a device's address and the cloud, one direction of
// it, that was cut at least once.
type road struct {
	from, to netip.Addr
	cuts     int // that have not been mended
}

// cut cuts the ways from and to a device once more (by 1), or takes one cut back
// (by −1). Streams see it without its router, and whoever shares the router is
// cut off with it.
func (w *World) cut(t *thing, up, down bool, by int) {
	for _, addr := range []netip.Addr{t.outside, t.inside.Addr()} {
		if up {
			w.roadOf(addr, doorUDP.Addr()).cuts += by
		}
		if down {
			w.roadOf(doorUDP.Addr(), addr).cuts += by
		}
	}
	w.setWeather(w.weather)
}

func (w *World) roadOf(from, to netip.Addr) *road {
	for _, r := range w.roads {
		if r.from == from && r.to == to {
			return r
		}
	}
	r := &road{from: from, to: to}
	w.roads = append(w.roads, r)
	return r
}

// setWeather changes what happens to packets on every way that is not cut.
func (w *World) setWeather(p link.Path) {
	w.weather = p
	w.net.SetUsual(p)
	for _, r := range w.roads {
		path := p
		path.Cut = r.cuts > 0
		w.net.SetPath(r.from, r.to, path)
	}
	w.net.Mend(w.now)
}

// arrived takes a packet off the network.
func (w *World) arrived(p link.Packet) {
	if w.passing && (p.To == doorUDP || p.To == doorTCP) {
		if len(w.unread) < mostInbox {
			w.unread = append(w.unread, p)
		}
		return
	}
	w.log.Bytes(w.now.Sub(start), p.To.Port(), p.Data)
	if p.To == doorUDP || p.To == doorTCP {
		w.atCloud(p)
		return
	}
	for _, t := range w.behind[p.To.Addr()] {
		if t.inside == p.To && t.on {
			t.arrived(p)
		}
	}
}

// arrived takes a packet for the device.
func (t *thing) arrived(p link.Packet) {
	switch p.Kind {
	case link.Datagram:
		t.w.tap.deviceHears(t, p.Data)
		t.feel(sim.Received{Data: p.Data})
	case link.Bytes:
		if p.Stream == t.socket {
			t.heard = t.w.now
			t.feel(sim.Received{Data: p.Data})
		}
	case link.Close:
		if p.Stream == t.socket {
			t.w.net.Close(t.w.now, p.Stream, t.inside)
			t.socket = 0
			t.feel(sim.Closed{})
		}
	}
}

// atCloud gives a packet to the process that listens, if one does.
func (w *World) atCloud(p link.Packet) {
	n := w.active
	switch p.Kind {
	case link.Datagram:
		w.faults.overhear(p)
		if n != nil {
			n.datagram(p)
		}
	case link.Open:
		answered := w.dials[p.Stream]
		if answered == nil {
			return // given up since
		}
		delete(w.dials, p.Stream)
		open := n != nil && !n.shut && !n.passes
		if open {
			n.accept(p)
		}
		w.after(w.net.Path(p.To.Addr(), p.From.Addr()).Delay, func() { answered(open) })
		if !open {
			w.net.Close(w.now, p.Stream, doorTCP)
		}
	default:
		w.inStream(p)
	}
}

// inStream gives bytes to the process that has the stream. Where none has it
// the machine says so, if it is there.
func (w *World) inStream(p link.Packet) {
	for _, n := range w.nodes {
		if c := n.byStream[p.Stream]; c != 0 {
			n.stream(c, p)
			return
		}
	}
	if w.active == nil || p.Kind == link.Close {
		return
	}
	from := p.From
	w.after(usual.Delay, func() {
		for _, t := range w.behind[from.Addr()] {
			if t.socket == p.Stream && t.inside == from {
				t.arrived(link.Packet{Kind: link.Close, Stream: p.Stream})
			}
		}
	})
}
