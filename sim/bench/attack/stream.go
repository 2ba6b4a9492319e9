package attack

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/bench/crowd"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/sealed"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// stream is a device on TCP: it answers calls and pings, and no more.
type stream struct {
	conn    net.Conn
	channel sealed.Channel
	split   sealed.Splitter
	id      sim.ID
	next    uint16 // message id
}

// streamID is who the i-th device on TCP is.
func streamID(i int) sim.ID { return sim.ID{0xe0, 0x0f, 'b', 'e', 'f', 'f', 11: byte(i)} }

func serverRSA(p *Part) (*rsa.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(p.KeyTCP)
	if err != nil {
		return nil, err
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, sealed.ErrKey
	}
	return public, nil
}

// dialStream connects a device on TCP and brings it online.
func dialStream(ctx context.Context, p *Part, private string, i int) (*stream, error) {
	der, err := unbase64(private)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, err
	}
	server, err := serverRSA(p)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.TCP.String())
	if err != nil {
		return nil, err
	}
	d := &stream{conn: conn, id: streamID(i)}
	if err := d.shake(&sealed.ClientHandshake{ServerKey: server, Key: key, DeviceID: d.id}); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return d, nil
}

func (d *stream) shake(h *sealed.ClientHandshake) error {
	if err := d.conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
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
	if err != nil {
		return err
	}
	d.channel, d.next = channel, credentials.MessageID()+1
	return d.startUp()
}

// startUp says who the device is and what it can do.
func (d *stream) startUp() error {
	hello, err := spark.AppendHello(nil, coap.NonConfirmable, d.next, &spark.Hello{
		ProductID: 3, ProductVersion: 0xffff, Flags: 0x36, PlatformID: 3, SystemVersion: 6200, MaxMessage: 1152, Size: 20,
	})
	if err != nil {
		return err
	}
	part := spark.DescribePart{Flags: spark.DescribeApplication, Payload: spark.AppendApplication(nil, &spark.Describe{
		HasApplication: true, Functions: []string{crowd.FunctionName},
	})}
	describe, err := part.AppendPost(nil, d.next+1)
	if err != nil {
		return err
	}
	d.next += 2
	return errors.Join(d.say(hello), d.say(describe), d.conn.SetDeadline(time.Time{}))
}

// say sends a message.
func (d *stream) say(message []byte) error {
	frame, err := d.channel.Seal(nil, message)
	if err != nil {
		return err
	}
	_, err = d.conn.Write(frame)
	return err
}

// live answers until the connection or ctx ends.
func (d *stream) live(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { _ = d.conn.Close() })
	defer stop()
	buf := make([]byte, 2048)
	for {
		_ = d.conn.SetReadDeadline(time.Now().Add(15 * time.Second))
		n, err := d.conn.Read(buf)
		if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
			d.next++
			err = d.say(spark.AppendPing(nil, d.next)) // as Device OS does after 15 s
		}
		if err != nil {
			return
		}
		for data := buf[:n]; ; {
			frame, rest, err := d.split.Next(data)
			if err != nil || frame == nil {
				break
			}
			data = rest
			if plain, err := d.channel.Open(nil, frame); err == nil {
				d.answer(plain)
			}
		}
	}
}

func (d *stream) answer(plain []byte) {
	m, err := coap.Parse(plain)
	if err != nil {
		return
	}
	switch spark.ClassifyRequest(&m) {
	case spark.KindFunction:
		call, err := spark.ParseFunction(&m)
		if err != nil {
			return
		}
		_ = d.say(coap.AppendEmpty(nil, coap.Acknowledgement, m.ID))
		d.next++
		if b, err := spark.AppendFunctionResult(nil, coap.NonConfirmable, d.next, call.Token, int32(len(call.Argument))); err == nil {
			_ = d.say(b)
		}
	case spark.KindPing, spark.KindSignal:
		_ = d.say(coap.AppendEmpty(nil, coap.Acknowledgement, m.ID))
	}
}
