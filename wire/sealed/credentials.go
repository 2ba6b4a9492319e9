package sealed

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
)

// CredentialsSize is the length of the session's secret in bytes.
const CredentialsSize = 40

// Credentials are the secret that the server chooses at random and the reply
// carries to the device.
//
//	+-----------------+-----------------+-----------+
//	|  AES key (16)   |     IV (16)     |  salt (8) |
//	+-----------------+-----------------+-----------+
type Credentials [CredentialsSize]byte

// MessageID returns the CoAP message id behind which the device goes on
// counting: the first two bytes of the salt, which it reads little endian.
func (c *Credentials) MessageID() uint16 { return binary.LittleEndian.Uint16(c[32:]) }

// Channel returns the channel as it is before the first frame. It is the same
// for both ends.
func (c *Credentials) Channel() Channel {
	iv := [blockSize]byte(c[16:32])
	return Channel{key: [blockSize]byte(c[:16]), readIV: iv, writeIV: iv}
}

// mac returns what the server signs of the encrypted credentials.
func (c *Credentials) mac(encrypted []byte) []byte {
	h := hmac.New(sha1.New, c[:])
	h.Write(encrypted)
	return h.Sum(nil)
}
