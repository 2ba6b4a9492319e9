// Package simtest is for tests of virtual devices: a server that is just polite
// enough for them, on its own or on loopback sockets, and devices whose keys
// it knows. It is built from the server's side of wire/ and knows nothing else
// of a cloud.
package simtest

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/sealed"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// vectors are the recordings, seen from a package two folders deep or one.
func vectors() string {
	for _, path := range []string{"../wire/testdata/device", "../../wire/testdata/device"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// Cloud is the server of one device, with the manners that it expects, and any
// of them left out. It has no socket.
type Cloud struct {
	Gone        bool                              // nobody listens, or nothing gets through
	Mute        bool                              // hears, and says nothing
	SilentAbout map[string]bool                   // first letters of paths whose messages it doesn't acknowledge
	NoCID       bool                              // forgets to give a connection id
	Strangers   bool                              // has another public key for the device
	Heard       func(m *coap.Message, raw []byte) // called with every message; nil: nobody listens
	Closing     bool                              // the stream is to be closed; whoever closes it resets this
	Credentials []sealed.Credentials              // of the next TCP connections; then always the same
	Records     []dtls.ContentType                // of all records of the device; for whoever looks to clear
	Handshakes  int                               // that were completed

	t         testing.TB
	transport sim.Transport
	ids       coap.MessageIDs
	tokens    byte

	// UDP
	peer      netip.AddrPort // of the device's present socket
	cookies   dtls.Cookies
	greeter   dtls.ServerConfig
	handshake *dtls.ServerHandshake
	session   *dtls.Session

	// TCP
	key      *rsa.PrivateKey
	cred     sealed.Credentials
	shaking  *sealed.ServerHandshake
	buf      []byte
	splitter sealed.Splitter
	channel  *sealed.Channel
}

// NewCloud returns a server that is all manners.
func NewCloud(t testing.TB, transport sim.Transport) *Cloud {
	t.Helper()
	c := &Cloud{t: t, transport: transport, SilentAbout: map[string]bool{}}
	c.ids.Seed(0x4fff)
	c.peer = netip.MustParseAddrPort("192.0.2.1:49999")
	if transport == sim.UDP {
		key, err := x509.ParseECPrivateKey(Key(t, "server-ec.priv.der"))
		must(t, err)
		c.greeter.Key = key
	} else {
		key, err := x509.ParsePKCS1PrivateKey(Key(t, "server-rsa.priv.der"))
		must(t, err)
		c.key = key
		copy(c.cred[:], "0123456789abcdef0123456789abcdef\x09\x7csalt.")
	}
	return c
}

// Opened is called with every new socket of the device, and returns what the
// server says first.
func (c *Cloud) Opened() [][]byte {
	c.peer = netip.AddrPortFrom(c.peer.Addr(), c.peer.Port()+1)
	if c.transport == sim.UDP || c.Gone {
		return nil
	}
	c.Closing, c.buf, c.channel, c.splitter = false, nil, nil, sealed.Splitter{}
	if len(c.Credentials) > 0 {
		c.cred, c.Credentials = c.Credentials[0], c.Credentials[1:]
	}
	h, err := sealed.NewServerHandshake(c.key, [40]byte{1, 2, 3})
	must(c.t, err)
	c.shaking = &h
	nonce := h.Nonce()
	return [][]byte{nonce[:]}
}

// Receive takes what the device sent and returns what the server answers.
func (c *Cloud) Receive(now time.Time, data []byte) [][]byte {
	switch {
	case c.Gone:
		return nil
	case c.transport == sim.UDP:
		return c.datagram(now, data)
	case c.channel == nil:
		return c.blob(data)
	}
	return c.frames(now, data)
}

// Forget loses the session.
func (c *Cloud) Forget() { c.session, c.handshake = nil, nil }

// Alert protects an alert for the device.
func (c *Cloud) Alert(level dtls.AlertLevel, description dtls.AlertDescription) []byte {
	b, err := c.session.Seal(nil, dtls.Alert, dtls.AppendAlert(nil, level, description))
	must(c.t, err)
	return b
}

// Deadline is when a handshake has a flight to repeat; zero: never.
func (c *Cloud) Deadline() time.Time {
	if c.handshake == nil {
		return time.Time{}
	}
	return c.handshake.Deadline()
}

// Tick returns the flight that is due.
func (c *Cloud) Tick(now time.Time) [][]byte {
	if c.handshake == nil {
		return nil
	}
	flight, err := c.handshake.Tick(now)
	if err != nil {
		c.handshake = nil
	}
	return flight
}

// datagram takes a datagram: one of the session, of a handshake that goes on,
// or of a new one.
func (c *Cloud) datagram(now time.Time, data []byte) [][]byte {
	if answers, ok := c.openRecords(now, data); ok {
		return answers
	}
	if c.handshake != nil {
		out, err := c.handshake.Receive(now, data)
		switch {
		case err != nil:
			c.handshake = nil
		case out.Verified:
			return c.verified(now, out)
		case out.Dropped == nil || len(out.Send) > 0:
			return out.Send
		}
	}
	reply, hello, err := c.greeter.Greet(now, c.peer, &c.cookies, data, nil)
	switch {
	case err != nil:
		return nil
	case hello == nil:
		return [][]byte{reply}
	}
	if c.NoCID {
		hello.Extensions = without(hello.Extensions, 254)
	}
	var random dtls.ServerRandom
	random.Random[0], random.Ephemeral[5] = byte(c.Handshakes), 7
	h, flight, err := dtls.NewServerHandshake(&c.greeter, now, hello, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, random)
	if err == nil {
		c.handshake = h
	}
	return flight
}

// verified ends the handshake of a device whose key is on file.
func (c *Cloud) verified(now time.Time, out dtls.Output) [][]byte {
	if c.Strangers {
		return append(out.Send, c.handshake.Refuse(dtls.AccessDenied))
	}
	flight, session, err := c.handshake.Finish(now)
	must(c.t, err)
	c.session = &session
	c.Handshakes++
	return append(out.Send, flight...)
}

// openRecords answers what is in the records of the session. It is not ok if
// the datagram is not the session's.
func (c *Cloud) openRecords(now time.Time, data []byte) (answers [][]byte, ok bool) {
	for c.session != nil && len(data) > 0 {
		r, rest, err := dtls.ParseRecord(data)
		if err != nil {
			return answers, ok
		}
		data = rest
		t, plaintext, err := c.session.Open(nil, r)
		switch {
		case errors.Is(err, dtls.ErrReplay):
			ok = true
		case err != nil:
		case t == dtls.ApplicationData:
			c.handshake, ok = nil, true
			c.Records = append(c.Records, r.Type)
			answers = append(answers, c.message(now, plaintext)...)
		}
	}
	return answers, ok
}

// blob takes a piece of the device's part of the TCP handshake.
func (c *Cloud) blob(data []byte) [][]byte {
	if c.buf = append(c.buf, data...); len(c.buf) < sealed.BlobSize {
		return nil
	}
	claim, err := c.shaking.Receive([sealed.BlobSize]byte(c.buf))
	if err != nil {
		c.Closing = true
		return nil
	}
	device, err := claim.DeviceKey.Parse()
	must(c.t, err)
	if c.Strangers {
		_, spki, err := sim.GenerateKey(sim.TCP, rand.NewChaCha8([32]byte{2}))
		must(c.t, err)
		other, err := x509.ParsePKIXPublicKey(spki)
		must(c.t, err)
		device = other.(*rsa.PublicKey)
	}
	reply, channel, err := c.shaking.Accept(device, c.cred, [32]byte{9})
	must(c.t, err)
	c.channel = &channel
	c.Handshakes++
	return [][]byte{reply[:]}
}

func (c *Cloud) frames(now time.Time, data []byte) [][]byte {
	var answers [][]byte
	for {
		frame, rest, err := c.splitter.Next(data)
		must(c.t, err)
		if frame == nil {
			return answers
		}
		message, err := c.channel.Open(nil, frame)
		must(c.t, err)
		answers = append(answers, c.message(now, message)...)
		data = rest
	}
}

// message answers as a cloud should.
func (c *Cloud) message(now time.Time, b []byte) [][]byte {
	m, err := spark.Parse(b)
	must(c.t, err)
	if c.Heard != nil {
		c.Heard(&m, b)
	}
	letter, _ := m.Option(coap.URIPath)
	if c.Mute || c.SilentAbout[string(letter)] {
		return nil
	}
	var answer []byte
	switch kind := spark.Classify(&m); {
	case kind == spark.KindHello && c.transport == sim.TCP:
		id, _ := c.ids.Next(now)
		answer = spark.AppendServerHello(nil, id)
	case m.Type != coap.Confirmable:
		return nil
	case kind == spark.KindTime:
		answer = spark.AppendTime(nil, m.ID, m.Token[0], uint32(now.Unix()))
	case kind == spark.KindDescribe:
		answer, err = spark.AppendDescribeAck(nil, &m)
		must(c.t, err)
	case kind == spark.KindEvent:
		answer = coap.AppendPiggyback(nil, &m, coap.Changed, nil)
	default:
		answer = coap.AppendEmpty(nil, coap.Acknowledgement, m.ID)
	}
	return [][]byte{c.Seal(answer)}
}

// Seal protects a message for the device.
func (c *Cloud) Seal(message []byte) []byte {
	if c.transport == sim.UDP {
		if c.session == nil {
			c.t.Fatal("the cloud has no session to speak on")
		}
		b, err := c.session.Seal(nil, dtls.ApplicationData, message)
		must(c.t, err)
		return b
	}
	b, err := c.channel.Seal(nil, message)
	must(c.t, err)
	return b
}

// NextID returns the id of the server's next message.
func (c *Cloud) NextID(now time.Time) uint16 {
	id, err := c.ids.Next(now)
	must(c.t, err)
	return id
}

// NextToken returns the token of its next request.
func (c *Cloud) NextToken() byte {
	c.tokens++
	return c.tokens
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Key returns a key of the recordings, such as "server-ec.pub.der".
func Key(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectors(), "keys", name))
	must(t, err)
	return b
}

// Config is a device with keys of its own and the recordings' server key.
func Config(t testing.TB, transport sim.Transport, profile string) sim.Config {
	t.Helper()
	p, err := sim.FindProfile(profile)
	must(t, err)
	cfg := sim.Config{
		Transport: transport, Profile: p, Server: "cloud.test", Trace: true, Seed: [32]byte{1},
		Key: Key(t, "device-ec.priv.der"), ServerKey: Key(t, "server-ec.pub.der"),
	}
	if transport == sim.TCP {
		cfg.Key, cfg.ServerKey = Key(t, "device-rsa.priv.der"), Key(t, "server-rsa.pub.der")
	}
	cfg.ID, err = sim.ParseID("e00fce680000000000000001")
	must(t, err)
	return cfg
}

// without removes an extension: two bytes of type, two of length, the data.
func without(extensions []byte, kind uint16) []byte {
	var kept []byte
	for len(extensions) >= 4 {
		n := 4 + int(binary.BigEndian.Uint16(extensions[2:]))
		if binary.BigEndian.Uint16(extensions) != kind {
			kept = append(kept, extensions[:n]...)
		}
		extensions = extensions[n:]
	}
	return kept
}
