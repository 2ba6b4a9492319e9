// Package keyring makes and keeps the keys of simulated devices and of their
// cloud.
package keyring

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"math/rand/v2"
	"sync"

	"github.com/cyan-cloud/cyan/sim"
)

// Ring holds keys that worlds share: what is in them matters to no run, and
// the RSA ones take their time. They are made from a seed of their own.
type Ring struct {
	mu        sync.Mutex
	chance    *rand.ChaCha8
	ec        []Pair // one a device, in order
	rsa       Pair   // of every device on TCP: they are told apart by their ids
	ServerEC  *ecdsa.PrivateKey
	ServerRSA *rsa.PrivateKey
	PublicEC  []byte
	PublicRSA []byte
}

// Pair is a device's key: DER for its flash, SPKI for the store.
type Pair struct{ Private, Public []byte }

// New takes the server's keys, which only real randomness could make
// anew each time.
func New(serverEC *ecdsa.PrivateKey, serverRSA *rsa.PrivateKey, publicEC, publicRSA []byte) (*Ring, error) {
	k := &Ring{
		chance: rand.NewChaCha8([32]byte{'k', 'e', 'y', 's'}), ServerEC: serverEC, ServerRSA: serverRSA,
		PublicEC: publicEC, PublicRSA: publicRSA,
	}
	var err error
	k.rsa.Private, k.rsa.Public, err = sim.GenerateKey(sim.TCP, k.chance)
	return k, err
}

// Of gives the key of the i-th device.
func (k *Ring) Of(transport sim.Transport, i int) (Pair, error) {
	if transport == sim.TCP {
		return k.rsa, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.ec) <= i {
		private, public, err := sim.GenerateKey(sim.UDP, k.chance)
		if err != nil {
			return Pair{}, err
		}
		k.ec = append(k.ec, Pair{private, public})
	}
	return k.ec[i], nil
}
