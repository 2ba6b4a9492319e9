package dtls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls/message"
)

// ClientConfig is what a device knows before it connects.
type ClientConfig struct {
	ServerKey *ecdsa.PublicKey  // P-256, from the device's flash: ServerKeyExchange must be signed with it
	Key       *ecdsa.PrivateKey // P-256, the device's own
	Crypto    Crypto            // functions left nil are Std's
	NoCID     bool              // offer no connection id, as Device OS before 3.1
	RFC9146   bool              // offer extension 54 instead of 254

	RetransmitAfter time.Duration // until a flight is first repeated, then doubled; 0 is Device OS's 3 s
	RetransmitMax   time.Duration // the longest wait, after which the handshake has failed; 0 is Device OS's 24 s
	MaxMessage      int           // bytes of one handshake message, reassembled; 0 is 512
	MaxDatagram     int           // bytes of one datagram of a flight; 0 is 508, below 256 counts as 256
}

const (
	defaultClientRetransmit = 3 * time.Second
	defaultRetransmitMax    = 24 * time.Second
)

// ClientRandom is what must be random in a client's handshake, and different each time.
type ClientRandom struct {
	Random    [32]byte // of ClientHello
	Ephemeral [32]byte // the scalar of the ECDHE key
}

// ClientHandshake is the device's side of one handshake.
type ClientHandshake struct {
	exchange
	cfg     *ClientConfig
	scalar  [32]byte
	hello   message.ClientHello
	expects message.Type // of the server's next message
	kind    CIDKind      // what was offered
}

// NewClientHandshake returns the client's side and its first flight, a ClientHello with the offer that Device OS makes, byte
// for byte. The error is ErrConfig if a key is missing or not P-256.
func NewClientHandshake(cfg *ClientConfig, now time.Time, random ClientRandom) (*ClientHandshake, [][]byte, error) {
	if cfg.Key == nil || cfg.Key.Curve != elliptic.P256() || cfg.ServerKey == nil || cfg.ServerKey.Curve != elliptic.P256() {
		return nil, nil, ErrConfig
	}
	h := &ClientHandshake{
		exchange: newExchange(cfg.Crypto, cfg.MaxMessage, cfg.MaxDatagram),
		cfg:      cfg,
		scalar:   random.Ephemeral,
		expects:  message.TypeServerHello,
	}
	h.client = random.Random
	h.offer()
	h.sayClientHello(nil)
	return h, h.start(now), nil
}

// offer fills in the ClientHello. The order of the extensions is Device OS's.
func (h *ClientHandshake) offer() {
	var e message.Extensions
	e = e.Add(message.ExtSignatureAlgorithms, 0, 8, 4, 3, 4, 1, 3, 3, 3, 1) // ECDSA and RSA with SHA-256, then with SHA-1
	e = e.Add(message.ExtSupportedGroups, 0, 2, byte(message.GroupP256>>8), byte(message.GroupP256))
	e = e.Add(message.ExtPointFormats, 1, message.PointUncompressed)
	if !h.cfg.NoCID {
		h.kind = DraftCID
		if h.cfg.RFC9146 {
			h.kind = RFC9146CID
		}
		e = e.Add(message.ExtensionType(h.kind), 0) // a connection id of no bytes: none on records to us
	}
	e = e.Add(message.ExtClientCertificateType, 1, message.RawPublicKey)
	e = e.Add(message.ExtServerCertificateType, 1, message.RawPublicKey)
	suites := binary.BigEndian.AppendUint16(nil, message.SuiteAES128CCM8)
	h.hello = message.ClientHello{
		Version:     message.Version12,
		Random:      h.client,
		Suites:      binary.BigEndian.AppendUint16(suites, message.SuiteEmptyRenego),
		Compression: []byte{message.CompressionNull},
		Extensions:  e,
	}
}

// sayClientHello begins the transcript: the hello before it and the cookie's request are not part of it. RFC 6347 §4.2.1.
func (h *ClientHandshake) sayClientHello(cookie []byte) {
	h.newFlight()
	h.transcript.Reset()
	h.hello.Cookie = cookie
	h.say(message.TypeClientHello, 0, h.hello.Append(nil))
}

// start sends a new flight and starts its clock.
func (h *ClientHandshake) start(now time.Time) [][]byte {
	h.arm(now, or(h.cfg.RetransmitAfter, defaultClientRetransmit))
	return h.send()
}

// Receive takes a datagram of the server. The error is not nil only when the handshake is over: an *AlertError when this
// datagram ended it, ErrHandshakeOver when one did before or the session is ready.
func (h *ClientHandshake) Receive(now time.Time, datagram []byte) (Output, error) {
	if h.over {
		return Output{Stage: h.stage}, ErrHandshakeOver
	}
	return h.receive(datagram, func(out *Output, r Record) error { return h.read(now, out, r) })
}

