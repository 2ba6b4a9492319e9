package dtls

import (
	"crypto/aes"
	"encoding/binary"
	"errors"
	"slices"
)

// Keys are the four secrets of a session: the key block of RFC 5246 §6.3 as RFC 6655 §3 divides it.
type Keys struct {
	ClientKey, ServerKey [16]byte
	ClientIV, ServerIV   [4]byte
}

// CIDKind says whether the client's records carry a connection id, and by which document they are authenticated. Its value
// is the number of the extension.
type CIDKind uint8

// The kinds.
const (
	NoCID      CIDKind = 0   // Device OS < 3.1: its records are found by address, or by device id when it has moved
	RFC9146CID CIDKind = 54  // RFC 9146
	DraftCID   CIDKind = 254 // draft-ietf-tls-dtls-connection-id-05: Device OS ≥ 3.1
)

// CID is the connection id that the server gave to the client. Records to the client never carry one.
type CID struct {
	Kind  CIDKind
	Bytes [cidSize]byte
}

// Session is one side of an established connection: a comparable value without pointers, of 104 bytes. It holds no expanded
// keys: Seal and Open expand them anew, which costs about 0.2 µs a record and saves a kilobyte a session, and SealWith and
// OpenWith share those of busy sessions.
//
// Two copies of one session must never both Seal, because they would use the same nonces: a process that adopts a stored
// session first moves it to a generation of its own (NextGeneration, SetGeneration).
type Session struct {
	Keys       Keys
	CID        CID
	Server     bool   // this is the server's side
	WriteEpoch uint16 // 1: there is no renegotiation
	ReadEpoch  uint16 // 1
	WriteSeq   uint64 // number of the next record, 48 bits: generation ‖ count
	Window     Window // which records of the peer were received

	// A resumed client's, set by Resume: whether it still marks its records, and as whose.
	Moving   bool
	DeviceID [deviceIDSize]byte
}

// Why Seal and Open refuse. After any of these but ErrReplay and ErrHandshakeRecord the session is as it was.
var (
	ErrEpoch           = errors.New("dtls: record of another epoch") // also: a plaintext alert, which means nothing here
	ErrCID             = errors.New("dtls: record of another connection")
	ErrAuth            = errors.New("dtls: record is not authentic")
	ErrReplay          = errors.New("dtls: record was received before, or is too old")
	ErrHandshakeRecord = errors.New("dtls: handshake record in an established session")
	ErrTooLong         = errors.New("dtls: plaintext is too long for a record")
)

// MaxPlaintext is the most that one record carries, in bytes. RFC 5246 §6.2.1. Devices take less: 800 bytes in Device OS 2.
const MaxPlaintext = 1 << 14

// Seal appends one record with the plaintext to dst and uses up one sequence number. With MaxOverhead+len(plaintext) bytes
// of capacity it allocates the key schedule and nothing else. The plaintext must not overlap dst's spare capacity.
//
// The errors are ErrSequenceExhausted, ErrTooLong, and ErrType for a t other than Alert, Handshake and ApplicationData.
func (s *Session) Seal(dst []byte, t ContentType, plaintext []byte) ([]byte, error) {
	return s.SealWith(nil, dst, t, plaintext)
}

// SealWith is Seal with the expanded keys of busy sessions at hand.
func (s *Session) SealWith(x *Schedules, dst []byte, t ContentType, plaintext []byte) ([]byte, error) {
	if t != Alert && t != Handshake && t != ApplicationData {
		return dst, ErrType
	}
	if len(plaintext) > MaxPlaintext {
		return dst, ErrTooLong
	}
	seq, err := s.take()
	if err != nil {
		return dst, err
	}
	inner, header := len(plaintext), headerSize
	if s.sendsCID() {
		inner, header = padded(inner), headerSize+cidSize
	}
	start, body := len(dst), header+explicitSize
	dst = slices.Grow(dst, body+inner+tagSize)[:start+body+inner+tagSize]
	record := dst[start:]
	text := record[body : body+inner]
	clear(text[copy(text, plaintext):])
	if s.sendsCID() {
		text[len(plaintext)] = byte(t)
	}

	var buf [maxAAD]byte
	aad := s.aad(&buf, s.sendsCID(), t, s.WriteEpoch, seq, inner)
	key, iv := s.writeKey()
	block, err := x.of(key)
	if err != nil {
		return dst[:start], err
	}
	// The record's first block is free until the header is written last.
	c := newCCM(block, iv, number(s.WriteEpoch, seq), record[:aes.BlockSize])
	tag := c.seal(text, aad)
	copy(record[body+inner:], tag[:])
	s.header(record, t, seq, explicitSize+inner+tagSize)
	if s.marks(t) && !s.sendsCID() {
		dst = append(append(dst, s.DeviceID[:]...), deviceIDSize)
	}
	return dst, nil
}

