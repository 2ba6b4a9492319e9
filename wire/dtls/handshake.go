package dtls

import (
	"crypto/ecdh"
	"crypto/sha256"
	"errors"
	"hash"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls/message"
)

// Stage is how far a handshake came, for the record of a connection attempt.
type Stage uint8

// The stages, in order.
const (
	StageHello       Stage = iota // our first flight is out
	StageCertificate              // server only: the client has named its public key, not proven it
	StageKeyExchange              // the keys are computed
	StageVerified                 // server: the client has proven its key, and that it saw the same handshake
	StageFinished                 // both have
)

var stageNames = [...]string{"hello", "certificate", "key_exchange", "verified", "finished"}

// String names the stage in one word, "hello" to "finished".
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return "unknown"
}

// Output is what a datagram led to. It is to be performed whatever the error is.
type Output struct {
	Send  [][]byte // datagrams for the peer, in order
	Stage Stage    // how far the handshake is, or was when it ended

	// Verified is set once, by the datagram that completed the peer's proof. A server now makes the session durable and calls
	// Finish; a client's Session is ready.
	Verified bool

	// Dropped is why all or the rest of the datagram was ignored, for counters. ErrNewHello asks for more: see there.
	Dropped error
}

// Errors of handshakes, beside the reasons inside an AlertError.
var (
	// ErrNewHello in Output.Dropped: the datagram is a ClientHello, but not the one that this handshake began with. Give it
	// to Greet. This handshake goes on until the other hello has shown a cookie.
	ErrNewHello         = errors.New("dtls: another ClientHello")
	ErrHandshakeTimeout = errors.New("dtls: handshake took too long")
	ErrHandshakeOver    = errors.New("dtls: handshake is over")
	ErrNotVerified      = errors.New("dtls: peer is not verified")
	ErrConfig           = errors.New("dtls: configuration lacks a P-256 key")
)

// Why a handshake was refused: the Err of an AlertError.
var (
	ErrSuite         = errors.New("dtls: no common cipher suite, curve, signature or compression")
	ErrOldVersion    = errors.New("dtls: peer speaks no DTLS 1.2")
	ErrRawPublicKey  = errors.New("dtls: peer takes no raw public keys")
	ErrPoint         = errors.New("dtls: point is not on the curve")
	ErrSignature     = errors.New("dtls: bad signature")
	ErrFinished      = errors.New("dtls: Finished does not match the handshake")
	ErrUnexpected    = errors.New("dtls: handshake message out of place")
	ErrNoClientKey   = errors.New("dtls: client sent no key")
	ErrNoCID         = errors.New("dtls: server gave no connection id of 8 bytes")
	ErrEphemeral     = errors.New("dtls: random bytes are no private key")
	ErrRefused       = errors.New("dtls: refused by the caller")
	ErrMessageFormat = message.ErrMessage
)

const (
	defaultMaxMessage  = 512
	defaultMaxDatagram = 508 // fits the smallest IPv4 path, and what mbedTLS falls back to
	minMaxDatagram     = 256

	// maxRepeats bounds how often a flight goes out again, by the clock and because the peer repeated its own.
	maxRepeats = 16

	// maxEarly bounds the one epoch-1 record that is kept if it overtakes the messages that make its keys: a Finished with
	// connection id and padding takes 85 bytes.
	maxEarly = 128
)

// exchange is what both sides of a handshake have in common: what came in, what goes out, and the secrets in between.
type exchange struct {
	crypto         Crypto
	client, server [32]byte // the two randoms
	key            *ecdh.PrivateKey
	master         master
	transcript     hash.Hash // over all messages as if unfragmented, from the ClientHello that was not answered by a cookie
	session        Session
	stage          Stage
	over           bool // nothing is taken any more

	inbox reassembly
	early []byte // an epoch-1 record that came before the keys

	flight      []outgoing // our last flight, kept for repeating it
	messageSeq  uint16     // of our next handshake message
	recordSeq   uint64     // of our next epoch-0 record
	maxDatagram int
	repeats     int
	wait        time.Duration // until the flight is repeated; doubled each time
	resendAt    time.Time
}

// outgoing is one record of a flight. Each time it is sent it gets a new sequence number, or the peer's replay window would
// drop the repetition. RFC 6347 §4.2.4.
type outgoing struct {
	kind  ContentType
	epoch uint16
	body  []byte
}

func newExchange(crypto Crypto, maxMessage, maxDatagram int) exchange {
	if maxMessage == 0 {
		maxMessage = defaultMaxMessage
	}
	if maxDatagram == 0 {
		maxDatagram = defaultMaxDatagram
	}
	return exchange{
		crypto:      crypto.orStd(),
		transcript:  sha256.New(),
		inbox:       reassembly{limit: maxMessage},
		maxDatagram: max(maxDatagram, minMaxDatagram),
	}
}

// sum is the hash of the transcript so far.
func (x *exchange) sum() []byte { return x.transcript.Sum(nil) }

// newFlight begins a flight: what the last one repeated is answered.
func (x *exchange) newFlight() { x.flight, x.repeats = x.flight[:0], 0 }

// say adds a handshake message to the flight and to the transcript.
func (x *exchange) say(kind message.Type, epoch uint16, body []byte) {
	f := message.Fragment{Type: kind, Length: len(body), Seq: x.messageSeq, Body: body}
	raw := f.Append(make([]byte, 0, message.HeaderSize+len(body)))
	x.messageSeq++
	x.transcript.Write(raw)
	x.flight = append(x.flight, outgoing{Handshake, epoch, raw})
}

