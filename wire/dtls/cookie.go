package dtls

import (
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls/message"
)

// Cookies are the secrets behind the cookies of HelloVerifyRequest. The caller fills Current with random bytes, replaces it
// now and then with Rotate, and gives the same value to everybody who reads the same socket.
type Cookies struct {
	Current, Previous [32]byte
	Rotated           time.Time // when Previous was replaced; its cookies are good for CookieGrace after it
}

// CookieGrace is how long a cookie outlives the secret that made it: the time in which Device OS gives a handshake up.
const CookieGrace = 45 * time.Second

// Rotate puts a new secret in place of the current one.
func (c *Cookies) Rotate(now time.Time, secret [32]byte) {
	c.Previous, c.Current, c.Rotated = c.Current, secret, now
}

// ClientHello is a hello whose cookie proved that its sender receives at its address. It is a copy: the datagram may be reused.
type ClientHello struct {
	message.ClientHello

	Seq       uint16 // message_seq: 1 after one HelloVerifyRequest
	RecordSeq uint64 // the number of the record it came in, from which the server's own continue
	Peer      netip.AddrPort
}

// Greet answers a ClientHello without keeping anything. Without a good cookie the reply, appended to reply, is a
// HelloVerifyRequest, never longer than the datagram; with one there is no reply and hello is not nil. Other errors mean
// that the datagram is to be ignored.
func (c *ServerConfig) Greet(now time.Time, peer netip.AddrPort, cookies *Cookies, datagram, reply []byte) ([]byte, *ClientHello, error) {
	return reply, nil, ErrType
}
