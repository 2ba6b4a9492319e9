package sim_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
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

const vectors = "../wire/testdata/device"

// cloud is the server's side of both transports with the manners that a
// device expects, and any of them left out.
type cloud struct {
	t         testing.TB
	transport sim.Transport

	gone        bool              // nobody listens, or nothing gets through
	mute        bool              // hears, and says nothing
	silentAbout map[string]bool   // first letters of paths whose messages it doesn't acknowledge
	noCID       bool              // forgets to give a connection id
	strangers   bool              // has another public key for the device
	heard       func(m *coap.Message, raw []byte)

	ids     coap.MessageIDs
	tokens  byte
	closing bool // the stream is to be closed

	// UDP
	peer      netip.AddrPort // of the device's present socket
	cookies   dtls.Cookies
	greeter   dtls.ServerConfig
	handshake *dtls.ServerHandshake
	session   *dtls.Session
	records   []dtls.ContentType // of the device's records since the last look

	// TCP
	key      *rsa.PrivateKey
	cred     sealed.Credentials
	creds    []sealed.Credentials // of the next connections; then cred
	shaking  *sealed.ServerHandshake
	buf      []byte
	splitter sealed.Splitter
	channel  *sealed.Channel
}

func newCloud(t testing.TB, transport sim.Transport) *cloud {
	t.Helper()
	c := &cloud{t: t, transport: transport, silentAbout: map[string]bool{}}
	c.ids.Seed(0x4fff)
	c.peer = netip.MustParseAddrPort("192.0.2.1:49999")
	if transport == sim.UDP {
		key, err := x509.ParseECPrivateKey(vectorKey(t, "server-ec.priv.der"))
		must(t, err)
		c.greeter.Key = key
	} else {
		key, err := x509.ParsePKCS1PrivateKey(vectorKey(t, "server-rsa.priv.der"))
		must(t, err)
		c.key = key
		copy(c.cred[:], "0123456789abcdef0123456789abcdef\x09\x7csalt.")
	}
	return c
}

// opened is called with every new socket of the device, and returns what the
// server says first.
func (c *cloud) opened() [][]byte {
	c.peer = netip.AddrPortFrom(c.peer.Addr(), c.peer.Port()+1)
	if c.transport == sim.UDP || c.gone {
		return nil
	}
	c.closing, c.buf, c.channel, c.splitter = false, nil, nil, sealed.Splitter{}
	if len(c.creds) > 0 {
		c.cred, c.creds = c.creds[0], c.creds[1:]
	}
	h, err := sealed.NewServerHandshake(c.key, [40]byte{1, 2, 3})
	must(c.t, err)
	c.shaking = &h
	nonce := h.Nonce()
	return [][]byte{nonce[:]}
}

// receive takes what the device sent and returns what the server answers.
func (c *cloud) receive(now time.Time, data []byte) [][]byte {
	switch {
	case c.gone:
		return nil
	case c.transport == sim.UDP:
		return c.datagram(now, data)
	case c.channel == nil:
		return c.blob(data)
	}
	return c.frames(now, data)
}

func (c *cloud) datagram(now time.Time, data []byte) [][]byte {
	r, _, err := dtls.ParseRecord(data)
	must(c.t, err)
	if r.Epoch == 1 && (c.handshake == nil || r.Type != dtls.Handshake && r.Type != dtls.ConnectionID) && c.session != nil {
		return c.records1(now, data)
	}
	if c.handshake != nil && c.handshake.Stage() < dtls.StageFinished {
		out, err := c.handshake.Receive(now, data)
		if err != nil || out.Dropped == nil {
			return c.verified(now, out)
		}
	}
	reply, hello, err := c.greeter.Greet(now, c.peer, &c.cookies, data, nil)
	if err != nil {
		if c.session != nil {
			return c.records1(now, data)
		}
		return nil
	}
	if hello == nil {
		return [][]byte{reply}
	}
	if c.noCID {
		hello.Extensions = without(hello.Extensions, 254)
	}
	var random dtls.ServerRandom
	random.Random[0], random.Ephemeral[5] = byte(c.peer.Port()), 7
	h, flight, err := dtls.NewServerHandshake(&c.greeter, now, hello, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, random)
	if err != nil {
		return flight
	}
	c.handshake = h
	return flight
}

// verified ends the handshake of a device whose key is on file.
func (c *cloud) verified(now time.Time, out dtls.Output) [][]byte {
	if !out.Verified {
		return out.Send
	}
	if c.strangers {
		return append(out.Send, c.handshake.Refuse(dtls.AccessDenied))
	}
	flight, session, err := c.handshake.Finish(now)
	must(c.t, err)
	c.session = &session
	c.handshake = nil
	return append(out.Send, flight...)
}

func (c *cloud) records1(now time.Time, data []byte) [][]byte {
	var answers [][]byte
	for len(data) > 0 {
		r, rest, err := dtls.ParseRecord(data)
		must(c.t, err)
		data = rest
		_, plaintext, err := c.session.Open(nil, r)
		if err != nil {
			c.t.Logf("record not opened: %v", err)
			continue
		}
		c.records = append(c.records, r.Type)
		answers = append(answers, c.message(now, plaintext)...)
	}
	return answers
}

// blob takes a piece of the device's part of the TCP handshake.
func (c *cloud) blob(data []byte) [][]byte {
	if c.buf = append(c.buf, data...); len(c.buf) < sealed.BlobSize {
		return nil
	}
	claim, err := c.shaking.Receive([sealed.BlobSize]byte(c.buf))
	if err != nil {
		c.closing = true
		return nil
	}
	device, err := claim.DeviceKey.Parse()
	must(c.t, err)
	if c.strangers {
		_, spki, err := sim.GenerateKey(sim.TCP, rand.NewChaCha8([32]byte{2}))
		must(c.t, err)
		other, err := x509.ParsePKIXPublicKey(spki)
		must(c.t, err)
		device = other.(*rsa.PublicKey)
	}
	reply, channel, err := c.shaking.Accept(device, c.cred, [32]byte{9})
	must(c.t, err)
	c.channel = &channel
	return [][]byte{reply[:]}
}

func (c *cloud) frames(now time.Time, data []byte) [][]byte {
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
func (c *cloud) message(now time.Time, b []byte) [][]byte {
	m, err := spark.Parse(b)
	must(c.t, err)
	if c.heard != nil {
		c.heard(&m, b)
	}
	letter, _ := m.Option(coap.URIPath)
	if c.mute || c.silentAbout[string(letter)] {
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
	return [][]byte{c.seal(answer)}
}

// seal protects a message for the device.
func (c *cloud) seal(message []byte) []byte {
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

func (c *cloud) nextID(now time.Time) uint16 {
	id, err := c.ids.Next(now)
	must(c.t, err)
	return id
}

func (c *cloud) nextToken() byte {
	c.tokens++
	return c.tokens
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func vectorKey(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectors, "keys", name))
	must(t, err)
	return b
}

// config is a device with keys of its own and the recordings' server key.
func config(t testing.TB, transport sim.Transport, profile string) sim.Config {
	t.Helper()
	p, err := sim.FindProfile(profile)
	must(t, err)
	cfg := sim.Config{
		Transport: transport, Profile: p, Server: "cloud.test", Trace: true, Seed: [32]byte{1},
		Key: vectorKey(t, "device-ec.priv.der"), ServerKey: vectorKey(t, "server-ec.pub.der"),
	}
	if transport == sim.TCP {
		cfg.Key, cfg.ServerKey = vectorKey(t, "device-rsa.priv.der"), vectorKey(t, "server-rsa.pub.der")
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