// hear adds a message of the peer to the transcript.
func (x *exchange) hear(f message.Fragment) {
	x.transcript.Write(f.Append(make([]byte, 0, message.HeaderSize+len(f.Body))))
}

// send frames the flight anew, as few datagrams as hold it.
func (x *exchange) send() [][]byte {
	var datagrams [][]byte
	current := make([]byte, 0, x.maxDatagram)
	for _, o := range x.flight {
		start := len(current)
		if current = x.frame(current, o); len(current) > x.maxDatagram && start > 0 {
			datagrams = append(datagrams, slices.Clip(current[:start]))
			current = append(make([]byte, 0, x.maxDatagram), current[start:]...)
		}
	}
	return append(datagrams, current)
}

// frame appends one record of the flight, sealed if it is of epoch 1.
func (x *exchange) frame(dst []byte, o outgoing) []byte {
	if o.epoch != 0 {
		// A handshake's first few numbers of generation 0 can't be exhausted, and the type is a sealable one.
		dst, _ = x.session.Seal(dst, o.kind, o.body)
		return dst
	}
	dst = appendHeader(dst, o.kind, 0, x.recordSeq, len(o.body))
	x.recordSeq++
	return append(dst, o.body...)
}

// repeat sends the flight again, unless it was repeated too often.
func (x *exchange) repeat() [][]byte {
	if x.repeats >= maxRepeats {
		return nil
	}
	x.repeats++
	return x.send()
}

// arm starts the repetition timer.
func (x *exchange) arm(now time.Time, wait time.Duration) {
	x.wait, x.resendAt = wait, now.Add(wait)
}

// end lets go of everything that only a running handshake needs.
func (x *exchange) end() { x.over, x.early, x.flight = true, nil, nil }

// alert makes the datagram of a fatal alert. It is in the clear: the peer takes nothing else before our Finished.
func (x *exchange) alert(description AlertDescription) []byte {
	dst := appendHeader(nil, Alert, 0, x.recordSeq, 2)
	x.recordSeq++
	return AppendAlert(dst, Fatal, description)
}

// agree computes the master secret and the keys from the peer's point. RFC 8422 §5.10.
func (x *exchange) agree(point []byte) *AlertError {
	secret, err := x.crypto.Agree(x.key, point)
	if err != nil {
		return fatal(IllegalParameter, ErrPoint)
	}
	x.master = newMaster(secret, &x.client, &x.server)
	x.session.Keys = x.master.keys(&x.client, &x.server)
	x.session.ReadEpoch, x.session.WriteEpoch = 1, 1
	x.stage = StageKeyExchange
	return nil
}

// receive takes a datagram apart and hands each record to its reader, and behind them the record that was kept for lack of
// keys.
func (x *exchange) receive(datagram []byte, read func(*Output, Record) error) (Output, error) {
	var out Output
	alert := collect(datagram, &out, read)
	if kept := x.overtaken(); kept != nil && alert == nil {
		alert = collect(kept, &out, read)
	}
	out.Stage = x.stage
	if alert == nil {
		return out, nil
	}
	if !alert.Peer {
		out.Send = append(out.Send, x.alert(alert.Description))
	}
	x.end()
	return out, alert
}

// collect returns the fatal error that a record led to, or nil. What else went wrong is noted in out.
func collect(datagram []byte, out *Output, read func(*Output, Record) error) *AlertError {
	for len(datagram) > 0 {
		r, rest, err := ParseRecord(datagram)
		if err != nil {
			out.Dropped = err
			break
		}
		datagram = rest
		if err = read(out, r); err == nil {
			continue
		}
		if alert, ok := errors.AsType[*AlertError](err); ok {
			return alert
		}
		out.Dropped = err
	}
	return nil
}

// fragments puts the handshake messages of a plaintext into the inbox. Finished must have come encrypted, all others not. It
// stops at the first that is malformed, and passes over those that the inbox refuses.
func (x *exchange) fragments(plaintext []byte, epoch uint16, repeated func(message.Fragment)) (dropped error) {
	for len(plaintext) > 0 {
		f, rest, err := message.ParseFragment(plaintext)
		if err != nil {
			return err
		}
		plaintext = rest
		if (f.Type == message.TypeFinished) != (epoch != 0) {
			dropped = ErrEpoch
			continue
		}
		if f.Seq < x.inbox.next {
			repeated(f)
		}
		if err := x.inbox.add(f); err != nil {
			dropped = err
		}
	}
	return dropped
}

// alerted reads an alert that came before the handshake ended. Warnings are ignored, except that the peer closes.
func alerted(plaintext []byte) error {
	level, description, err := ParseAlert(plaintext)
	if err != nil {
		return err
	}
	if level != Fatal && description != CloseNotify && description != UserCanceled {
		return nil
	}
	return &AlertError{Level: level, Description: description, Peer: true}
}

// opened decrypts an epoch-1 record of the handshake. If there are no keys yet, it keeps one record until there are.
func (x *exchange) opened(r Record) (ContentType, []byte, error) {
	if x.stage < StageKeyExchange {
		if x.early == nil && len(r.Raw) <= maxEarly {
			x.early = slices.Clone(r.Raw)
		}
		return 0, nil, nil
	}
	t, plaintext, err := x.session.open(nil, nil, r)
	if err != nil {
		return 0, nil, err
	}
	if !x.session.Window.Fresh(r.Seq) {
		return 0, nil, ErrReplay
	}
	if t == Handshake {
		x.session.Window.Mark(r.Seq)
	}
	return t, plaintext, nil
}

// overtaken returns the kept record once there are keys for it.
func (x *exchange) overtaken() (record []byte) {
	if x.stage == StageKeyExchange {
		record, x.early = x.early, nil
	}
	return record
}
