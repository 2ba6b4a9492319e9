package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Keys are the server's identity. Devices have the public halves in their
// flash: whoever loses these files has to visit every device.
type Keys struct {
	EC  *ecdsa.PrivateKey // UDP
	RSA *rsa.PrivateKey   // TCP
	// Dir is the folder of the files; Made tells that they were made just now.
	Dir  string
	Made bool
}

// The files of the keys. The public halves, in DER, are what `particle keys
// server` takes.
const (
	fileEC     = "server-ec.pem"
	fileRSA    = "server-rsa.pem"
	FilePubEC  = "server-ec.pub.der"  // public key for devices on UDP
	FilePubRSA = "server-rsa.pub.der" // public key for devices on TCP
)

// LoadKeys reads the server's keys from the folder, and makes them if there
// are none and no database either. One without the other is refused, and so is
// a database without keys: it is more likely that a file was lost than that a
// second identity is wanted, which no device would believe.
func LoadKeys(dir, database string) (*Keys, error) {
	k := &Keys{Dir: dir}
	ec, errEC := os.ReadFile(filepath.Join(dir, fileEC))
	rs, errRSA := os.ReadFile(filepath.Join(dir, fileRSA))
	switch {
	case errors.Is(errEC, fs.ErrNotExist) && errors.Is(errRSA, fs.ErrNotExist):
		if _, err := os.Stat(database); err == nil {
			return nil, fmt.Errorf("there is a database, %s, and no keys of the server in %s: devices know it by them; restore them from your backup", database, dir)
		}
		return k, k.make()
	case errEC != nil:
		return nil, fmt.Errorf("the server's key for devices on UDP cannot be read: %w; restore it from your backup", errEC)
	case errRSA != nil:
		return nil, fmt.Errorf("the server's key for devices on TCP cannot be read: %w; restore it from your backup", errRSA)
	}
	var ok bool
	key, err := parsePEM(ec)
	if k.EC, ok = key.(*ecdsa.PrivateKey); err != nil || !ok || k.EC.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%s does not hold a P-256 private key in PKCS #8", filepath.Join(dir, fileEC))
	}
	key, err = parsePEM(rs)
	if k.RSA, ok = key.(*rsa.PrivateKey); err != nil || !ok || k.RSA.N.BitLen() != 2048 {
		return nil, fmt.Errorf("%s does not hold a 2048-bit RSA private key in PKCS #8", filepath.Join(dir, fileRSA))
	}
	return k, k.writePublic()
}

func parsePEM(data []byte) (any, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("not a PEM file")
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

// make makes new keys and writes them, readable by their owner alone.
func (k *Keys) make() error {
	if err := os.MkdirAll(k.Dir, 0o700); err != nil {
		return err
	}
	var err error
	if k.EC, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	if k.RSA, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return err
	}
	k.Made = true
	if err := writePrivate(filepath.Join(k.Dir, fileEC), k.EC); err != nil {
		return err
	}
	if err := writePrivate(filepath.Join(k.Dir, fileRSA), k.RSA); err != nil {
		return err
	}
	return k.writePublic()
}

// writePrivate writes the file whole or not at all, and never over another.
func writePrivate(path string, key any) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return errors.Join(err, f.Sync(), f.Close())
}

// writePublic writes the public halves, unless they are there already.
func (k *Keys) writePublic() error {
	ec, err := x509.MarshalPKIXPublicKey(&k.EC.PublicKey)
	if err != nil {
		return err
	}
	rs, err := x509.MarshalPKIXPublicKey(&k.RSA.PublicKey)
	if err != nil {
		return err
	}
	for name, der := range map[string][]byte{FilePubEC: ec, FilePubRSA: rs} {
		path := filepath.Join(k.Dir, name)
		if have, err := os.ReadFile(path); err == nil && string(have) == string(der) {
			continue
		}
		if err := os.WriteFile(path, der, 0o644); err != nil {
			return err
		}
	}
	return nil
}
