package dtls

import "errors"

// Keys are the four secrets of a session, the key block of RFC 5246 §6.3 for AES-128-CCM-8 (RFC 6655 §3).
type Keys struct {
	ClientKey, ServerKey [16]byte
	ClientIV, ServerIV   [4]byte
}

// CIDKind says whether the client's records carry a connection id, and by which document they are authenticated. Its value
// is the extension's number.
type CIDKind uint8

// The kinds.
const (
	NoCID      CIDKind = 0   // Device OS < 3.1: records of types 22 and 23, found by address or by device id
	RFC9146CID CIDKind = 54  // RFC 9146
	DraftCID   CIDKind = 254 // draft-ietf-tls-dtls-connection-id-05, what Device OS ≥ 3.1 speaks
)

// CID is the connection id that the server gave to the client. Records to the client never carry one.
type CID struct {
	Kind  CIDKind
	Bytes [cidSize]byte
}

// Session is one side of an established connection: a comparable value without pointers, of some 100 bytes. It holds no
// expanded keys: Seal and Open expand them anew, which costs 0.15 µs a record and saves a kilobyte a session.
//
// Two copies of one session must not both Seal: they would use the same nonces.
type Session struct {
	Keys       Keys
	CID        CID
	Server     bool   // this is the server's side
	WriteEpoch uint16 // 1
	ReadEpoch  uint16 // 1
	WriteSeq   uint64 // the next record's number: generation ‖ count
	Window     Window // what was received

	// Moving is a resumed client's: until the first authentic record arrives, application data is marked as moved (type 253,
	// or 254 with DeviceID behind it). See Resume.
	Moving   bool
	DeviceID [deviceIDSize]byte
}

// What Open refuses a record for. Each means: drop the record; the session is as it was.
var (
	ErrEpoch           = errors.New("dtls: record of another epoch")
	ErrCID             = errors.New("dtls: record of another connection")
	ErrAuth            = errors.New("dtls: record is not authentic")
	ErrReplay          = errors.New("dtls: record was received before, or is too old")
	ErrHandshakeRecord = errors.New("dtls: handshake record in an established session")
	ErrTooLong         = errors.New("dtls: plaintext is too long for a record")
)

// Seal appends one record with the plaintext to dst. It uses up a sequence number. Its errors are ErrSequenceExhausted,
// ErrTooLong and ErrType (t is not Alert, Handshake or ApplicationData).
func (s *Session) Seal(dst []byte, t ContentType, plaintext []byte) ([]byte, error) {
	return nil, ErrType
}

// Open appends the plaintext of a record to dst and returns what type it has. The record is authenticated first and only then held against the
// replay window, so ErrReplay is the word of somebody who has the keys.
func (s *Session) Open(dst []byte, r Record) (ContentType, []byte, error) {
	return 0, nil, ErrAuth
}

// Resume makes a client's stored session announce itself from a new address, as Device OS does after it restarts: until the first
// authentic record arrives, application data goes out as type 253 if the session has a connection id, else as type 254
// followed by the device id.
func (s *Session) Resume(deviceID [12]byte) {
	s.Moving, s.DeviceID = true, deviceID
}

// AppendBinary appends the versioned export of the session.
func (s Session) AppendBinary(dst []byte) ([]byte, error) { return dst, nil }

// MarshalBinary returns the versioned export of the session.
func (s Session) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// ErrExport is returned for bytes that no MarshalBinary wrote.
var ErrExport = errors.New("dtls: not an exported session")

// UnmarshalSession reads what MarshalBinary wrote, or returns ErrExport.
func UnmarshalSession(b []byte) (Session, error) { return Session{}, ErrExport }
