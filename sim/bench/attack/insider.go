package attack

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"time"

	"github.com/cyan-cloud/cyan/sim/bench/crowd"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// insider is a device on UDP with a good key, which says what it likes.
type insider struct {
	conn   net.Conn
	keys   dtls.Session
	next   uint16
	hello  [][]byte // what it sent to shake hands: hello, hello with cookie, the rest
	answer []byte   // the latest message that came
}

var errInsider = errors.New("attack: the insider was not let in")

// insider connects the one behind the healthy devices.
func (a *attacker) insider(ctx context.Context) (*insider, error) {
	server, err := dtls.ParsePublicKey(a.KeyUDP)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "udp", a.UDP.String())
	if err != nil {
		return nil, err
	}
	d := &insider{conn: conn}
	if err := d.shake(&dtls.ClientConfig{ServerKey: server, Key: a.Who.Key(a.Devices)}); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	hello, err := spark.AppendHello(nil, coap.Confirmable, 1, &spark.Hello{
		ProductID: 3, ProductVersion: 0xffff, Flags: 0x36, PlatformID: 3, DeviceID: a.Who.ID(a.Devices), HasDeviceID: true,
		SystemVersion: 6200, MaxMessage: 1152, Size: 32,
	})
	if err != nil {
		return nil, err
	}
	d.next = 1
	for range 5 {
		if err := d.say(hello); err != nil {
			return nil, err
		}
		if d.listen(time.Second) > 0 {
			return d, nil
		}
	}
	return nil, errInsider
}

func (d *insider) shake(cfg *dtls.ClientConfig) error {
	var random dtls.ClientRandom
	rand.Read(random.Random[:])
	rand.Read(random.Ephemeral[:])
	h, flight, err := dtls.NewClientHandshake(cfg, time.Now(), random)
	if err != nil {
		return err
	}
	buf := make([]byte, 2048)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		for _, b := range flight {
			d.hello = append(d.hello, append([]byte(nil), b...))
			if _, err := d.conn.Write(b); err != nil {
				return err
			}
		}
		if err := d.conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		n, err := d.conn.Read(buf)
		if err != nil {
			again, err := h.Tick(time.Now())
			if err != nil {
				return err
			}
			flight = again
			continue
		}
		out, err := h.Receive(time.Now(), buf[:n])
		if err != nil {
			return err
		}
		flight = out.Send
		var ok bool
		if d.keys, ok = h.Session(); ok {
			return nil
		}
	}
	return errInsider
}

// seal protects a message.
func (d *insider) seal(message []byte) ([]byte, error) {
	return d.keys.Seal(nil, dtls.ApplicationData, message)
}

func (d *insider) say(message []byte) error {
	b, err := d.seal(message)
	if err != nil {
		return err
	}
	_, err = d.conn.Write(b)
	return err
}

// id gives the next message id.
func (d *insider) id() uint16 { d.next++; return d.next }

// listen takes what comes until nothing has come for so long, and gives how
// much of it could be opened.
func (d *insider) listen(wait time.Duration) (n int) {
	buf := make([]byte, 2048)
	for {
		if err := d.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return n
		}
		size, err := d.conn.Read(buf)
		if err != nil {
			return n
		}
		r, _, err := dtls.ParseRecord(buf[:size])
		if err != nil {
			continue
		}
		if _, plain, err := d.keys.Open(nil, r); err == nil {
			n++
			d.answer = plain
		}
		wait = 50 * time.Millisecond
	}
}

// firstStranger is where strangers are: nowhere near a healthy device.
const firstStranger = 1 << 21

func (a *attacker) raw() (*crowd.Raw, error) { return crowd.OpenRaw(a.UDP) }