// header fills in the front of a record: header, connection id and explicit nonce.
func (s *Session) header(record []byte, t ContentType, seq uint64, length int) {
	n := number(s.WriteEpoch, seq)
	at := headerSize - 2
	switch {
	case s.sendsCID() && s.marks(t):
		t = MovedCID
	case s.sendsCID():
		t = ConnectionID
	case s.marks(t):
		t = MovedPlain
	}
	record[0], record[1], record[2] = byte(t), version12>>8, version12&0xff
	binary.BigEndian.PutUint64(record[3:], n)
	if s.sendsCID() {
		at += copy(record[at:], s.CID.Bytes[:])
	}
	binary.BigEndian.PutUint16(record[at:], uint16(length))
	binary.BigEndian.PutUint64(record[at+2:], n)
}

// sendsCID reports whether our records carry the connection id: only a client's do.
func (s *Session) sendsCID() bool { return s.CID.Kind != NoCID && !s.Server }

// readsCID reports whether the peer's records carry the connection id.
func (s *Session) readsCID() bool { return s.CID.Kind != NoCID && s.Server }

// marks reports whether a record of type t is to say that this client has moved.
func (s *Session) marks(t ContentType) bool {
	return s.Moving && !s.Server && t == ApplicationData
}

// padded is the length of an inner plaintext: content, type, and zeros up to a multiple of 16, as Device OS pads.
func padded(n int) int { return (n + 1 + 15) &^ 15 }

// writeKey returns the key and the fixed part of the nonce of our own records.
func (s *Session) writeKey() (*[16]byte, *[4]byte) {
	if s.Server {
		return &s.Keys.ServerKey, &s.Keys.ServerIV
	}
	return &s.Keys.ClientKey, &s.Keys.ClientIV
}

// readKey returns those of the peer's records.
func (s *Session) readKey() (*[16]byte, *[4]byte) {
	if s.Server {
		return &s.Keys.ClientKey, &s.Keys.ClientIV
	}
	return &s.Keys.ServerKey, &s.Keys.ServerIV
}

// Open appends the plaintext of a record to dst and returns its real type: Alert or ApplicationData. It authenticates first
// and only then looks at the replay window, so ErrReplay is the word of somebody who has the keys.
//
// With room for the plaintext and 16 bytes of scratch in dst it allocates the key schedule and nothing else. As with
// cipher.AEAD, dst's spare capacity may be overwritten even on failure, and must not overlap the record.
//
// The errors are ErrEpoch, ErrCID, ErrShort, ErrAuth, ErrReplay, ErrType, and ErrHandshakeRecord for an authentic handshake
// message: a client that missed our last flight and repeats its own, whose datagram the lingering ServerHandshake takes, or
// one that wants to renegotiate, which is refused by dropping it.
func (s *Session) Open(dst []byte, r Record) (ContentType, []byte, error) {
	return s.OpenWith(nil, dst, r)
}

// OpenWith is Open with the expanded keys of busy sessions at hand.
func (s *Session) OpenWith(x *Schedules, dst []byte, r Record) (ContentType, []byte, error) {
	t, out, err := s.open(x, dst, r)
	if err != nil {
		return 0, dst, err
	}
	if !s.Window.Fresh(r.Seq) {
		return 0, dst, ErrReplay
	}
	s.Window.Mark(r.Seq)
	s.Moving = false
	switch t {
	case Alert, ApplicationData:
		return t, out, nil
	case Handshake:
		return t, dst, ErrHandshakeRecord
	}
	return 0, dst, ErrType
}

