package sealed

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"testing"
)

func TestDeviceKey(t *testing.T) {
	for _, key := range []*rsa.PrivateKey{deviceKey(t), other(t, deviceBits)} {
		k, err := NewDeviceKey(&key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil || !bytes.Equal(k[:], der) {
			t.Errorf("%v\n got %x\nwant %x", err, k, der)
		}
		if pub, err := k.Parse(); err != nil || !pub.Equal(&key.PublicKey) {
			t.Errorf("%v, %v", pub, err)
		}
	}
}

func TestDeviceKeyRefuses(t *testing.T) {
	good, err := NewDeviceKey(&deviceKey(t).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for at, v := range map[int]byte{
		0: 0x31, 28: 1, // the header
		29: 0x7f, 29 + 127: 0, // a modulus of 1023 bits, an even one
		157: 3, 161: 3, // the exponent
	} {
		bad := good
		bad[at] = v
		if pub, err := bad.Parse(); err != ErrKey || pub != nil {
			t.Errorf("byte %d: %v, %v", at, pub, err)
		}
	}
	if pub, err := new(DeviceKey).Parse(); err != ErrKey || pub != nil {
		t.Errorf("zeros: %v, %v", pub, err)
	}
	for name, pub := range map[string]*rsa.PublicKey{
		"none": nil, "empty": {}, "2048 bits": &serverKey(t).PublicKey,
		"exponent 3": {N: deviceKey(t).N, E: 3},
		"1023 bits":  {N: new(big.Int).Rsh(deviceKey(t).N, 1), E: exponent},
	} {
		if _, err := NewDeviceKey(pub); err != ErrKey {
			t.Errorf("%s: %v", name, err)
		}
	}
}
