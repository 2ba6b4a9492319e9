package detsim

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"math/rand/v2"
	"sync"

	"github.com/cyan-cloud/cyan/sim"
)

// keyring holds keys that worlds share: what is in them matters to no run, and
// the RSA ones take their time. They are made from a seed of their own.
type keyring struct {
	mu        sync.Mutex
	chance    *rand.ChaCha8
	ec        []pair // one a device, in order
	rsa       pair   // of every device on TCP: they are told apart by their ids
	serverEC  *ecdsa.PrivateKey
	serverRSA *rsa.PrivateKey
	publicEC  []byte
	publicRSA []byte
}

// pair is a device's key: DER for its flash, SPKI for the store.
type pair struct{ private, public []byte }

// newKeyring takes the server's keys, which only real randomness could make
// anew each time.
func newKeyring(serverEC *ecdsa.PrivateKey, serverRSA *rsa.PrivateKey, publicEC, publicRSA []byte) (*keyring, error) {
	k := &keyring{
		chance: rand.NewChaCha8([32]byte{'k', 'e', 'y', 's'}), serverEC: serverEC, serverRSA: serverRSA,
		publicEC: publicEC, publicRSA: publicRSA,
	}
	var err error
	k.rsa.private, k.rsa.public, err = sim.GenerateKey(sim.TCP, k.chance)
	return k, err
}

// of gives the key of the i-th device.
func (k *keyring) of(transport sim.Transport, i int) (pair, error) {
	if transport == sim.TCP {
		return k.rsa, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.ec) <= i {
		private, public, err := sim.GenerateKey(sim.UDP, k.chance)
		if err != nil {
			return pair{}, err
		}
		k.ec = append(k.ec, pair{private, public})
	}
	return k.ec[i], nil
}