// open authenticates and decrypts a record, and changes nothing.
func (s *Session) open(x *Schedules, dst []byte, r Record) (ContentType, []byte, error) {
	t, err := s.admit(r)
	if err != nil {
		return 0, nil, err
	}
	n := len(r.Fragment) - explicitSize - tagSize
	if n < 0 {
		return 0, nil, ErrShort
	}
	start := len(dst)
	dst = slices.Grow(dst, n+aes.BlockSize)[:start+n+aes.BlockSize]
	text, scratch := dst[start:start+n], dst[start+n:]
	copy(text, r.Fragment[explicitSize:])

	var buf [maxAAD]byte
	aad := s.aad(&buf, s.readsCID(), t, r.Epoch, r.Seq, n)
	key, iv := s.readKey()
	block, err := x.of(key)
	if err != nil {
		return 0, nil, err
	}
	c := newCCM(block, iv, binary.BigEndian.Uint64(r.Fragment), scratch)
	if !c.open(text, r.Fragment[explicitSize+n:], aad) {
		return 0, nil, ErrAuth
	}
	if s.readsCID() {
		if t, n = unpad(text); n < 0 {
			return 0, nil, ErrType
		}
	}
	return t, dst[:start+n], nil
}

// admit tells from the header whether a record can be of this session, and which type its authenticated data has.
func (s *Session) admit(r Record) (ContentType, error) {
	if r.Epoch != s.ReadEpoch || r.Epoch == 0 {
		return 0, ErrEpoch
	}
	if s.readsCID() != (r.CID != nil) || (r.CID != nil && [cidSize]byte(r.CID) != s.CID.Bytes) {
		return 0, ErrCID
	}
	switch {
	case r.CID != nil:
		return ConnectionID, nil
	case r.Type == MovedPlain && s.Server:
		return ApplicationData, nil
	case r.Type == MovedPlain:
		return 0, ErrType
	}
	return r.Type, nil
}

// unpad finds the real type of an inner plaintext, the last byte that is not zero, and the length of what is before it;
// −1 if there is none. RFC 9146 §4.
func unpad(inner []byte) (ContentType, int) {
	for i, b := range slices.Backward(inner) {
		if b != 0 {
			return ContentType(b), i
		}
	}
	return 0, -1
}

const maxAAD = 8 + 1 + 1 + 1 + 2 + 8 + cidSize + 2

// aad writes a record's authenticated data into buf. length is that of the (inner) plaintext.
//
//	no connection id   epoch+seq (8) ‖ type ‖ fefd ‖ length (2)                                      RFC 5246 §6.2.3.3
//	draft-05           epoch+seq (8) ‖ 19 ‖ fefd ‖ cid ‖ 08 ‖ length (2)                             its §5.3
//	RFC 9146           ff × 8 ‖ 19 ‖ 08 ‖ 19 ‖ fefd ‖ epoch+seq (8) ‖ cid ‖ length (2)               its §5.3
func (s *Session) aad(buf *[maxAAD]byte, cid bool, t ContentType, epoch uint16, seq uint64, length int) []byte {
	b, n := buf[:0], number(epoch, seq)
	switch {
	case !cid:
		b = binary.BigEndian.AppendUint64(b, n)
		b = append(b, byte(t), version12>>8, version12&0xff)
	case s.CID.Kind == DraftCID:
		b = binary.BigEndian.AppendUint64(b, n)
		b = append(b, byte(ConnectionID), version12>>8, version12&0xff)
		b = append(append(b, s.CID.Bytes[:]...), cidSize)
	default:
		b = binary.BigEndian.AppendUint64(b, 1<<64-1)
		b = append(b, byte(ConnectionID), cidSize, byte(ConnectionID), version12>>8, version12&0xff)
		b = binary.BigEndian.AppendUint64(b, n)
		b = append(b, s.CID.Bytes[:]...)
	}
	return binary.BigEndian.AppendUint16(b, uint16(length))
}

// Resume makes a client's stored session announce itself from a new address, as Device OS does after a restart: until the
// first authentic record arrives, its application data is marked with type 253 if it has a connection id, else with type
// 254 and the device id behind the record.
func (s *Session) Resume(deviceID [12]byte) {
	s.Moving, s.DeviceID = true, deviceID
}
