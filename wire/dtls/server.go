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

// ServerConfig is what all handshakes of a server share. It must not change while one of them runs.
type ServerConfig struct {
	Key             *ecdsa.PrivateKey // P-256; its public half is in the devices' flash
	Crypto          Crypto            // functions left nil are Std's
	RetransmitAfter time.Duration     // until the server's flight is first repeated, then doubled; 0 is 2 s
	Timeout         time.Duration     // of the whole handshake, after which it is forgotten; 0 is 45 s, Device OS's own
	Linger          time.Duration     // after Finish, how long a repeated client flight is answered; 0 is 45 s
	MaxMessage      int               // bytes of one handshake message, reassembled; 0 is 512
	MaxDatagram     int               // bytes of one datagram of a flight; 0 is 508, below 256 counts as 256
}

const (
	defaultServerRetransmit = 2 * time.Second
	defaultTimeout          = 45 * time.Second

	// finishedNumbers is how many of generation 0's sequence numbers belong to Finished: the first is the first Finished,
	// the others its repetitions, so that these need nothing from whoever owns the session by then.
	finishedNumbers = 8
)

// ServerRandom is what must be random in a server's handshake, and different each time.
type ServerRandom struct {
	Random    [32]byte // of ServerHello
	Ephemeral [32]byte // the scalar of the ECDHE key
}

// ServerHandshake is the server's side of one handshake, from the cookie to the end of its lingering. The package comment
// shows its use.
type ServerHandshake struct {
	exchange
	cfg       *ServerConfig
	helloSeq  uint16
	offersRPK bool // the client sent extension 20
	offersPF  bool // the client sent extension 11
	peerKey   []byte
	public    *ecdsa.PublicKey
	expires   time.Time
}

// NewServerHandshake takes up a hello that Greet verified and returns the server's flight: ServerHello, ServerKeyExchange,
// CertificateRequest and ServerHelloDone, without a Certificate. cid becomes the client's connection id if it offered to
// carry one.
//
// If the offer can't be served, the error is an *AlertError and the flight is its alert. ErrConfig is returned for a
// configuration without a P-256 key.
func NewServerHandshake(cfg *ServerConfig, now time.Time, hello *ClientHello, cid [8]byte, random ServerRandom) (*ServerHandshake, [][]byte, error) {
	if cfg.Key == nil || cfg.Key.Curve != elliptic.P256() {
		return nil, nil, ErrConfig
	}
	h := &ServerHandshake{
		exchange: newExchange(cfg.Crypto, cfg.MaxMessage, cfg.MaxDatagram),
		cfg:      cfg,
		helloSeq: hello.Seq,
		expires:  now.Add(or(cfg.Timeout, defaultTimeout)),
	}
	h.session.Server = true
	h.client, h.server = hello.Random, random.Random
	h.messageSeq, h.recordSeq, h.inbox.next = hello.Seq, hello.RecordSeq, hello.Seq+1
	h.transcript.Write(hello.raw)

	if alert := h.answer(&hello.ClientHello, cid, random.Ephemeral[:]); alert != nil {
		return nil, [][]byte{h.alert(alert.Description)}, alert
	}
	h.arm(now, or(cfg.RetransmitAfter, defaultServerRetransmit))
	return h, h.send(), nil
}

// answer reads the offer and makes the server's flight, message by message. RFC 5246 §7.3.
func (h *ServerHandshake) answer(hello *message.ClientHello, cid [8]byte, scalar []byte) *AlertError {
	if alert := h.checkOffer(hello); alert != nil {
		return alert
	}
	var err error
	if h.key, err = h.crypto.NewKey(scalar); err != nil {
		return fatal(InternalError, ErrEphemeral)
	}
	h.session.CID = chooseCID(hello.Extensions, cid)
	h.sayServerHello()
	if err := h.sayServerKeyExchange(); err != nil {
		return fatal(InternalError, err)
	}
	h.sayCertificateRequest()
	h.say(message.TypeServerHelloDone, 0, nil)
	return nil
}

