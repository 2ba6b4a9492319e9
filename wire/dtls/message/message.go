// Package message holds the handshake messages of a DTLS 1.2 handshake with raw public keys, one a file. Each parses its
// body into views of the bytes that it was given, and appends itself to a slice byte for byte as it was read.
//
// What is checked here is only that lengths add up; what a message may say is the business of wire/dtls.
package message

import (
	"encoding/binary"
	"errors"
)

// ErrMessage is returned by every parser of this package for bytes that are not the message: cut short, too long, or with a
// length inside that does not add up.
var ErrMessage = errors.New("dtls: malformed handshake message")

// Type is the first byte of a handshake message. RFC 5246 §7.4, RFC 6347 §4.3.2.
type Type uint8

// The messages of this profile.
const (
	TypeHelloRequest       Type = 0 // only to be refused
	TypeClientHello        Type = 1
	TypeServerHello        Type = 2
	TypeHelloVerifyRequest Type = 3
	TypeCertificate        Type = 11
	TypeServerKeyExchange  Type = 12
	TypeCertificateRequest Type = 13
	TypeServerHelloDone    Type = 14
	TypeCertificateVerify  Type = 15
	TypeClientKeyExchange  Type = 16
	TypeFinished           Type = 20
)

// Numbers that both sides of this profile put into their messages.
const (
	Version12         uint16 = 0xfefd // DTLS 1.2
	SuiteAES128CCM8   uint16 = 0xc0ae // TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8, RFC 7251 §2
	SuiteEmptyRenego  uint16 = 0x00ff // signals that renegotiation is understood, RFC 5746 §3.3
	GroupP256         uint16 = 0x0017 // secp256r1, RFC 8422 §5.1.1
	SchemeECDSASHA256 uint16 = 0x0403 // RFC 5246 §7.4.1.4.1
	RawPublicKey      uint8  = 2      // a certificate type, RFC 7250 §3
	PointUncompressed uint8  = 0      // RFC 8422 §5.1.2
	CompressionNull   uint8  = 0
	CertificateECDSA  uint8  = 64 // ecdsa_sign, RFC 8422 §5.5
	CurveTypeNamed    uint8  = 3  // RFC 8422 §5.4
)

// PointSize is the length of an uncompressed P-256 point, 04 ‖ X ‖ Y, in bytes.
const PointSize = 65

// HeaderSize is the length of a handshake header, in bytes.
const HeaderSize = 12

// Fragment is a piece of a handshake message, or all of it. RFC 6347 §4.2.2.
//
//	 0      1             4             6                 9                 12
//	+------+-------------+-------------+-----------------+-----------------+------
//	| type | length (3)  | message_seq | frag offset (3) | frag length (3) | body
//	+------+-------------+-------------+-----------------+-----------------+------
type Fragment struct {
	Type   Type
	Length int    // of the whole message: up to 2^24−1, so not to be allocated unseen
	Seq    uint16 // message_seq
	Offset int    // of Body in the message
	Body   []byte
}

// ParseFragment splits the first fragment off a record's plaintext and returns what follows it. It checks that the fragment
// lies within its message.
func ParseFragment(b []byte) (f Fragment, rest []byte, err error) {
	if len(b) < HeaderSize {
		return Fragment{}, nil, ErrMessage
	}
	f = Fragment{
		Type:   Type(b[0]),
		Length: uint24(b[1:]),
		Seq:    binary.BigEndian.Uint16(b[4:]),
		Offset: uint24(b[6:]),
	}
	end := HeaderSize + uint24(b[9:])
	if len(b) < end || f.Offset+end-HeaderSize > f.Length {
		return Fragment{}, nil, ErrMessage
	}
	f.Body = b[HeaderSize:end:end]
	return f, b[end:], nil
}

// Whole reports whether the fragment is its whole message.
func (f *Fragment) Whole() bool { return len(f.Body) == f.Length }

// Append adds the fragment with its header to dst.
func (f *Fragment) Append(dst []byte) []byte {
	dst = appendUint24(append(dst, byte(f.Type)), f.Length)
	dst = binary.BigEndian.AppendUint16(dst, f.Seq)
	dst = appendUint24(appendUint24(dst, f.Offset), len(f.Body))
	return append(dst, f.Body...)
}

// uint24 and appendUint24 are the lengths of handshake messages. RFC 5246 §7.4.
func uint24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }

func appendUint24(dst []byte, n int) []byte {
	return append(dst, byte(n>>16), byte(n>>8), byte(n))
}

// appendVector8 and appendVector16 add a vector with a length of one or two bytes in front. RFC 5246 §4.3.
func appendVector8(dst, v []byte) []byte {
	return append(append(dst, byte(len(v))), v...)
}

func appendVector16(dst, v []byte) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(v))), v...)
}

// reader takes a body apart. After the first lack of bytes it returns zeros, and end returns ErrMessage.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.b, r.bad = nil, true
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) uint8() uint8 {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if v := r.take(2); v != nil {
		return binary.BigEndian.Uint16(v)
	}
	return 0
}

func (r *reader) uint24() int {
	if v := r.take(3); v != nil {
		return uint24(v)
	}
	return 0
}

func (r *reader) vector8() []byte  { return r.take(int(r.uint8())) }
func (r *reader) vector16() []byte { return r.take(int(r.uint16())) }

func (r *reader) end() error {
	if r.bad || len(r.b) != 0 {
		return ErrMessage
	}
	return nil
}
