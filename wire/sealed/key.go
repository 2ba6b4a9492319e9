package sealed

import (
	"bytes"
	"crypto/rsa"
	"math/big"
)

// DeviceKeySize is the length of a device's public key in bytes.
const DeviceKeySize = 162

// DeviceKey is a device's RSA-1024 public key, as the device sends it: a
// SubjectPublicKeyInfo that Device OS puts together from fixed parts without
// any ASN.1.
//
//	+-------------+-----------------+------------------+
//	| header (29) |  modulus (128)  |  02 03 01 00 01  |   exponent 65537
//	+-------------+-----------------+------------------+
type DeviceKey [DeviceKeySize]byte

const (
	deviceBits = 1024
	serverBits = 2048
	exponent   = 65537
)

// SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING { SEQUENCE {
// INTEGER of 129 bytes with a leading zero, INTEGER 65537 } }: what stands
// before the modulus, and behind it.
const (
	keyHeader  = "\x30\x81\x9f\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x81\x8d\x00\x30\x81\x89\x02\x81\x81\x00"
	keyTrailer = "\x02\x03\x01\x00\x01"
)

// NewDeviceKey returns pub as the device sends it, or ErrKey when it is not of
// 1024 bits with the exponent 65537.
func NewDeviceKey(pub *rsa.PublicKey) (DeviceKey, error) {
	if !suitable(pub, deviceBits) {
		return DeviceKey{}, ErrKey
	}
	var k DeviceKey
	copy(k[:], keyHeader)
	pub.N.FillBytes(k[len(keyHeader) : len(keyHeader)+deviceBits/8])
	copy(k[DeviceKeySize-len(keyTrailer):], keyTrailer)
	return k, nil
}

// Parse returns the key for use, or ErrKey. A device can send any bytes in the
// place of its key.
func (k *DeviceKey) Parse() (*rsa.PublicKey, error) {
	modulus, ok := bytes.CutPrefix(k[:], []byte(keyHeader))
	modulus, tail := bytes.CutSuffix(modulus, []byte(keyTrailer))
	if !ok || !tail {
		return nil, ErrKey
	}
	pub := &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: exponent}
	if !suitable(pub, deviceBits) {
		return nil, ErrKey
	}
	return pub, nil
}

func suitable(pub *rsa.PublicKey, bits int) bool {
	return pub != nil && pub.N != nil && pub.E == exponent && pub.N.BitLen() == bits && pub.N.Bit(0) == 1
}