// checkOffer refuses a client that lacks a part of the one profile. What it offers beyond is passed over: extended master
// secret, tickets, and renegotiation_info too (RFC 5746 §3.6 would have it answered; we never renegotiate, and Device OS
// does not ask for the answer).
func (h *ServerHandshake) checkOffer(hello *message.ClientHello) *AlertError {
	if hello.Version > message.Version12 { // DTLS counts downwards: 1.0 is feff
		return fatal(ProtocolVersion, ErrOldVersion)
	}
	if !message.Contains16(hello.Suites, message.SuiteAES128CCM8) || !bytes.Contains(hello.Compression, []byte{message.CompressionNull}) {
		return fatal(HandshakeFailure, ErrSuite)
	}
	list, ok := find16(hello.Extensions, message.ExtSignatureAlgorithms)
	if !ok || !message.Contains16(list, message.SchemeECDSASHA256) {
		return fatal(HandshakeFailure, ErrSuite) // without the list it would be SHA-1, RFC 5246 §7.4.1.4.1
	}
	if list, ok = find16(hello.Extensions, message.ExtSupportedGroups); ok && !message.Contains16(list, message.GroupP256) {
		return fatal(HandshakeFailure, ErrSuite)
	}
	if list, h.offersPF = find8(hello.Extensions, message.ExtPointFormats); h.offersPF && !bytes.Contains(list, []byte{message.PointUncompressed}) {
		return fatal(HandshakeFailure, ErrSuite)
	}
	// RFC 7250 §4.2. The client's key must be raw; ours is not sent at all, so without an opinion on it we may go on.
	if list, ok = find8(hello.Extensions, message.ExtClientCertificateType); !ok || !bytes.Contains(list, []byte{message.RawPublicKey}) {
		return fatal(UnsupportedCertificate, ErrRawPublicKey)
	}
	if list, h.offersRPK = find8(hello.Extensions, message.ExtServerCertificateType); h.offersRPK && !bytes.Contains(list, []byte{message.RawPublicKey}) {
		return fatal(UnsupportedCertificate, ErrRawPublicKey)
	}
	return nil
}

// chooseCID takes the offer of a connection id: the draft's number before RFC 9146's. A client that wants connection ids on
// our records too, which no device does, gets none.
func chooseCID(extensions message.Extensions, cid [8]byte) CID {
	for _, kind := range []CIDKind{DraftCID, RFC9146CID} {
		if data, ok := extensions.Find(message.ExtensionType(kind)); ok && string(data) == "\x00" {
			return CID{Kind: kind, Bytes: cid}
		}
	}
	return CID{}
}

// find8 and find16 return the list in an extension, nil if it is malformed; ok says that the extension is there.
func find8(e message.Extensions, t message.ExtensionType) (list []byte, ok bool) {
	data, ok := e.Find(t)
	list, _ = message.List8(data)
	return list, ok
}

func find16(e message.Extensions, t message.ExtensionType) (list []byte, ok bool) {
	data, ok := e.Find(t)
	list, _ = message.List16(data)
	return list, ok
}

// sayServerHello names what was chosen. Its session id is empty: a session is resumed without a word, not by RFC 5246.
func (h *ServerHandshake) sayServerHello() {
	e := message.Extensions{}.Add(message.ExtClientCertificateType, message.RawPublicKey)
	if h.offersRPK {
		e = e.Add(message.ExtServerCertificateType, message.RawPublicKey)
	}
	if h.offersPF {
		e = e.Add(message.ExtPointFormats, 1, message.PointUncompressed)
	}
	if c := h.session.CID; c.Kind != NoCID {
		e = e.Add(message.ExtensionType(c.Kind), append([]byte{cidSize}, c.Bytes[:]...)...)
	}
	m := message.ServerHello{Version: message.Version12, Random: h.server, Suite: message.SuiteAES128CCM8, Extensions: e}
	h.say(message.TypeServerHello, 0, m.Append(nil))
}

// sayServerKeyExchange signs the ephemeral point: the server's only proof of its key.
func (h *ServerHandshake) sayServerKeyExchange() (err error) {
	m := message.ServerKeyExchange{
		CurveType: message.CurveTypeNamed,
		Group:     message.GroupP256,
		Point:     h.key.PublicKey().Bytes(),
		Scheme:    message.SchemeECDSASHA256,
	}
	digest := sha256.Sum256(m.AppendSigned(nil, &h.client, &h.server))
	if m.Signature, err = h.crypto.Sign(h.cfg.Key, digest[:]); err != nil {
		return err
	}
	h.say(message.TypeServerKeyExchange, 0, m.Append(nil))
	return nil
}

// sayCertificateRequest asks for the client's key; without it Device OS would keep it to itself.
func (h *ServerHandshake) sayCertificateRequest() {
	m := message.CertificateRequest{
		Types:   []byte{message.CertificateECDSA},
		Schemes: binary.BigEndian.AppendUint16(nil, message.SchemeECDSASHA256),
	}
	h.say(message.TypeCertificateRequest, 0, m.Append(nil))
}

