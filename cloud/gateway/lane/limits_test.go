package lane_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// greets is a peer's first datagram, and what it is answered with.
func (w *world) greets(from netip.AddrPort) (h *dtls.ClientHandshake, answers [][]byte) {
	w.t.Helper()
	server, err := dtls.ParsePublicKey(vector(w.t, "server-ec.pub.der"))
	if err != nil {
		w.t.Fatal(err)
	}
	var random dtls.ClientRandom
	_, _ = w.chance.Read(random.Random[:])
	_, _ = w.chance.Read(random.Ephemeral[:])
	h, flight, err := dtls.NewClientHandshake(&dtls.ClientConfig{ServerKey: server, Key: serverEC(w.t)}, w.now, random)
	if err != nil {
		w.t.Fatal(err)
	}
	return h, w.answers1(flight[0], from)
}

// goOn has the peer return its cookie, and tells whether the lane went on with
// the handshake.
func (w *world) goOn(h *dtls.ClientHandshake, cookie []byte, from netip.AddrPort) bool {
	w.t.Helper()
	out, err := h.Receive(w.now, cookie)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(w.answers1(out.Send[0], from)) > 0
}

// begin is a peer that returns its cookie and falls silent. It tells whether
// the lane went on with the handshake.
func (w *world) begin(from netip.AddrPort) bool {
	w.t.Helper()
	h, cookie := w.greets(from)
	if len(cookie) != 1 {
		w.t.Fatalf("a hello gets %d datagrams", len(cookie))
	}
	return w.goOn(h, cookie[0], from)
}

// answers1 gives what a datagram is answered with, and performs the rest.
func (w *world) answers1(data []byte, from netip.AddrPort) (list [][]byte) {
	w.lane.Step(w.now, &lane.In{Kind: lane.Datagram, Data: data, From: from, Local: doorstep}, &w.outs)
	if err := w.lane.Check(); err != nil {
		w.t.Fatal(err)
	}
	for _, d := range w.outs.Datagrams {
		list = append(list, slices.Clone(d.Data))
	}
	for i := range w.outs.List {
		w.do(&w.outs.List[i])
	}
	w.outs.Reset()
	return list
}

func port(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, 7}), uint16(1024+n))
}

// TestSilentMakeRoom fills every place with peers that return their cookie and
// say no more: whoever comes two seconds later gets the place of the oldest.
func TestSilentMakeRoom(t *testing.T) {
	w := newWorld(t).with(func(cfg *lane.Config) { cfg.HalfOpen, cfg.Streams = 4, 4 })
	for n := range 4 {
		w.begin(stranger(n))
		w.cloud(lane.In{Kind: lane.StreamOpened, Conn: 1<<63 | uint64(n), From: stranger(n)})
	}
	if w.begin(stranger(4)) {
		t.Error("a fifth handshake begins at once")
	}
	w.run(3 * time.Second)
	udp, tcp := w.device("oven", sim.Config{}, false), w.device("toaster", generations(t)["tcp-2.3"], false)
	w.feel(udp, sim.PowerOn{})
	w.feel(tcp, sim.PowerOn{})
	w.run(20 * time.Second)
	if udp.Phase() != sim.Connected || tcp.Phase() != sim.Connected {
		t.Errorf("honest devices are %v and %v", udp.Phase(), tcp.Phase())
	}
	s := w.lane.Stats()
	if s.PushedOut == 0 || w.drops[lane.DropPushedOut] != int(s.PushedOut) || s.HalfOpenFull != 1 {
		t.Errorf("%+v, dropped %v", s, w.drops)
	}
}

// TestSourceLimit takes all that one address may have: others get in.
func TestSourceLimit(t *testing.T) {
	w := newWorld(t).with(func(cfg *lane.Config) { cfg.PerSource = 3 })
	w.begin(port(0))
	w.begin(port(1))
	w.cloud(lane.In{Kind: lane.StreamOpened, Conn: 1 << 63, From: port(2)})
	w.cloud(lane.In{Kind: lane.StreamOpened, Conn: 1<<63 | 1, From: port(3)})
	if w.begin(port(4)) {
		t.Error("an address begins another handshake beyond its share")
	}
	if s := w.lane.Stats(); s.SourceLimited != 2 || w.drops[lane.DropSource] != 2 || s.OpenStreams != 1 || s.HalfOpen != 2 {
		t.Errorf("%+v, dropped %v", s, w.drops)
	}
	if !w.begin(stranger(1)) {
		t.Error("another address cannot begin")
	}
	w.run(time.Minute) // all of them are given up
	if !w.begin(port(5)) {
		t.Error("a minute later the address cannot begin")
	}
}

