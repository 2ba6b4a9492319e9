package sim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"hash/crc32"
	"io"
	"math/big"
)

// Errors of New and of GenerateKey.
var (
	ErrKey       = errors.New("sim: not a device key of that transport")
	ErrServerKey = errors.New("sim: not a server key of that transport")
)

// keys are a device's own key and the server's, for one of the transports.
type keys struct {
	ec        *ecdsa.PrivateKey
	ecServer  *ecdsa.PublicKey
	rsa       *rsa.PrivateKey
	rsaServer *rsa.PublicKey
	checksum  uint32 // of both: a session belongs to the keys that it was made with
}

// parseKeys reads the keys of a device's flash, and puts others in their place
// if the device has to have wrong ones. chance gives those.
func parseKeys(cfg Config, chance io.Reader) (keys, error) {
	k := keys{checksum: crc32.ChecksumIEEE(append(append([]byte{}, cfg.ServerKey...), cfg.Key...))}
	server, err := x509.ParsePKIXPublicKey(cfg.ServerKey)
	if err != nil {
		return keys{}, ErrServerKey
	}
	var ok bool
	if cfg.Transport == TCP {
		if k.rsaServer, ok = server.(*rsa.PublicKey); !ok || k.rsaServer.N.BitLen() != 2048 {
			return keys{}, ErrServerKey
		}
		if k.rsa, err = x509.ParsePKCS1PrivateKey(cfg.Key); err != nil || k.rsa.N.BitLen() != 1024 {
			return keys{}, ErrKey
		}
	} else {
		if k.ecServer, ok = server.(*ecdsa.PublicKey); !ok || k.ecServer.Curve != elliptic.P256() {
			return keys{}, ErrServerKey
		}
		if k.ec, err = x509.ParseECPrivateKey(cfg.Key); err != nil || k.ec.Curve != elliptic.P256() {
			return keys{}, ErrKey
		}
	}
	return k, k.falsify(cfg, chance)
}

// falsify replaces what a badly provisioned device has wrong.
func (k *keys) falsify(cfg Config, chance io.Reader) (err error) {
	switch {
	case cfg.Behaviour == WrongDeviceKey && cfg.Transport == TCP:
		k.rsa, err = newRSA(chance)
	case cfg.Behaviour == WrongDeviceKey:
		k.ec, err = newEC(chance)
	case cfg.Behaviour == WrongServerKey && cfg.Transport == TCP:
		// Nobody has the private half of this one.
		k.rsaServer = &rsa.PublicKey{N: odd(chance, 2048), E: 65537}
	case cfg.Behaviour == WrongServerKey:
		var other *ecdsa.PrivateKey
		if other, err = newEC(chance); err == nil {
			k.ecServer = &other.PublicKey
		}
	}
	return err
}

// GenerateKey makes a device key for the transport, as DER for Config.Key, and
// the public key that a cloud has to know, as SPKI. The same chance gives the
// same key; crypto/rand.Reader gives a secret one.
func GenerateKey(t Transport, chance io.Reader) (private, public []byte, err error) {
	if t == TCP {
		key, err := newRSA(chance)
		if err != nil {
			return nil, nil, err
		}
		public, err = x509.MarshalPKIXPublicKey(&key.PublicKey)
		return x509.MarshalPKCS1PrivateKey(key), public, err
	}
	key, err := newEC(chance)
	if err != nil {
		return nil, nil, err
	}
	if private, err = x509.MarshalECPrivateKey(key); err != nil {
		return nil, nil, err
	}
	public, err = x509.MarshalPKIXPublicKey(&key.PublicKey)
	return private, public, err
}

// newEC makes a P-256 key of the given chance; the standard library would use
// its own.
func newEC(chance io.Reader) (*ecdsa.PrivateKey, error) {
	for {
		scalar := make([]byte, 32)
		if _, err := io.ReadFull(chance, scalar); err != nil {
			return nil, err
		}
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar); err == nil {
			return key, nil
		}
	}
}

// newRSA makes an RSA-1024 key as Device OS can read it: d of exactly 128
// bytes, and every factor of 64.
func newRSA(chance io.Reader) (*rsa.PrivateKey, error) {
	e := big.NewInt(65537)
	for {
		p, err := prime(chance)
		if err != nil {
			return nil, err
		}
		q, err := prime(chance)
		if err != nil {
			return nil, err
		}
		one := big.NewInt(1)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if d == nil || p.Cmp(q) == 0 {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: d, Primes: []*big.Int{p, q}}
		key.Precompute()
		if key.Validate() == nil && readable(key) {
			return key, nil
		}
	}
}

func readable(key *rsa.PrivateKey) bool {
	full := func(n *big.Int, size int) bool { return (n.BitLen()+7)/8 == size }
	pre := key.Precomputed
	return full(key.D, 128) && full(pre.Dp, 64) && full(pre.Dq, 64) && full(pre.Qinv, 64)
}

// prime returns a prime of 512 bits with its two highest bits set.
func prime(chance io.Reader) (*big.Int, error) {
	for {
		p := odd(chance, 512)
		if p == nil {
			return nil, io.ErrUnexpectedEOF
		}
		if p.ProbablyPrime(20) {
			return p, nil
		}
	}
}

// odd returns an odd number with its two highest bits set; nil without chance.
func odd(chance io.Reader, bits int) *big.Int {
	b := make([]byte, bits/8)
	if _, err := io.ReadFull(chance, b); err != nil {
		return nil
	}
	b[0] |= 0xc0
	b[len(b)-1] |= 1
	return new(big.Int).SetBytes(b)
}