// read takes one record.
func (h *ClientHandshake) read(now time.Time, out *Output, r Record) error {
	plaintext := r.Fragment
	switch {
	case h.over, r.Epoch > 1:
		return ErrEpoch
	case r.Epoch == 1:
		t, opened, err := h.opened(r)
		if err != nil || t == 0 {
			return err
		}
		if t == Alert {
			return alerted(opened)
		}
		if t != Handshake {
			return ErrType // application data that overtook Finished: the server will repeat it
		}
		plaintext = opened
	case r.Type == Alert:
		return alerted(plaintext)
	case r.Type == ChangeCipherSpec:
		return nil // the epoch says it
	case r.Type != Handshake:
		return ErrEpoch
	}
	dropped := h.fragments(plaintext, r.Epoch, func(f message.Fragment) {
		if f.Type == message.TypeServerHelloDone && h.stage == StageKeyExchange && len(out.Send) == 0 {
			out.Send = h.repeat() // the server repeats its flight, so it missed ours
		}
	})
	return h.proceed(now, out, dropped)
}

// proceed handles the messages that are complete and in order. It returns the fatal error that one of them led to, or else
// what was dropped.
func (h *ClientHandshake) proceed(now time.Time, out *Output, dropped error) error {
	for !h.over {
		f, ok := h.inbox.pop()
		if !ok {
			break
		}
		if alert := h.handle(now, out, f); alert != nil {
			return alert
		}
	}
	return dropped
}

// handle takes the server's flights, message by message. RFC 6347 §4.2.4, figure 1; the Certificate is missing.
func (h *ClientHandshake) handle(now time.Time, out *Output, f message.Fragment) *AlertError {
	switch {
	case f.Type == message.TypeHelloVerifyRequest && h.expects == message.TypeServerHello:
		return h.readHelloVerifyRequest(now, out, f)
	case f.Type != h.expects:
		return fatal(UnexpectedMessage, ErrUnexpected)
	}
	switch f.Type {
	case message.TypeServerHello:
		return h.readServerHello(f)
	case message.TypeServerKeyExchange:
		return h.readServerKeyExchange(f)
	case message.TypeCertificateRequest:
		return h.readCertificateRequest(f)
	case message.TypeServerHelloDone:
		return h.readServerHelloDone(now, out, f)
	}
	return h.readFinished(out, f)
}

// readHelloVerifyRequest repeats the hello with the cookie. RFC 6347 §4.2.1.
func (h *ClientHandshake) readHelloVerifyRequest(now time.Time, out *Output, f message.Fragment) *AlertError {
	m, err := message.ParseHelloVerifyRequest(f.Body)
	if err != nil {
		return fatal(DecodeError, err)
	}
	if h.messageSeq > maxHelloSeq {
		return fatal(UnexpectedMessage, ErrUnexpected)
	}
	h.sayClientHello(m.Cookie)
	out.Send = append(out.Send, h.start(now)...)
	return nil
}

// readServerHello checks that the server chose the one profile.
func (h *ClientHandshake) readServerHello(f message.Fragment) *AlertError {
	m, err := message.ParseServerHello(f.Body)
	if err != nil {
		return fatal(DecodeError, err)
	}
	switch clientType, ok := m.Extensions.Find(message.ExtClientCertificateType); {
	case m.Version != message.Version12:
		return fatal(ProtocolVersion, ErrOldVersion)
	case m.Suite != message.SuiteAES128CCM8 || m.Compression != message.CompressionNull:
		return fatal(IllegalParameter, ErrSuite)
	case !ok || !bytes.Equal(clientType, []byte{message.RawPublicKey}):
		return fatal(UnsupportedCertificate, ErrRawPublicKey)
	}
	if serverType, ok := m.Extensions.Find(message.ExtServerCertificateType); ok && !bytes.Equal(serverType, []byte{message.RawPublicKey}) {
		return fatal(UnsupportedCertificate, ErrRawPublicKey)
	}
	if h.kind != NoCID {
		data, _ := m.Extensions.Find(message.ExtensionType(h.kind))
		cid, err := message.List8(data)
		if err != nil || len(cid) != cidSize {
			return fatal(HandshakeFailure, ErrNoCID)
		}
		h.session.CID = CID{Kind: h.kind, Bytes: [cidSize]byte(cid)}
	}
	h.server = m.Random
	h.hear(f)
	h.expects = message.TypeServerKeyExchange
	return nil
}

// readServerKeyExchange checks the server's signature with the key from flash, and computes the keys.
func (h *ClientHandshake) readServerKeyExchange(f message.Fragment) *AlertError {
	m, err := message.ParseServerKeyExchange(f.Body)
	if err != nil {
		return fatal(DecodeError, err)
	}
	if m.CurveType != message.CurveTypeNamed || m.Group != message.GroupP256 || m.Scheme != message.SchemeECDSASHA256 {
		return fatal(IllegalParameter, ErrSuite)
	}
	digest := sha256.Sum256(m.AppendSigned(nil, &h.client, &h.server))
	if !h.crypto.Verify(h.cfg.ServerKey, digest[:], m.Signature) {
		return fatal(DecryptError, ErrSignature)
	}
	if h.key, err = h.crypto.NewKey(h.scalar[:]); err != nil {
		return fatal(InternalError, ErrEphemeral)
	}
	h.hear(f)
	h.expects = message.TypeCertificateRequest
	return h.agree(m.Point)
}

