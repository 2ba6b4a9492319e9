package dtls

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls/message"
)

// Cookies are the secrets behind the cookies of HelloVerifyRequest. The caller fills Current with random bytes, replaces it
// now and then with Rotate, and shares one value among all who read the same socket. Rotate must not run during Greet.
type Cookies struct {
	Current, Previous [32]byte
	Rotated           time.Time // when Previous ceased to be current; zero: there is none
}

// CookieGrace is how long a cookie outlives the secret that made it: as long as Device OS tries one handshake.
const CookieGrace = 45 * time.Second

const (
	cookieSize = 16 // Device OS was seen to take 16 bytes

	// maxHelloSeq bounds message_seq of a ClientHello, which grows by one with each HelloVerifyRequest, so that the numbers
	// of the messages behind it can't wrap.
	maxHelloSeq = 16

	// maxHello bounds the bytes of a ClientHello that are hashed for a stranger. Device OS's has 107, GnuTLS's some 250.
	maxHello = 1024
)

// ErrNotHello is returned by Greet for a datagram that does not begin with a whole ClientHello in epoch 0: another protocol
// on this port, a record of a session that is unknown here, or a hello in fragments, which can't be had statelessly.
var ErrNotHello = errors.New("dtls: not a ClientHello")

// Rotate makes secret the current one and keeps the one before it for CookieGrace.
func (c *Cookies) Rotate(now time.Time, secret [32]byte) {
	c.Previous, c.Current, c.Rotated = c.Current, secret, now
}

// bake makes the cookie that binds a hello to the address that it came from: its own cookie left out, since the rest must
// not change between the two hellos. RFC 6347 §4.2.1.
func bake(secret *[32]byte, peer netip.AddrPort, hello message.ClientHello) [cookieSize]byte {
	var buf [512]byte
	address := peer.Addr().As16()
	b := binary.BigEndian.AppendUint16(append(buf[:0], address[:]...), peer.Port())
	hello.Cookie = nil
	h := hmac.New(sha256.New, secret[:])
	h.Write(hello.Append(b))
	return [cookieSize]byte(h.Sum(buf[:0]))
}

// good reports whether one of the two secrets made the hello's cookie.
func (c *Cookies) good(now time.Time, peer netip.AddrPort, hello message.ClientHello, current [cookieSize]byte) bool {
	if len(hello.Cookie) != cookieSize {
		return false
	}
	if hmac.Equal(hello.Cookie, current[:]) {
		return true
	}
	if now.Sub(c.Rotated) > CookieGrace {
		return false
	}
	previous := bake(&c.Previous, peer, hello)
	return hmac.Equal(hello.Cookie, previous[:])
}

// ClientHello is a hello whose cookie proved that its sender receives where it sends from. It owns its memory: the datagram
// may be reused.
type ClientHello struct {
	message.ClientHello

	Seq       uint16 // message_seq: 1 after one HelloVerifyRequest. The server's messages continue from it
	RecordSeq uint64 // number of its record. The server's records continue from it

	raw []byte // the message with its header, for the transcript
}

// Greet answers a ClientHello and remembers nothing. Without a good cookie it appends a HelloVerifyRequest to reply, which
// at 44 bytes is shorter than any hello, so that nobody can be flooded through us; with one there is no reply, and hello is
// not nil. The only error is ErrNotHello: the datagram is to be ignored.
//
// Whether the offer can be served is not looked at before NewServerHandshake: a stranger's address is owed no alert.
func (c *ServerConfig) Greet(now time.Time, peer netip.AddrPort, cookies *Cookies, datagram, reply []byte) ([]byte, *ClientHello, error) {
	r, f, m, err := parseHello(datagram)
	if err != nil {
		return reply, nil, err
	}
	current := bake(&cookies.Current, peer, m)
	if !cookies.good(now, peer, m, current) {
		return appendHelloVerifyRequest(reply, r.Seq, f.Seq, current), nil, nil
	}
	raw := f.Append(make([]byte, 0, len(r.Fragment)))
	if m, err = message.ParseClientHello(raw[message.HeaderSize:]); err != nil {
		return reply, nil, ErrNotHello
	}
	return reply, &ClientHello{ClientHello: m, Seq: f.Seq, RecordSeq: r.Seq, raw: raw}, nil
}

// parseHello reads the ClientHello that a datagram begins with. The result is views of the datagram.
func parseHello(datagram []byte) (r Record, f message.Fragment, m message.ClientHello, err error) {
	if r, _, err = ParseRecord(datagram); err != nil || r.Type != Handshake || r.Epoch != 0 {
		return r, f, m, ErrNotHello
	}
	f, _, err = message.ParseFragment(r.Fragment)
	if err != nil || f.Type != message.TypeClientHello || !f.Whole() || f.Length > maxHello || f.Seq > maxHelloSeq {
		return r, f, m, ErrNotHello
	}
	if m, err = message.ParseClientHello(f.Body); err != nil {
		return r, f, m, ErrNotHello
	}
	return r, f, m, nil
}

// appendHelloVerifyRequest adds the whole record. Its numbers are the hello's own: RFC 6347 §4.2.1 demands it of the record,
// and a client that got several requests can tell them apart by the message's.
func appendHelloVerifyRequest(dst []byte, recordSeq uint64, messageSeq uint16, cookie [cookieSize]byte) []byte {
	var body [2 + 1 + cookieSize]byte
	m := message.HelloVerifyRequest{Version: message.Version12, Cookie: cookie[:]}
	f := message.Fragment{Type: message.TypeHelloVerifyRequest, Seq: messageSeq, Length: len(body), Body: m.Append(body[:0])}
	dst = slices.Grow(dst, headerSize+message.HeaderSize+len(body))
	return f.Append(appendHeader(dst, Handshake, 0, recordSeq, message.HeaderSize+len(body)))
}
