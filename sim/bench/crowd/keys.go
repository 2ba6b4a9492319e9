package crowd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"

	"github.com/cyan-cloud/cyan/sim"
)

// Identities are the keys and ids of a crowd's devices. They are made when
// they are needed: a million of them take no memory.
type Identities struct{ Seed [32]byte }

// ID of device i.
func (s *Identities) ID(i int) (id sim.ID) {
	copy(id[:], "\xe0\x0fbe")
	binary.BigEndian.PutUint64(id[4:], uint64(i))
	return id
}

// Key of device i, on P-256. Of 2^32 candidates one is no key: then the next
// is taken.
func (s *Identities) Key(i int) *ecdsa.PrivateKey {
	var b [40]byte
	copy(b[:], s.Seed[:])
	for {
		binary.BigEndian.PutUint64(b[32:], uint64(i))
		scalar := sha256.Sum256(b[:])
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:]); err == nil {
			return key
		}
		b[0]++
	}
}

// Public is what is registered of a key: base64 of its SubjectPublicKeyInfo.
func Public(key any) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	return base64.StdEncoding.EncodeToString(der), err
}
