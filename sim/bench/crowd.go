package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	randv2 "math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// crowd is many devices on one socket, each with an address of its own. One
// goroutine runs them; the methods that are not said to be its own are safe for
// others.
type crowd struct {
	// Set at newCrowd.
	who       identities
	server    netip.AddrPort
	serverKey *ecdsa.PublicKey
	keepAlive time.Duration // between two pings of a device; 0: it does not ping

	// Owned by run.
	sock    *socket
	devices []device
	shakes  map[int]*dtls.ClientHandshake
	trip    *trip
	chance  *randv2.ChaCha8
	now     time.Time
	plain   []byte
	sealed  []byte
	turn    int       // the device that pings next
	pinged  time.Time // until when the pings are said

	// publish is asked before each read what is to be published: it calls
	// event for each. It is run's own; nil: nothing.
	publish func(now time.Time)

	jobs   chan func() // performed by run
	counts counts
	runs   sync.WaitGroup // run
	broken atomic.Pointer[error]
}

// counts is what has happened to the devices.
type counts struct {
	calls, pingsSent, pingsAnswered, unheard atomic.Int64
}

// trip brings devices to a phase: at most parallel at once.
type trip struct {
	next, end int
	to        phase
	parallel  int
	under     map[int]time.Time // devices that are under way, and when they have to try again
	arrived   atomic.Int64
	failed    atomic.Int64
	over      chan struct{} // closed by run
}

// newCrowd makes a crowd of n devices that are off.
func newCrowd(s *Server, who identities, n int) (*crowd, error) {
	if n < 1 || n > mostDevices {
		return nil, fmt.Errorf("bench: %d devices are not between 1 and %d", n, mostDevices)
	}
	public, err := x509.ParsePKIXPublicKey(s.KeyUDP)
	if err != nil {
		return nil, err
	}
	key, ok := public.(*ecdsa.PublicKey)
	if !ok {
		return nil, dtls.ErrPublicKey
	}
	c := &crowd{
		who: who, server: s.UDP, serverKey: key, devices: make([]device, n),
		shakes: make(map[int]*dtls.ClientHandshake), jobs: make(chan func(), 1),
		plain: make([]byte, 0, maxDatagram), sealed: make([]byte, 0, maxDatagram),
	}
	var seed [32]byte
	rand.Read(seed[:])
	c.chance = randv2.NewChaCha8(seed)
	c.sock, err = openSocket(s.UDP)
	return c, err
}

// start runs the devices until ctx ends; wait waits for that.
func (c *crowd) start(ctx context.Context) {
	c.runs.Go(func() {
		if err := c.run(ctx); err != nil {
			c.broken.Store(&err)
		}
	})
}

func (c *crowd) wait() error {
	c.runs.Wait()
	err := c.sock.close()
	if broken := c.broken.Load(); broken != nil {
		err = errors.Join(*broken, err)
	}
	return err
}

// The loop looks around this often, with and without something to publish.
const (
	lazy = 5 * time.Millisecond
	busy = 200 * time.Microsecond
)

func (c *crowd) run(ctx context.Context) error {
	c.now = time.Now()
	c.pinged = c.now
	for ctx.Err() == nil {
		c.now = time.Now()
		select {
		case job := <-c.jobs:
			job()
		default:
		}
		wait := lazy
		if c.publish != nil {
			c.publish(c.now)
			wait = busy
		}
		c.travel()
		c.ping()
		c.sock.flush()
		if err := c.sock.read(c.now.Add(wait), c.received); err != nil {
			return err
		}
		c.sock.flush()
	}
	return nil
}

// bring brings the devices from first to end to a phase, at most parallel at
// once, and gives how many arrived there. report is called now and then.
func (c *crowd) bring(ctx context.Context, first, end int, to phase, parallel int, report func(arrived int)) (int, error) {
	t := &trip{
		next: first, end: min(end, len(c.devices)), to: to, parallel: parallel,
		under: make(map[int]time.Time), over: make(chan struct{}),
	}
	if err := c.do(ctx, func() { c.trip = t }); err != nil {
		return 0, err
	}
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-t.over:
			return int(t.arrived.Load()), nil
		case <-tick.C:
			if report != nil {
				report(int(t.arrived.Load()))
			}
		case <-ctx.Done():
			return int(t.arrived.Load()), context.Cause(ctx)
		}
	}
}