// TestFailingSource shows unknown keys again and again from one address: it is
// heard no more for a while, without a word, and others are.
func TestFailingSource(t *testing.T) {
	w := newWorld(t).with(func(cfg *lane.Config) { cfg.Failures = 5 })
	// What anybody can send in another's name costs that one nothing.
	oven := w.device("oven", sim.Config{}, false)
	for range 100 {
		w.answers1([]byte("GET / HTTP/1.1\r\n\r\n"), oven.addr)
	}
	for i := range 8 {
		s := w.device(fmt.Sprint("stranger", i), sim.Config{}, true)
		s.addr = port(100 * i)
		w.feel(s, sim.PowerOn{})
		w.run(2 * time.Second)
		s.gone = true
	}
	failed := 0
	for _, try := range w.tries {
		if try.Reason == device.UnknownDevice {
			failed++
		}
	}
	if s := w.lane.Stats(); failed < 5 || failed > 7 || s.SourceLimited == 0 || w.drops[lane.DropSource] != int(s.SourceLimited) {
		t.Errorf("%d failed and were recorded; %+v", failed, s)
	}
	w.feel(oven, sim.PowerOn{})
	w.run(10 * time.Second)
	if oven.Phase() != sim.Connected {
		t.Errorf("another device is %v", oven.Phase())
	}
	w.run(2 * time.Minute)
	if !w.begin(port(1)) {
		t.Error("two minutes later the address is still not heard")
	}
}

// TestFailingBlobs sends blobs that no key opens: after so many none is given
// to the workers any more.
func TestFailingBlobs(t *testing.T) {
	w := newWorld(t).with(func(cfg *lane.Config) { cfg.Failures = 5 })
	opened := 0
	for n := range 20 {
		opened += w.badBlob(1<<63|uint64(n)<<8, port(n))
	}
	if s := w.lane.Stats(); opened != 5 || s.SourceLimited != 15 || s.OpenStreams != 0 {
		t.Errorf("%d blobs were opened, want 5; %+v", opened, s)
	}
}

// insider is a device with a good key that says what it likes.
type insider struct {
	w    *world
	id   device.ID
	from netip.AddrPort
	keys dtls.Session
	next uint16 // message id
	said [][]byte
}

