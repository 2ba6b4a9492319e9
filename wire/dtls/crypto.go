package dtls

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"

	"github.com/cyan-cloud/cyan/wire/dtls/message"
)

// Crypto is the public-key cryptography that a handshake uses. No function takes a random reader: what is random is an
// argument, so that a handshake can be repeated bit by bit. Std returns the standard library's; a test or a hardware key
// replaces single functions.
type Crypto struct {
	// NewKey makes the ephemeral P-256 key whose scalar is the 32 given random bytes. It fails for 0 and for values not
	// below the group's order: once in 2^32.
	NewKey func(scalar []byte) (*ecdh.PrivateKey, error)
	// Agree returns the 32-byte ECDH secret. It refuses what is not an uncompressed point, 65 bytes, on the curve.
	Agree func(key *ecdh.PrivateKey, point []byte) ([]byte, error)
	// Sign returns the ASN.1 signature of a SHA-256 digest, deterministic by RFC 6979.
	Sign func(key *ecdsa.PrivateKey, digest []byte) ([]byte, error)
	// Verify reports whether signature is key's over the SHA-256 digest.
	Verify func(key *ecdsa.PublicKey, digest, signature []byte) bool
}

// Std returns the standard library's cryptography.
func Std() Crypto {
	return Crypto{
		NewKey: ecdh.P256().NewPrivateKey,
		Agree: func(key *ecdh.PrivateKey, point []byte) ([]byte, error) {
			peer, err := ecdh.P256().NewPublicKey(point)
			if err != nil {
				return nil, err
			}
			return key.ECDH(peer)
		},
		Sign: func(key *ecdsa.PrivateKey, digest []byte) ([]byte, error) {
			return key.Sign(nil, digest, crypto.SHA256)
		},
		Verify: ecdsa.VerifyASN1,
	}
}

// orStd fills the functions that were left nil.
func (c Crypto) orStd() Crypto {
	std := Std()
	if c.NewKey == nil {
		c.NewKey = std.NewKey
	}
	if c.Agree == nil {
		c.Agree = std.Agree
	}
	if c.Sign == nil {
		c.Sign = std.Sign
	}
	if c.Verify == nil {
		c.Verify = std.Verify
	}
	return c
}

// ErrPublicKey is returned for bytes that are not a P-256 public key in the one encoding that devices send.
var ErrPublicKey = errors.New("dtls: not a P-256 public key")

// ParsePublicKey reads the 91-byte SubjectPublicKeyInfo of a P-256 key and checks that its point is on the curve.
// RFC 7250 §3, RFC 5480 §2.
func ParsePublicKey(spki []byte) (*ecdsa.PublicKey, error) {
	point, err := message.PointOf(spki)
	if err != nil {
		return nil, ErrPublicKey
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, ErrPublicKey
	}
	return key, nil
}

// AppendPublicKey adds the 91-byte SubjectPublicKeyInfo of key to dst, or returns ErrPublicKey if its curve is not P-256.
func AppendPublicKey(dst []byte, key *ecdsa.PublicKey) ([]byte, error) {
	if key == nil || key.Curve != elliptic.P256() {
		return nil, ErrPublicKey
	}
	point, err := key.Bytes()
	if err != nil {
		return nil, ErrPublicKey
	}
	return message.AppendSPKI(dst, point), nil
}