// do has run perform a job, and waits for it.
func (c *crowd) do(ctx context.Context, job func()) error {
	finished := make(chan struct{})
	select {
	case c.jobs <- func() { job(); close(finished) }:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// travel sends the next devices off and wakes those that wait for too long.
func (c *crowd) travel() {
	t := c.trip
	if t == nil {
		return
	}
	for i, at := range t.under {
		if !c.now.Before(at) {
			c.again(i)
		}
	}
	for t.next < t.end && len(t.under) < t.parallel {
		i := t.next
		t.next++
		t.under[i] = c.now.Add(repeatAfter)
		c.depart(i)
	}
	if t.next >= t.end && len(t.under) == 0 {
		c.trip = nil
		close(t.over)
	}
}

// depart begins what comes next for a device.
func (c *crowd) depart(i int) {
	switch d := &c.devices[i]; {
	case d.phase >= c.trip.to:
		c.reached(i)
	case d.phase < shaking:
		c.shake(i)
	default:
		c.say(i)
	}
}

// again repeats what was not answered.
func (c *crowd) again(i int) {
	d := &c.devices[i]
	c.trip.under[i] = c.now.Add(repeatAfter)
	if h := c.shakes[i]; h != nil {
		if c.now.Before(h.Deadline()) {
			c.trip.under[i] = h.Deadline()
			return
		}
		flight, err := h.Tick(c.now)
		if err != nil {
			c.lose(i)
			return
		}
		c.trip.under[i] = h.Deadline()
		c.sendAll(i, flight)
		return
	}
	if d.tries++; d.tries >= mostTries {
		c.lose(i)
		return
	}
	c.saySame(i)
}

// reached notes that a device is in a new phase, and lets it go on if that is
// not far enough.
func (c *crowd) reached(i int) {
	t := c.trip
	if t == nil {
		return
	}
	if _, ok := t.under[i]; !ok {
		return
	}
	if c.devices[i].phase < t.to {
		t.under[i] = c.now.Add(repeatAfter)
		c.say(i)
		return
	}
	delete(t.under, i)
	t.arrived.Add(1)
}

// lose gives a device up.
func (c *crowd) lose(i int) {
	c.devices[i].phase = failed
	delete(c.shakes, i)
	if t := c.trip; t != nil {
		if _, ok := t.under[i]; ok {
			delete(t.under, i)
			t.failed.Add(1)
		}
	}
}

// shake begins a handshake.
func (c *crowd) shake(i int) {
	var random dtls.ClientRandom
	c.chance.Read(random.Random[:])
	c.chance.Read(random.Ephemeral[:])
	h, flight, err := dtls.NewClientHandshake(&dtls.ClientConfig{ServerKey: c.serverKey, Key: c.who.key(i)}, c.now, random)
	if err != nil {
		c.lose(i)
		return
	}
	c.devices[i].phase = shaking
	c.shakes[i] = h
	c.sendAll(i, flight)
}

func (c *crowd) sendAll(i int, datagrams [][]byte) {
	for _, b := range datagrams {
		c.sock.send(addressOf(i), b)
	}
}

// received takes a datagram that came to an address.
func (c *crowd) received(to netip.Addr, datagram []byte) {
	i := indexOf(to)
	if i < 0 || i >= len(c.devices) {
		return
	}
	d := &c.devices[i]
	if d.phase == shaking {
		c.shakeOn(i, datagram)
		return
	}
	for len(datagram) > 0 && d.phase >= shaken {
		record, rest, err := dtls.ParseRecord(datagram)
		if err != nil {
			return
		}
		datagram = rest
		t, message, err := d.session.Open(c.plain[:0], record)
		switch {
		case err != nil: // a flight of the handshake that came again
		case t == dtls.Alert:
			c.lose(i)
		default:
			c.message(i, message)
		}
	}
}

func (c *crowd) shakeOn(i int, datagram []byte) {
	h := c.shakes[i]
	out, err := h.Receive(c.now, datagram)
	c.sendAll(i, out.Send)
	if err != nil {
		c.lose(i)
		return
	}
	session, ok := h.Session()
	if !ok {
		return
	}
	delete(c.shakes, i)
	d := &c.devices[i]
	d.session, d.phase, d.step = session, shaken, 0
	d.lastID = uint16(c.chance.Uint64())
	c.reached(i)
}

// say says the next thing of the start-up.
func (c *crowd) say(i int) {
	d := &c.devices[i]
	d.token++
	d.tries, d.waitID = 0, d.nextID()
	c.saySame(i)
}

func (c *crowd) saySame(i int) {
	d := &c.devices[i]
	message, err := speech[d.step](c.plain[:0], i, d.waitID, d.token)
	if err != nil {
		c.lose(i)
		return
	}
	c.seal(i, message)
}

// seal protects a message and sends it.
func (c *crowd) seal(i int, message []byte) {
	d := &c.devices[i]
	b, err := d.session.Seal(c.sealed[:0], dtls.ApplicationData, message)
	if errors.Is(err, dtls.ErrSequenceExhausted) {
		if err = d.session.SetGeneration(d.session.Generation() + 1); err == nil {
			b, err = d.session.Seal(c.sealed[:0], dtls.ApplicationData, message)
		}
	}
	if err != nil {
		c.lose(i)
		return
	}
	c.sock.send(addressOf(i), b)
}

// message handles a message from the server.
func (c *crowd) message(i int, b []byte) {
	m, err := coap.Parse(b)
	if err != nil {
		return
	}
	d := &c.devices[i]
	var buf [64]byte
	switch {
	case m.Type == coap.Acknowledgement:
		c.acknowledged(i, &m)
	case m.Type == coap.Reset:
		c.lose(i)
	case m.Code.Response(): // that of the time comes by itself
		if m.Type == coap.Confirmable {
			c.seal(i, coap.AppendEmpty(buf[:0], coap.Acknowledgement, m.ID))
		}
	default:
		c.request(i, d, &m)
	}
}

func (c *crowd) acknowledged(i int, m *coap.Message) {
	d := &c.devices[i]
	switch {
	case d.waitID != 0 && m.ID == d.waitID:
		d.waitID = 0
		d.step++
		switch int(d.step) {
		case 1:
			d.phase = greeted
		case len(speech):
			d.phase = settled
		}
		c.reached(i)
	case d.pinging && m.ID == d.pingID:
		d.pinging = false
		c.counts.pingsAnswered.Add(1)
	}
}

// request answers the server as Device OS does: it acknowledges a call at once
// and sends the result in a message of its own.
func (c *crowd) request(i int, d *device, m *coap.Message) {
	var ack, result [64]byte
	switch spark.ClassifyRequest(m) {
	case spark.KindFunction:
		call, err := spark.ParseFunction(m)
		if err != nil {
			return
		}
		c.counts.calls.Add(1)
		c.seal(i, coap.AppendEmpty(ack[:0], coap.Acknowledgement, m.ID))
		b, err := spark.AppendFunctionResult(result[:0], coap.Confirmable, d.nextID(), call.Token, int32(len(call.Argument)))
		if err == nil {
			c.seal(i, b)
		}
	case spark.KindPing, spark.KindEvent, spark.KindSignal:
		c.seal(i, coap.AppendEmpty(ack[:0], coap.Acknowledgement, m.ID))
	default:
		c.counts.unheard.Add(1)
	}
}

// ping lets those devices ping whose turn it is: all of them once in keepAlive,
// evenly.
func (c *crowd) ping() {
	if c.keepAlive == 0 {
		return
	}
	each := c.keepAlive / time.Duration(len(c.devices))
	for said := 0; c.pinged.Before(c.now) && said < 4*batch; said++ {
		c.pinged = c.pinged.Add(max(each, 1))
		i := c.turn
		c.turn = (c.turn + 1) % len(c.devices)
		if d := &c.devices[i]; d.phase == settled {
			var buf [8]byte
			d.pingID, d.pinging = d.nextID(), true
			c.counts.pingsSent.Add(1)
			c.seal(i, spark.AppendPing(buf[:0], d.pingID))
		}
	}
}

// event publishes an event of a device, unacknowledged. It is for publish.
func (c *crowd) event(i int, name string, data []byte) {
	d := &c.devices[i]
	if d.phase != settled {
		return
	}
	e := spark.Event{Name: name, Data: data, HasData: true, TTL: spark.DefaultTTL}
	m, err := spark.AppendEvent(c.plain[:0], coap.NonConfirmable, d.nextID(), &e, spark.PublishLayout(system))
	if err == nil {
		c.seal(i, m)
	}
}
