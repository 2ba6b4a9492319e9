package dtls

import "errors"

// Stage is how far a handshake came, for the record of a connection attempt.
type Stage uint8

// The stages, in order.
const (
	StageHello       Stage = iota // our first flight is out
	StageCertificate              // server: the client's public key was received, not yet proven
	StageKeyExchange              // the keys are computed
	StageVerified                 // the peer has proven its key and the whole handshake
	StageFinished                 // our last flight is out too
	StageFailed                   // ended by an alert or by time
)

// String names the stage in one word.
func (s Stage) String() string { return "" }

// Output is what a datagram led to. It is to be performed whatever the error.
type Output struct {
	Send     [][]byte // datagrams for the peer, in order
	Stage    Stage
	Verified bool  // server: the client's whole flight was verified by this datagram, call Finish once the session is durable. client: the session is ready
	Dropped  error // why some or all of the datagram was ignored, for counters; ErrNewHello asks for Greet
}

// Errors of handshakes.
var (
	// ErrNewHello in Output.Dropped: the datagram is a ClientHello, but not this handshake's. Give it to Greet; this
	// handshake goes on until another is verified.
	ErrNewHello         = errors.New("dtls: another ClientHello")
	ErrHandshakeTimeout = errors.New("dtls: handshake took too long")
	ErrHandshakeOver    = errors.New("dtls: handshake is over")
	ErrNotVerified      = errors.New("dtls: client is not verified")
)
