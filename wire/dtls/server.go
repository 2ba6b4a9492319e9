package dtls

import (
	"crypto/ecdsa"
	"time"
)

// ServerConfig is what all handshakes of a server share. It must not change while one of them runs.
type ServerConfig struct {
	Key             *ecdsa.PrivateKey // P-256, the key whose public half is in the devices' flash
	Crypto          Crypto            // nil functions are Std's
	RetransmitAfter time.Duration     // the first repetition of a flight, doubled each time; 0 is 2 s
	Timeout         time.Duration     // of the whole handshake, from NewServerHandshake; 0 is 45 s, Device OS's own
	Linger          time.Duration     // how long after Finish a repeated client flight is answered; 0 is 45 s
	MaxMessage      int               // bytes of one reassembled handshake message; 0 is 512
	MaxDatagram     int               // bytes of one datagram of a flight; 0 is 508, at least 256
}

// ServerRandom is what must be random in a server's handshake.
type ServerRandom struct {
	Random    [32]byte // of ServerHello
	Ephemeral [32]byte // the scalar of the ECDHE key
}

// ServerHandshake is the server's side of one handshake, between the cookie and the end of its lingering. See the package comment for how to use it.
type ServerHandshake struct{}

// NewServerHandshake takes up a verified hello and returns the server's flight: ServerHello, ServerKeyExchange,
// CertificateRequest, ServerHelloDone. cid becomes the client's connection id if it offered one. If the offer can't be
// served the error is an *AlertError and the flight is its alert.
func NewServerHandshake(cfg *ServerConfig, now time.Time, hello *ClientHello, cid [8]byte, random ServerRandom) (*ServerHandshake, [][]byte, error) {
	return nil, nil, ErrHandshakeOver
}

// Receive takes a datagram of the client. Its error is not nil only when the handshake is over: an *AlertError, or
// ErrHandshakeOver.
func (h *ServerHandshake) Receive(now time.Time, datagram []byte) (Output, error) {
	return Output{}, ErrHandshakeOver
}

// PeerKey returns the client's 91-byte SubjectPublicKeyInfo, proven from StageVerified on; nil before StageCertificate.
func (h *ServerHandshake) PeerKey() []byte { return nil }

// Stage returns how far the handshake came.
func (h *ServerHandshake) Stage() Stage { return 0 }

// CID returns the connection id that was agreed.
func (h *ServerHandshake) CID() CID { return CID{} }

// SessionPreview returns the session that Finish will return, to be made durable before. It is the zero Session before StageVerified.
func (h *ServerHandshake) SessionPreview() Session { return Session{} }

// Finish returns the server's last flight, ChangeCipherSpec and Finished, and the session. Only now can the client believe
// that it is connected, so the caller has made the session durable first.
func (h *ServerHandshake) Finish(now time.Time) (flight [][]byte, s Session, err error) {
	return nil, Session{}, ErrNotVerified
}

// Refuse ends the handshake with a fatal alert, which it returns as a datagram: the caller doesn't accept the client's key.
func (h *ServerHandshake) Refuse(description AlertDescription) []byte { return nil }

// Deadline returns when Tick is to be called next.
func (h *ServerHandshake) Deadline() time.Time { return time.Time{} }

// Tick returns datagrams to repeat. Its error, after which the handshake is to be forgotten, is ErrHandshakeTimeout, or
// ErrHandshakeOver when it has lingered long enough after Finish.
func (h *ServerHandshake) Tick(now time.Time) (resend [][]byte, err error) { return nil, nil }
