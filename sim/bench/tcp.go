package bench

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/bench/crowd"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/sealed"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// tcpDevices is how many devices take turns: to make their keys takes longer
// than to shake hands.
const tcpDevices = 16

// tcpShaker performs RSA handshakes.
type tcpShaker struct {
	server   *rsa.PublicKey
	at       string
	together int
	who      crowd.Identities
	keys     [tcpDevices]*rsa.PrivateKey
	open     []*tcpDevice // whose handshake is done
}

type tcpDevice struct {
	conn    net.Conn
	channel sealed.Channel
	id      sim.ID
	next    uint16 // message id
}

func (b Handshake) overTCP(ctx context.Context, s *Server, p *person) (shaker, error) {
	public, err := x509.ParsePKIXPublicKey(s.KeyTCP)
	if err != nil {
		return nil, err
	}
	t := &tcpShaker{at: s.TCP.String(), together: b.Together}
	var ok bool
	if t.server, ok = public.(*rsa.PublicKey); !ok {
		return nil, sealed.ErrKey
	}
	b.Say("making and registering %d devices", tcpDevices)
	for i := range t.keys {
		if t.keys[i], err = rsaKey(rand.Reader, 1024); err != nil {
			return nil, err
		}
		if err := p.provision(ctx, t.who.ID(i).String(), "rsa", &t.keys[i].PublicKey); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// round has the first n devices shake hands.
func (t *tcpShaker) round(ctx context.Context, n int) (int, error) {
	var mu sync.Mutex // guards open and errs
	var all sync.WaitGroup
	var errs []error
	for g := range t.together {
		all.Go(func() { // ends after its share of n
			for i := g; i < n; i += t.together {
				d, err := t.shake(ctx, i)
				mu.Lock()
				if err != nil {
					errs = append(errs, err)
				} else {
					t.open = append(t.open, d)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(t.open) == 0 {
		return 0, errors.Join(errs...)
	}
	return len(t.open), context.Cause(ctx)
}

// shakeTime bounds one handshake.
const shakeTime = 20 * time.Second

// shake connects a device and performs its handshake.
func (t *tcpShaker) shake(ctx context.Context, i int) (*tcpDevice, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", t.at)
	if err != nil {
		return nil, err
	}
	d := &tcpDevice{conn: conn, id: t.who.ID(i)}
	if err := d.shake(&sealed.ClientHandshake{ServerKey: t.server, Key: t.keys[i], DeviceID: d.id}); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return d, nil
}

func (d *tcpDevice) shake(h *sealed.ClientHandshake) error {
	if err := d.conn.SetDeadline(time.Now().Add(shakeTime)); err != nil {
		return err
	}
	var nonce [sealed.NonceSize]byte
	if _, err := io.ReadFull(d.conn, nonce[:]); err != nil {
		return err
	}
	var padding [32]byte
	rand.Read(padding[:])
	blob, err := h.Answer(nonce, padding)
	if err != nil {
		return err
	}
	if _, err := d.conn.Write(blob[:]); err != nil {
		return err
	}
	var reply [sealed.ReplySize]byte
	if _, err := io.ReadFull(d.conn, reply[:]); err != nil {
		return err
	}
	credentials, channel, err := h.Finish(reply)
	d.channel, d.next = channel, credentials.MessageID()+1
	return err
}

// settle has every device of the last round say Hello and hear the answer, so
// that its attempt ends well, and hangs up.
func (t *tcpShaker) settle(context.Context) error {
	var errs []error
	for _, d := range t.open {
		errs = append(errs, d.hello(), d.conn.Close())
	}
	t.open = nil
	return errors.Join(errs...)
}

func (d *tcpDevice) hello() error {
	message, err := spark.AppendHello(nil, coap.NonConfirmable, d.next, &spark.Hello{
		ProductID: 3, ProductVersion: 0xffff, Flags: 0x36, PlatformID: 3, SystemVersion: 6200, MaxMessage: 1152, Size: 20,
	})
	if err != nil {
		return err
	}
	frame, err := d.channel.Seal(nil, message)
	if err != nil {
		return err
	}
	if _, err := d.conn.Write(frame); err != nil {
		return err
	}
	var first [2]byte
	_, err = io.ReadFull(d.conn, first[:])
	return err
}

func (t *tcpShaker) operations() ([]operation, error) {
	server, err := rsaKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return tcpOperations(server, t.keys[0])
}

func (t *tcpShaker) close() error { return nil }