// readCertificateRequest checks that the server takes the kind of key that we have. A server that asks for none is refused by
// the order of messages: the device's key is the only proof of who it is.
func (h *ClientHandshake) readCertificateRequest(f message.Fragment) *AlertError {
	m, err := message.ParseCertificateRequest(f.Body)
	if err != nil {
		return fatal(DecodeError, err)
	}
	if !bytes.Contains(m.Types, []byte{message.CertificateECDSA}) || !message.Contains16(m.Schemes, message.SchemeECDSASHA256) {
		return fatal(HandshakeFailure, ErrSuite)
	}
	h.hear(f)
	h.expects = message.TypeServerHelloDone
	return nil
}

// readServerHelloDone answers with the client's flight.
func (h *ClientHandshake) readServerHelloDone(now time.Time, out *Output, f message.Fragment) *AlertError {
	if _, err := message.ParseServerHelloDone(f.Body); err != nil {
		return fatal(DecodeError, err)
	}
	h.hear(f)
	h.newFlight()
	if err := h.sayCertificate(); err != nil {
		return fatal(InternalError, err)
	}
	h.sayClientKeyExchange()
	if err := h.sayCertificateVerify(); err != nil {
		return fatal(InternalError, err)
	}
	h.sayFinished()
	h.expects = message.TypeFinished
	out.Send = append(out.Send, h.start(now)...)
	return nil
}

// sayCertificate names our public key.
func (h *ClientHandshake) sayCertificate() error {
	spki, err := AppendPublicKey(nil, &h.cfg.Key.PublicKey)
	m := message.Certificate{SPKI: spki}
	h.say(message.TypeCertificate, 0, m.Append(nil))
	return err
}

// sayClientKeyExchange sends our half of the key agreement.
func (h *ClientHandshake) sayClientKeyExchange() {
	m := message.ClientKeyExchange{Point: h.key.PublicKey().Bytes()}
	h.say(message.TypeClientKeyExchange, 0, m.Append(nil))
}

// sayCertificateVerify signs the transcript so far. RFC 5246 §7.4.8.
func (h *ClientHandshake) sayCertificateVerify() (err error) {
	m := message.CertificateVerify{Scheme: message.SchemeECDSASHA256}
	if m.Signature, err = h.crypto.Sign(h.cfg.Key, h.sum()); err != nil {
		return err
	}
	h.say(message.TypeCertificateVerify, 0, m.Append(nil))
	return nil
}

// sayFinished switches to the new keys and proves, under them, what we saw. RFC 5246 §7.1, §7.4.9.
func (h *ClientHandshake) sayFinished() {
	h.flight = append(h.flight, outgoing{ChangeCipherSpec, 0, []byte{1}})
	m := message.Finished{VerifyData: h.master.verifyData(clientFinished, h.transcript)}
	h.say(message.TypeFinished, 1, m.Append(nil))
}

// readFinished checks that the server saw the handshake that we saw. RFC 5246 §7.4.9.
func (h *ClientHandshake) readFinished(out *Output, f message.Fragment) *AlertError {
	m, err := message.ParseFinished(f.Body)
	if err != nil {
		return fatal(DecodeError, err)
	}
	if m.VerifyData != h.master.verifyData(serverFinished, h.transcript) {
		return fatal(DecryptError, ErrFinished)
	}
	h.stage, out.Verified = StageFinished, true
	h.end()
	return nil
}

// Stage returns how far the handshake came.
func (h *ClientHandshake) Stage() Stage { return h.stage }

// Session returns the session; ok is false before the server's Finished.
func (h *ClientHandshake) Session() (s Session, ok bool) {
	if h.stage != StageFinished {
		return Session{}, false
	}
	return h.session, true
}

// Deadline returns when Tick is to be called next. It is zero when the handshake is over.
func (h *ClientHandshake) Deadline() time.Time {
	if h.over {
		return time.Time{}
	}
	return h.resendAt
}

// Tick returns the flight again if it is time: with Device OS's timers 3, 9 and 21 s after it was first sent. 45 s after,
// it returns ErrHandshakeTimeout; when the handshake is over for another reason, ErrHandshakeOver.
func (h *ClientHandshake) Tick(now time.Time) (resend [][]byte, err error) {
	switch {
	case h.over:
		return nil, ErrHandshakeOver
	case now.Before(h.resendAt):
		return nil, nil
	case 2*h.wait > or(h.cfg.RetransmitMax, defaultRetransmitMax):
		h.end()
		return nil, ErrHandshakeTimeout
	}
	h.arm(now, 2*h.wait)
	return h.repeat(), nil
}
