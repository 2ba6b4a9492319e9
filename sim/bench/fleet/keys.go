package fleet

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"
)

// pool makes RSA keys for many devices in little time. To find a prime takes
// nearly all of the time that a key takes, so they share primes: no two keys are
// alike, and each device can work out the others', which in a benchmark nobody
// minds.
type pool struct{ primes []*big.Int }

// The size of a device's key on TCP, and its public exponent.
const (
	deviceBits = 1024
	exponent   = 65537
)

// newPool makes a pool of as many primes as n keys need: of k there are
// k·(k-1)/2 pairs.
func newPool(n int) (pool, error) {
	var p pool
	for len(p.primes)*(len(p.primes)-1)/2 < n {
		prime, err := rand.Prime(rand.Reader, deviceBits/2)
		if err != nil {
			return pool{}, fmt.Errorf("making keys for devices: %w", err)
		}
		if new(big.Int).Mod(prime, big.NewInt(exponent)).Int64() != 1 { // or it fits no key
			p.primes = append(p.primes, prime)
		}
	}
	return p, nil
}

// key gives the private key of device i in PKCS #1, and its public half.
func (p *pool) key(i int) (private []byte, public *rsa.PublicKey, err error) {
	// Pair number i: all that have a first partner, then all with the next.
	second := 1
	for i >= second {
		i -= second
		second++
	}
	a, b, one := p.primes[i], p.primes[second], big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(a, one), new(big.Int).Sub(b, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(a, b), E: exponent},
		D:         new(big.Int).ModInverse(big.NewInt(exponent), phi), Primes: []*big.Int{a, b},
	}
	key.Precompute()
	if err := key.Validate(); err != nil {
		return nil, nil, fmt.Errorf("making a key for a device: %w", err)
	}
	return x509.MarshalPKCS1PrivateKey(key), &key.PublicKey, nil
}