// insider lets one in.
func (w *world) insider(from netip.AddrPort) *insider {
	w.t.Helper()
	d := &insider{w: w, id: device.ID{0xe0, 0x0f, 0xff}, from: from}
	key := serverEC(w.t) // any will do
	public, err := dtls.AppendPublicKey(nil, &key.PublicKey)
	if err != nil {
		w.t.Fatal(err)
	}
	w.keys[d.id] = device.Key{Algorithm: device.ECC, SPKI: public}
	var random dtls.ClientRandom
	_, _ = w.chance.Read(random.Random[:])
	_, _ = w.chance.Read(random.Ephemeral[:])
	h, flight, err := dtls.NewClientHandshake(&dtls.ClientConfig{ServerKey: &key.PublicKey, Key: key}, w.now, random)
	if err != nil {
		w.t.Fatal(err)
	}
	var got [][]byte
	w.ears = func(data []byte, to netip.AddrPort) {
		if to == from {
			got = append(got, data)
		}
	}
	defer func() { w.ears = nil }()
	ready := false
	for range 10 {
		for _, data := range flight {
			w.cloud(lane.In{Kind: lane.Datagram, Data: data, From: from, Local: doorstep})
			w.run(time.Millisecond)
		}
		flight = nil
		for _, data := range got {
			out, err := h.Receive(w.now, data)
			if err != nil {
				w.t.Fatal(err)
			}
			flight = append(flight, out.Send...)
		}
		got = nil
		if d.keys, ready = h.Session(); ready {
			break
		}
	}
	if !ready {
		w.t.Fatal("the insider is not let in")
	}
	hello, err := spark.AppendHello(nil, coap.Confirmable, 1, &spark.Hello{
		PlatformID: 3, Flags: 0x36, DeviceID: d.id, HasDeviceID: true, SystemVersion: 6200, MaxMessage: 1152, Size: 32,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	d.next = 2
	d.say(hello)
	w.run(time.Second) // until it is answered nothing else is heard
	d.say(append([]byte{0x40, 2, 0, 2, 0xb1, 'd', 0x41, 2, 0xff}, `{"f":["lid"],"v":{}}`...))
	w.run(20 * time.Second)
	return d
}

// say seals a message and sends it.
func (d *insider) say(message []byte) {
	d.w.t.Helper()
	data, err := d.keys.Seal(nil, dtls.ApplicationData, message)
	if err != nil {
		d.w.t.Fatal(err)
	}
	d.said = append(d.said, data)
	d.w.cloud(lane.In{Kind: lane.Datagram, Data: data, From: d.from, Local: doorstep})
}

// publish publishes an event that asks for no acknowledgement.
func (d *insider) publish() {
	d.next++
	d.say([]byte{0x50, 2, byte(d.next >> 8), byte(d.next), 0xb1, 'E', 3, 'l', 'i', 'd'})
}

// TestDeviceTooFast has a device publish two thousand events in a second: it is
// heard as often as it may speak, and others are as ever.
func TestDeviceTooFast(t *testing.T) {
	w := newWorld(t).with(func(cfg *lane.Config) { cfg.DeviceRate = 10 })
	d := w.insider(port(1))
	other := w.device("toaster", sim.Config{}, false)
	w.feel(other, sim.PowerOn{})
	w.run(20 * time.Second)
	before := len(w.published)
	for range 2000 {
		d.publish()
		w.run(500 * time.Microsecond)
	}
	const most = 10*10 + 10 + 1 // ten seconds' worth at once, and a second's
	s := w.lane.Stats()
	if n := len(w.published) - before; n < most-10 || n > most || s.TooFast == 0 || w.drops[lane.DropTooFast] != int(s.TooFast) {
		t.Errorf("%d events published, at most %d wanted; %+v", n, most, s)
	}
	if a := w.call(other, session.Call{Kind: session.Ping}, time.Second); a.Err != nil {
		t.Errorf("another device answers %v", a.Err)
	}
	w.run(10 * time.Second)
	before = len(w.published)
	if d.publish(); len(w.published) != before+1 {
		t.Error("ten seconds later it is still not heard")
	}
}

// TestForgeriesDoNotSilence sends a device's records again, and such as only
// look like its own, ten thousand of them: they count as such, and the device
// itself is heard.
func TestForgeriesDoNotSilence(t *testing.T) {
	w := newWorld(t).with(func(cfg *lane.Config) { cfg.DeviceRate = 10 })
	d := w.insider(port(1))
	w.run(60 * time.Second) // its handshake has lingered
	last := d.said[len(d.said)-1]
	for n := range 5000 {
		forged := slices.Clone(last)
		forged[len(forged)-1-n%8] ^= 1 << (n / 8 % 8)
		w.answers1(forged, stranger(n))
		w.answers1(last, stranger(n))
	}
	if w.drops[lane.DropUnopened] != 10_000 || w.drops[lane.DropTooFast] != 0 {
		t.Errorf("dropped %v", w.drops)
	}
	before := len(w.published)
	if d.publish(); len(w.published) != before+1 {
		t.Error("the device is not heard any more")
	}
}

// TestAnswersAreNotTooFast calls a device far more often than it may speak by
// itself.
func TestAnswersAreNotTooFast(t *testing.T) {
	w := newWorld(t).with(func(cfg *lane.Config) { cfg.DeviceRate = 2 })
	for _, name := range []string{"udp-6.2", "tcp-2.3"} {
		oven := w.device(name, generations(t)[name], false)
		w.feel(oven, sim.PowerOn{})
		w.run(60 * time.Second)
		for range 300 {
			if err := w.ping(oven); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	if s := w.lane.Stats(); s.TooFast != 0 {
		t.Errorf("%+v", s)
	}
}

// TestStreamTooFast holds a device on TCP back instead of leaving frames out.
func TestStreamTooFast(t *testing.T) {
	w := newWorld(t).with(func(cfg *lane.Config) { cfg.DeviceRate = 1 })
	oven := w.device("oven", generations(t)["tcp-2.3"], false)
	w.feel(oven, sim.PowerOn{})
	w.run(20 * time.Second)
	before := len(w.held)
	for range 40 {
		w.feel(oven, sim.Publish{Event: sim.Event{Name: "lid", Data: []byte("open")}})
		w.run(300 * time.Millisecond)
	}
	if n := len(w.held) - before; n == 0 || oven.Phase() != sim.Connected {
		t.Errorf("held %d times; the device is %v", n, oven.Phase())
	}
	for _, wait := range w.held {
		if wait <= 0 || wait > 30*time.Second {
			t.Errorf("held for %v", wait)
		}
	}
}

// TestHelloRate has a hundred strangers say hello at once where ten may: ten get a
// cookie, the others count as dropped. Who has his cookie goes on meanwhile, and
// whoever asks again a second later gets one.
func TestHelloRate(t *testing.T) {
	w := newWorld(t).with(func(cfg *lane.Config) { cfg.HelloRate = 10 })
	h, cookie := w.greets(stranger(0))
	greeted := len(cookie)
	for n := range 100 {
		_, cookie := w.greets(stranger(1 + n))
		greeted += len(cookie)
	}
	if s := w.lane.Stats(); greeted != 10 || s.Cookies != 10 || s.Ungreeted != 91 || w.drops[lane.DropHello] != 91 {
		t.Errorf("%d got a cookie; %+v, dropped %v", greeted, s, w.drops)
	}
	if !w.goOn(h, cookie[0], stranger(0)) {
		t.Error("who has his cookie cannot go on")
	}
	w.run(time.Second)
	if _, cookie := w.greets(stranger(100)); len(cookie) != 1 {
		t.Error("who asks again a second later gets no cookie")
	}
}
