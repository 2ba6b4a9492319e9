package device

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Algorithm is what kind of key a device holds.
type Algorithm string

// The algorithms: RSA-1024 for devices on TCP, P-256 for devices on UDP.
const (
	RSA Algorithm = "rsa"
	ECC Algorithm = "ecc"
)

// Fingerprint names a public key: the SHA-256 of its SPKI in DER.
type Fingerprint [sha256.Size]byte

// String gives the fingerprint in hex.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// FingerprintOf names the public key whose SPKI is given in DER.
func FingerprintOf(spki []byte) Fingerprint { return sha256.Sum256(spki) }

// Key is a device's public key on file.
type Key struct {
	Algorithm Algorithm
	SPKI      []byte // DER
	Added     time.Time
}

// Fingerprint names the key.
func (k Key) Fingerprint() Fingerprint { return FingerprintOf(k.SPKI) }
