package dtls

import (
	"crypto/ecdsa"
	"time"
)

// ClientConfig is what a device knows before it connects.
type ClientConfig struct {
	ServerKey *ecdsa.PublicKey  // from the device's flash; ServerKeyExchange must be signed with it
	Key       *ecdsa.PrivateKey // the device's own
	Crypto    Crypto            // nil functions are Std's
	NoCID     bool              // offer no connection id, as Device OS before 3.1
	RFC9146   bool              // offer extension 54 instead of 254

	RetransmitAfter time.Duration // the first repetition of a flight, doubled each time; 0 is Device OS's 3 s
	RetransmitMax   time.Duration // the last wait, after which the handshake has failed; 0 is Device OS's 24 s
	MaxMessage      int           // bytes of one reassembled handshake message; 0 is 512
	MaxDatagram     int           // bytes of one datagram of a flight; 0 is 508, at least 256
}

// ClientRandom is what must be random in a client's handshake.
type ClientRandom struct {
	Random    [32]byte // of ClientHello
	Ephemeral [32]byte // the scalar of the ECDHE key
}

// ClientHandshake is the device's side of one handshake.
type ClientHandshake struct{}

// NewClientHandshake returns the client's side and its first flight, a ClientHello.
func NewClientHandshake(cfg *ClientConfig, now time.Time, random ClientRandom) (*ClientHandshake, [][]byte, error) {
	return nil, nil, ErrHandshakeOver
}

// Receive takes a datagram of the server. Its error is not nil only when the handshake is over: an *AlertError, or
// ErrHandshakeOver. With Output.Verified the session is ready.
func (h *ClientHandshake) Receive(now time.Time, datagram []byte) (Output, error) {
	return Output{}, ErrHandshakeOver
}

// Session returns the session, once the handshake is verified.
func (h *ClientHandshake) Session() (Session, bool) { return Session{}, false }

// Deadline returns when Tick is to be called next; zero when the handshake is over.
func (h *ClientHandshake) Deadline() time.Time { return time.Time{} }

// Tick returns the flight to repeat: with Device OS's timers 3, 9 and 21 s after it was first sent. The error is
// ErrHandshakeTimeout, 45 s after.
func (h *ClientHandshake) Tick(now time.Time) (resend [][]byte, err error) { return nil, nil }
