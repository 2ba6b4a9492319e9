package harness

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"sync"

	"github.com/cyan-cloud/cyan/sim"
)

// Notes are lines that a device wrote.
type Notes struct {
	mu    sync.Mutex
	lines []string // guarded by mu
}

func newNotes() *Notes { return &Notes{} }

func (n *Notes) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

// Has tells whether one of the lines contains the text.
func (n *Notes) Has(text string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.lines {
		if strings.Contains(l, text) {
			return true
		}
	}
	return false
}

// String gives all lines.
func (n *Notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.lines, "\n")
}

// publicOf gives a device's public key, as a value and as SPKI.
func publicOf(cfg sim.Config) (key any, spki []byte, err error) {
	if cfg.Transport == sim.TCP {
		var k *rsa.PrivateKey
		if k, err = x509.ParsePKCS1PrivateKey(cfg.Key); err != nil {
			return nil, nil, err
		}
		key = &k.PublicKey
	} else {
		var k *ecdsa.PrivateKey
		if k, err = x509.ParseECPrivateKey(cfg.Key); err != nil {
			return nil, nil, err
		}
		key = &k.PublicKey
	}
	spki, err = x509.MarshalPKIXPublicKey(key)
	return key, spki, err
}
