package fleet

import (
	"crypto/x509"
	"net"
	"testing"
	"testing/synctest"
)

// TestKeys makes keys for as many devices as a pool is for, and looks whether
// each is one that a device can have, and nobody else's.
func TestKeys(t *testing.T) {
	const devices = 12
	p, err := newPool(devices)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for i := range devices {
		der, public, err := p.key(i)
		if err != nil {
			t.Fatalf("device %d: %v", i, err)
		}
		private, err := x509.ParsePKCS1PrivateKey(der)
		if err != nil || !private.PublicKey.Equal(public) {
			t.Errorf("device %d: %v, and the halves belong together: %v", i, err, err == nil && private.PublicKey.Equal(public))
		}
		if bits := public.N.BitLen(); bits != deviceBits {
			t.Errorf("device %d has a key of %d bits", i, bits)
		}
		if other, ok := seen[public.N.String()]; ok {
			t.Errorf("devices %d and %d have one key", other, i)
		}
		seen[public.N.String()] = i
	}
}

// TestHalting writes through a connection that halts: all of it comes, the
// first byte alone.
func TestHalting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go func() { // ends when all is written
			if n, err := (halting{ours}).Write([]byte("frame")); n != 5 || err != nil {
				t.Errorf("wrote %d: %v", n, err)
			}
			_ = ours.Close()
		}()
		var pieces []string
		for b := make([]byte, 16); ; {
			n, err := theirs.Read(b)
			if err != nil {
				break
			}
			pieces = append(pieces, string(b[:n]))
		}
		if len(pieces) != 2 || pieces[0] != "f" || pieces[1] != "rame" {
			t.Errorf("it came as %q", pieces)
		}
	})
}
