package crowd

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// errReset is why a device that is told to start again does not: none of a crowd
// is to lose its session.
var errReset = errors.New("the server answered with a reset")

// shake begins a handshake.
func (c *Crowd) shake(i int) {
	var random dtls.ClientRandom
	_, _ = c.chance.Read(random.Random[:]) // it cannot fail
	_, _ = c.chance.Read(random.Ephemeral[:])
	h, flight, err := dtls.NewClientHandshake(&dtls.ClientConfig{ServerKey: c.serverKey, Key: c.cfg.Who.Key(i)}, c.now, random)
	if err != nil {
		c.lose(i, err)
		return
	}
	c.devices[i].phase = shaking
	c.shakes[i] = h
	c.sendAll(i, flight)
}

func (c *Crowd) sendAll(i int, datagrams [][]byte) {
	for _, b := range datagrams {
		c.sock.send(addressOf(i), b)
	}
}

// received takes a datagram that came to an address.
func (c *Crowd) received(to netip.Addr, datagram []byte) {
	i := indexOf(to)
	if i < 0 || i >= len(c.devices) {
		return
	}
	d := &c.devices[i]
	if d.phase == shaking {
		c.shakeOn(i, datagram)
		return
	}
	for len(datagram) > 0 && d.phase >= Shaken {
		record, rest, err := dtls.ParseRecord(datagram)
		if err != nil {
			return
		}
		datagram = rest
		t, message, err := d.session.Open(c.plain[:0], record)
		switch {
		case err != nil: // a flight of the handshake that came again
		case t == dtls.Alert:
			c.lose(i, fmt.Errorf("the server sent the alert %x", message))
		default:
			c.message(i, message)
		}
	}
}

func (c *Crowd) shakeOn(i int, datagram []byte) {
	h := c.shakes[i]
	out, err := h.Receive(c.now, datagram)
	c.sendAll(i, out.Send)
	if err != nil {
		c.lose(i, err)
		return
	}
	session, ok := h.Session()
	if !ok {
		return
	}
	delete(c.shakes, i)
	d := &c.devices[i]
	d.session, d.phase, d.step = session, Shaken, 0
	d.lastID = uint16(c.chance.Uint64())
	c.reached(i)
}

// say says the next thing of the start-up.
func (c *Crowd) say(i int) {
	d := &c.devices[i]
	d.token++
	d.tries, d.waitID = 0, d.nextID()
	c.saySame(i)
}

func (c *Crowd) saySame(i int) {
	d := &c.devices[i]
	message, err := speech[d.step](c.plain[:0], i, d.waitID, d.token)
	if err != nil {
		c.lose(i, err)
		return
	}
	c.seal(i, message)
}

// seal protects a message and sends it.
func (c *Crowd) seal(i int, message []byte) {
	d := &c.devices[i]
	b, err := d.session.Seal(c.sealed[:0], dtls.ApplicationData, message)
	if errors.Is(err, dtls.ErrSequenceExhausted) {
		if err = d.session.SetGeneration(d.session.Generation() + 1); err == nil {
			b, err = d.session.Seal(c.sealed[:0], dtls.ApplicationData, message)
		}
	}
	if err != nil {
		c.lose(i, err)
		return
	}
	c.sock.send(addressOf(i), b)
}

// message handles a message from the server.
func (c *Crowd) message(i int, b []byte) {
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
		c.lose(i, errReset)
	case m.Code.Response(): // that of the time comes by itself
		if m.Type == coap.Confirmable {
			c.seal(i, coap.AppendEmpty(buf[:0], coap.Acknowledgement, m.ID))
		}
	default:
		c.request(i, d, &m)
	}
}

func (c *Crowd) acknowledged(i int, m *coap.Message) {
	d := &c.devices[i]
	switch {
	case d.waitID != 0 && m.ID == d.waitID:
		d.waitID = 0
		d.step++
		switch int(d.step) {
		case 1:
			d.phase = Greeted
		case len(speech):
			d.phase = Settled
		}
		c.reached(i)
	case d.pinging && m.ID == d.pingID:
		d.pinging = false
		c.counts.pingsAnswered.Add(1)
	}
}

// request answers the server as Device OS does: it acknowledges a call at once
// and sends the result in a message of its own. A call that the server repeats,
// because the acknowledgement did not come in time, is not performed again.
func (c *Crowd) request(i int, d *device, m *coap.Message) {
	var ack, result [64]byte
	switch spark.ClassifyRequest(m) {
	case spark.KindFunction:
		call, err := spark.ParseFunction(m)
		if err != nil {
			return
		}
		if m.ID == d.calledID {
			c.counts.repeated.Add(1) // it is answered once more, and not done
		} else {
			c.counts.calls.Add(1)
		}
		d.calledID = m.ID
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

// ping lets those devices ping whose turn it is: all of them once in
// KeepAlive, evenly.
func (c *Crowd) ping() {
	if c.cfg.KeepAlive == 0 || c.quiet {
		return
	}
	each := c.cfg.KeepAlive / time.Duration(len(c.devices))
	for said := 0; c.pinged.Before(c.now) && said < 4*batch; said++ {
		c.pinged = c.pinged.Add(max(each, 1))
		i := c.turn
		c.turn = (c.turn + 1) % len(c.devices)
		if d := &c.devices[i]; d.phase == Settled {
			var buf [8]byte
			d.pingID, d.pinging = d.nextID(), true
			c.counts.pingsSent.Add(1)
			c.seal(i, spark.AppendPing(buf[:0], d.pingID))
		}
	}
}

// Event publishes an event of a device, unacknowledged. It is for the function
// that Publish was given, and for no other.
func (c *Crowd) Event(i int, name string, data []byte) {
	d := &c.devices[i]
	if d.phase != Settled {
		return
	}
	e := spark.Event{Name: name, Data: data, HasData: true, TTL: spark.DefaultTTL}
	m, err := spark.AppendEvent(c.plain[:0], coap.NonConfirmable, d.nextID(), &e, spark.PublishLayout(system))
	if err == nil {
		c.seal(i, m)
	}
}