// Receive takes a datagram of the client. The error is not nil only when the handshake is over: an *AlertError when this
// datagram ended it, ErrHandshakeOver when one did before.
func (h *ServerHandshake) Receive(now time.Time, datagram []byte) (Output, error) {
	if h.over || !now.Before(h.expires) {
		return Output{Stage: h.stage}, ErrHandshakeOver
	}
	return h.receive(datagram, h.read)
}

// read takes one record.
func (h *ServerHandshake) read(out *Output, r Record) error {
	switch {
	case r.Epoch > 1:
		return ErrEpoch
	case r.Epoch == 1:
		return h.readSealed(out, r)
	case r.Type == Handshake:
		return h.readHandshake(out, r)
	case r.Type == ChangeCipherSpec:
		return nil // the epoch says it
	case r.Type == Alert && h.stage < StageVerified:
		return alerted(r.Fragment)
	}
	return ErrEpoch // nothing in the clear, an alert least of all, has power over a proven peer
}

// readHandshake takes a plaintext handshake record.
func (h *ServerHandshake) readHandshake(out *Output, r Record) error {
	if _, f, hello, err := parseHello(r.Raw); err == nil {
		if hello.Random != h.client || f.Seq != h.helloSeq {
			return ErrNewHello
		}
		if h.stage == StageHello && len(out.Send) == 0 {
			out.Send = h.repeat() // it missed our flight
		}
		return nil
	}
	if h.stage >= StageVerified {
		return nil // the client repeats its flight; the Finished in it is what counts
	}
	dropped := h.fragments(r.Fragment, 0, func(message.Fragment) {})
	return h.proceed(out, dropped)
}

// readSealed takes an encrypted record: a Finished, the first or a repeated one.
func (h *ServerHandshake) readSealed(out *Output, r Record) error {
	t, plaintext, err := h.opened(r)
	if err != nil || t == 0 {
		return err
	}
	switch t {
	case Alert:
		return alerted(plaintext)
	case Handshake:
	default:
		return ErrType // the client sends nothing of its own before it has our Finished
	}
	repeated := false
	dropped := h.fragments(plaintext, 1, func(message.Fragment) { repeated = true })
	if repeated && h.stage == StageFinished && len(out.Send) == 0 && h.session.WriteSeq < finishedNumbers {
		out.Send = h.send()
	}
	return h.proceed(out, dropped)
}

// proceed handles the messages that are complete and in order. It returns the fatal error that one of them led to, or else
// what was dropped.
func (h *ServerHandshake) proceed(out *Output, dropped error) error {
	for {
		f, ok := h.inbox.pop()
		if !ok {
			return dropped
		}
		if alert := h.handle(out, f); alert != nil {
			return alert
		}
	}
}

// handle takes the client's flight, message by message. RFC 5246 §7.3.
func (h *ServerHandshake) handle(out *Output, f message.Fragment) *AlertError {
	switch step := f.Seq - h.helloSeq; {
	case step == 1 && f.Type == message.TypeCertificate:
		return h.readCertificate(f)
	case step == 2 && f.Type == message.TypeClientKeyExchange:
		return h.readClientKeyExchange(f)
	case step == 3 && f.Type == message.TypeCertificateVerify:
		return h.readCertificateVerify(f)
	case step == 4 && f.Type == message.TypeFinished:
		return h.readFinished(out, f)
	}
	return fatal(UnexpectedMessage, ErrUnexpected)
}

// readCertificate takes the client's public key.
func (h *ServerHandshake) readCertificate(f message.Fragment) *AlertError {
	m, err := message.ParseCertificate(f.Body)
	if err != nil {
		return fatal(DecodeError, err)
	}
	if len(m.SPKI) == 0 {
		return fatal(HandshakeFailure, ErrNoClientKey)
	}
	if h.public, err = ParsePublicKey(m.SPKI); err != nil {
		return fatal(BadCertificate, err)
	}
	h.peerKey, h.stage = m.SPKI, StageCertificate
	h.hear(f)
	return nil
}

// readClientKeyExchange takes the client's ephemeral point and computes the keys.
func (h *ServerHandshake) readClientKeyExchange(f message.Fragment) *AlertError {
	m, err := message.ParseClientKeyExchange(f.Body)
	if err != nil {
		return fatal(DecodeError, err)
	}
	h.hear(f)
	return h.agree(m.Point)
}

// readCertificateVerify checks that the client has the private half of its key. RFC 5246 §7.4.8.
func (h *ServerHandshake) readCertificateVerify(f message.Fragment) *AlertError {
	m, err := message.ParseCertificateVerify(f.Body)
	if err != nil {
		return fatal(DecodeError, err)
	}
	if m.Scheme != message.SchemeECDSASHA256 || !h.crypto.Verify(h.public, h.sum(), m.Signature) {
		return fatal(DecryptError, ErrSignature)
	}
	h.hear(f)
	return nil
}

