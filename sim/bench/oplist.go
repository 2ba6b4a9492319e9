//lint:file-ignore SA1019 PKCS #1 v1.5 is all that these devices know; see SECURITY.md

package bench

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"hash"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/sim/bench/crowd"
	"github.com/cyan-cloud/cyan/sim/bench/usage"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/sealed"
)

// operation is one cryptographic operation of a handshake's server side. It is
// safe for concurrent use.
type operation struct {
	name  string
	times int // in one handshake
	do    func() error
}

// dtlsOperations is all that the server's side of one DTLS handshake needs of
// cryptography, by the functions that it really uses.
func dtlsOperations() ([]operation, error) {
	c := dtls.Std()
	var who crowd.Identities
	server, client := who.Key(0), who.Key(1)
	digest := sha256.Sum256([]byte("the handshake until here"))
	signature, err := c.Sign(client, digest[:])
	if err != nil {
		return nil, err
	}
	scalar := sha256.Sum256([]byte("ephemeral"))
	ephemeral, err := c.NewKey(scalar[:])
	if err != nil {
		return nil, err
	}
	scalar[0] ^= 1
	peer, err := c.NewKey(scalar[:])
	if err != nil {
		return nil, err
	}
	point, hello := peer.PublicKey().Bytes(), make([]byte, 150)
	session := dtls.Session{Server: true, WriteEpoch: 1, ReadEpoch: 1}
	return []operation{
		{"HMAC-SHA256 of a hello, for its cookie", 2, func() error { mac(sha256.New, scalar[:], hello); return nil }},
		{"P-256 key", 1, func() error { _, err := c.NewKey(scalar[:]); return err }},
		{"ECDSA signature", 1, func() error { _, err := c.Sign(server, digest[:]); return err }},
		{"ECDSA verification", 1, func() error {
			if !c.Verify(&client.PublicKey, digest[:], signature) {
				return dtls.ErrSignature
			}
			return nil
		}},
		{"ECDH", 1, func() error { _, err := c.Agree(ephemeral, point); return err }},
		{"PRF: master secret", 1, func() error { prf(scalar[:], hello[:77], 48); return nil }},
		{"PRF: keys", 1, func() error { prf(hello[:48], hello[:77], 40); return nil }},
		{"PRF: Finished", 2, func() error { prf(hello[:48], hello[:47], 12); return nil }},
		{"AES-128-CCM-8 record of 24 bytes, with its key schedule", 3, func() error {
			var record [128]byte
			s := session
			_, err := s.Seal(record[:0], dtls.ApplicationData, hello[:24])
			return err
		}},
	}, nil
}

func mac(h func() hash.Hash, key, data []byte) {
	m := hmac.New(h, key)
	m.Write(data)
	_ = m.Sum(nil)
}

// prf is P_SHA256 of RFC 5246 §5.
func prf(secret, seed []byte, n int) []byte {
	var out []byte
	m := hmac.New(sha256.New, secret)
	for a := seed; len(out) < n; {
		m.Reset()
		m.Write(a)
		a = m.Sum(nil)
		m.Reset()
		m.Write(a)
		m.Write(seed)
		out = m.Sum(out)
	}
	return out[:n]
}

// tcpOperations is all that the server's side of one TCP handshake needs. server
// is any RSA-2048 key, device any RSA-1024 key.
func tcpOperations(server, device *rsa.PrivateKey) ([]operation, error) {
	plain := make([]byte, sealed.NonceSize+sealed.DeviceIDSize+sealed.DeviceKeySize)
	blob, err := rsa.EncryptPKCS1v15(rand.Reader, &server.PublicKey, plain) //nolint:staticcheck // the padding that devices have
	if err != nil {
		return nil, err
	}
	secret := make([]byte, sealed.CredentialsSize)
	digest := make([]byte, sha1.Size)
	return []operation{
		{"RSA-2048 decryption", 1, func() error {
			_, err := rsa.DecryptPKCS1v15(nil, server, blob) //nolint:staticcheck // as above
			return err
		}},
		{"RSA-1024 encryption", 1, func() error {
			_, err := rsa.EncryptPKCS1v15(rand.Reader, &device.PublicKey, secret) //nolint:staticcheck // as above
			return err
		}},
		{"HMAC-SHA1", 1, func() error { mac(sha1.New, secret, blob[:128]); return nil }},
		{"RSA-2048 signature", 1, func() error { _, err := rsa.SignPKCS1v15(nil, server, crypto.SHA1, digest); return err }},
	}, nil
}

// rsaKey makes a key of any size that devices and servers have.
func rsaKey(random io.Reader, bits int) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(random, bits)
	if err != nil {
		return nil, fmt.Errorf("making an RSA key of %d bits: %w", bits, err)
	}
	return x509.ParsePKCS1PrivateKey(x509.MarshalPKCS1PrivateKey(key)) // precomputed
}

// perform performs a list of operations n times, and gives the processor time
// of one. Meanwhile another thread does the same, because a core whose twin is
// busy is slower, and during handshakes the devices keep the other one busy.
func perform(list []operation, n int) (time.Duration, error) {
	var twin sync.WaitGroup
	stop := make(chan struct{})
	if runtime.NumCPU() > 1 {
		twin.Go(func() { // ends with stop
			for {
				select {
				case <-stop:
					return
				default:
					_ = once(list)
				}
			}
		})
	}
	defer twin.Wait()
	defer close(stop)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := usage.Thread()
	if err != nil {
		return 0, err
	}
	for range n {
		if err := once(list); err != nil {
			return 0, err
		}
	}
	after, err := usage.Thread()
	return (after - before) / time.Duration(max(n, 1)), err
}

func once(list []operation) error {
	for _, o := range list {
		for range o.times {
			if err := o.do(); err != nil {
				return fmt.Errorf("%s: %w", o.name, err)
			}
		}
	}
	return nil
}
