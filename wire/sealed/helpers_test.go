package sealed

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"os"
	"sync"
	"testing"
)

const keys = "../testdata/device/keys/"

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readKey(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(keys + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func serverKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := x509.ParsePKCS1PrivateKey(readKey(t, "server-rsa.priv.der"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func deviceKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := x509.ParsePKCS1PrivateKey(readKey(t, "device-rsa.priv.der"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// other returns a key that nobody expects, the same one every time.
func other(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	others.Lock()
	defer others.Unlock()
	if key := others.keys[bits]; key != nil {
		return key
	}
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	others.keys[bits] = key
	return key
}

var others = struct {
	sync.Mutex
	keys map[int]*rsa.PrivateKey
}{keys: map[int]*rsa.PrivateKey{}}