// readFinished checks that the client saw the handshake that we saw. RFC 5246 §7.4.9.
func (h *ServerHandshake) readFinished(out *Output, f message.Fragment) *AlertError {
	m, err := message.ParseFinished(f.Body)
	if err != nil {
		return fatal(DecodeError, err)
	}
	if m.VerifyData != h.master.verifyData(clientFinished, h.transcript) {
		return fatal(DecryptError, ErrFinished)
	}
	h.hear(f)
	h.stage, out.Verified = StageVerified, true
	h.resendAt = time.Time{}
	return nil
}

// Stage returns how far the handshake came.
func (h *ServerHandshake) Stage() Stage { return h.stage }

// CID returns the connection id that was agreed on; datagrams of the client's epoch 1 carry it.
func (h *ServerHandshake) CID() CID { return h.session.CID }

// PeerKey returns the client's SubjectPublicKeyInfo, 91 bytes. It is nil before StageCertificate, proven in
// StageVerified, and nil again behind Finish.
func (h *ServerHandshake) PeerKey() []byte { return h.peerKey }

// SessionPreview returns the session that Finish will return, to be made durable first. Before StageVerified it is zero.
func (h *ServerHandshake) SessionPreview() Session {
	if h.stage != StageVerified || h.over {
		return Session{}
	}
	s := h.session
	s.WriteSeq = finishedNumbers
	return s
}

// Finish returns the session and the server's last flight, ChangeCipherSpec and Finished. Nothing before it lets the client
// believe that it is connected, so the caller has made the session durable.
//
// The handshake is kept until Tick ends it: Receive answers a client that repeats its flight, seven times at most, and
// knows a delayed copy of the ClientHello for what it is. To forget it earlier, from the first record that the session
// opens on, does the session no harm; such a copy then begins a handshake that comes to nothing.
//
// The error is ErrNotVerified in any stage but StageVerified, and ErrHandshakeOver if the time is up.
func (h *ServerHandshake) Finish(now time.Time) (flight [][]byte, s Session, err error) {
	if h.over || !now.Before(h.expires) {
		return nil, Session{}, ErrHandshakeOver
	}
	if h.stage != StageVerified {
		return nil, Session{}, ErrNotVerified
	}
	s = h.SessionPreview()
	h.newFlight()
	h.flight = append(make([]outgoing, 0, 2), outgoing{ChangeCipherSpec, 0, []byte{1}})
	m := message.Finished{VerifyData: h.master.verifyData(serverFinished, h.transcript)}
	h.say(message.TypeFinished, 1, m.Append(nil))
	h.stage = StageFinished
	h.expires = now.Add(or(h.cfg.Linger, defaultTimeout))
	h.transcript, h.key, h.public, h.peerKey, h.inbox.slots = nil, nil, nil, nil, nil // it may linger with many
	return h.send(), s, nil
}

// Refuse ends the handshake, because the caller does not want the client or can't keep its session, and returns the fatal
// alert for it. It returns nil if the handshake is over, or finished: then only the session has a say.
func (h *ServerHandshake) Refuse(description AlertDescription) []byte {
	if h.over || h.stage == StageFinished {
		return nil
	}
	h.end()
	return h.alert(description)
}

// Deadline returns when Tick is to be called next. It is zero when the handshake is over.
func (h *ServerHandshake) Deadline() time.Time {
	switch {
	case h.over:
		return time.Time{}
	case !h.resendAt.IsZero() && h.resendAt.Before(h.expires):
		return h.resendAt
	}
	return h.expires
}

// Tick returns the flight again if it is time. With an error the handshake is to be forgotten: ErrHandshakeTimeout if the
// client never proved itself or Finish was never called, ErrHandshakeOver if it has lingered long enough.
func (h *ServerHandshake) Tick(now time.Time) (resend [][]byte, err error) {
	switch {
	case h.over:
		return nil, ErrHandshakeOver
	case !now.Before(h.expires):
		h.end()
		if h.stage == StageFinished {
			return nil, ErrHandshakeOver
		}
		return nil, ErrHandshakeTimeout
	case h.resendAt.IsZero() || now.Before(h.resendAt):
		return nil, nil
	}
	h.arm(now, 2*h.wait)
	return h.repeat(), nil
}

// or returns d, or the default for a zero d.
func or(d, zero time.Duration) time.Duration {
	if d == 0 {
		return zero
	}
	return d
}
