package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/sim"
)

// The image has the key, then at a fixed place type, length, address and
// port, and 0xff everywhere else.
func TestFlashImage(t *testing.T) {
	for _, tc := range []struct {
		name      string
		transport sim.Transport
		host      string
		port      uint16
		key, at   int // sizes: of the key, of its area
		record    string
	}{
		{"address", sim.UDP, "192.0.2.10", 5684, 91, 192, "0004c000020a" + strings.Repeat("ff", 60) + "1634"},
		{"name", sim.TCP, "example.com", 5683, 294, 384, "010b" + hex.EncodeToString([]byte("example.com")) + strings.Repeat("ff", 53) + "1633"},
		{"longest name", sim.UDP, strings.Repeat("a", 63), 1, 91, 192, "013f" + strings.Repeat("61", 63) + "ff" + "0001"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key := bytes.Repeat([]byte{0x30}, tc.key)
			image, err := flashImage(key, tc.transport, tc.host, tc.port)
			if err != nil {
				t.Fatal(err)
			}
			padding := func(n int) []byte { return bytes.Repeat([]byte{0xff}, n) }
			record, _ := hex.DecodeString(tc.record)
			want := bytes.Join([][]byte{key, padding(tc.at - tc.key), record, padding(128 - len(record))}, nil)
			if !bytes.Equal(image, want) {
				t.Errorf("image\n%x, want\n%x", image, want)
			}
		})
	}
	for _, host := range []string{"", "2001:db8::1", strings.Repeat("a", 64), "cloud:5684", "http://cloud"} {
		if image, err := flashImage(nil, sim.UDP, host, 1); err == nil {
			t.Errorf("host %q gives %x", host, image)
		}
	}
	if _, err := flashImage(make([]byte, 294), sim.UDP, "cloud", 1); err == nil {
		t.Error("an RSA key fits where a P-256 key belongs")
	}
}

// Whatever a device's key comes in, its public half is the same.
func TestPublicHalf(t *testing.T) {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	der := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ecPublic, rsPublic := der(x509.MarshalPKIXPublicKey(&ec.PublicKey)), der(x509.MarshalPKIXPublicKey(&rs.PublicKey))
	flash := func(b []byte) []byte { return append(bytes.Clone(b), bytes.Repeat([]byte{0xff}, 40)...) }
	for name, tc := range map[string]struct{ file, want []byte }{
		"public DER":        {ecPublic, ecPublic},
		"public PEM":        {pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: rsPublic}), rsPublic},
		"private SEC 1":     {der(x509.MarshalECPrivateKey(ec)), ecPublic},
		"private PKCS #1":   {x509.MarshalPKCS1PrivateKey(rs), rsPublic},
		"private PKCS #8":   {der(x509.MarshalPKCS8PrivateKey(ec)), ecPublic},
		"RSA in PKCS #8":    {der(x509.MarshalPKCS8PrivateKey(rs)), rsPublic},
		"out of flash, EC":  {flash(der(x509.MarshalECPrivateKey(ec))), ecPublic},
		"out of flash, RSA": {flash(x509.MarshalPKCS1PrivateKey(rs)), rsPublic},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, tc.file, 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := publicHalf(path)
			if err != nil || !bytes.Equal(got, tc.want) {
				t.Errorf("%x, %v, want %x", got, err, tc.want)
			}
		})
	}
}

// Whatever a file has in it, nothing is read beyond its end.
func FuzzTrimmed(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 1, 2, 3, 0xff})
	f.Add([]byte{0x30, 0x82, 0xff, 0xff})
	f.Add([]byte{0x30, 0x81})
	f.Fuzz(func(t *testing.T, der []byte) {
		if got := trimmed(der); !bytes.HasPrefix(der, got) {
			t.Errorf("%x is not the beginning of %x", got, der)
		}
	})
}
