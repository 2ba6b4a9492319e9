//lint:file-ignore SA1019 PKCS #1 v1.5 is all that these devices know; see SECURITY.md

package sealed

import (
	"crypto/rsa"
	"crypto/subtle"
	"fmt"
)

// Lengths of what the handshake exchanges, in bytes.
const (
	NonceSize    = 40
	DeviceIDSize = 12
	BlobSize     = serverBits / 8
	ReplySize    = encryptedSize + BlobSize

	encryptedSize = deviceBits / 8 // C, the encrypted credentials
	plainSize     = NonceSize + DeviceIDSize + DeviceKeySize
)

// Claim is who a device says it is. That it knows the id and the public key is
// all that is proven: they have to be those on file.
type Claim struct {
	DeviceID  [DeviceIDSize]byte
	DeviceKey DeviceKey // as sent; not looked into
}

// ServerHandshake is the server's side of one handshake. It is a small
// value that may be copied; RSA takes a millisecond, so its methods are called
// from wherever that much time may be spent.
type ServerHandshake struct {
	key   *rsa.PrivateKey
	nonce [NonceSize]byte
}

// NewServerHandshake begins with 40 random bytes, which the device gets as they
// are. The key has to be of 2048 bits with the exponent 65537, the only one
// that devices know; otherwise the error is ErrKey. It should be precomputed,
// as parsed keys are.
func NewServerHandshake(key *rsa.PrivateKey, nonce [NonceSize]byte) (ServerHandshake, error) {
	if key == nil || !suitable(&key.PublicKey, serverBits) {
		return ServerHandshake{}, ErrKey
	}
	return ServerHandshake{key: key, nonce: nonce}, nil
}

// Nonce returns the bytes that open the connection.
func (h *ServerHandshake) Nonce() [NonceSize]byte { return h.nonce }

// Receive opens the device's blob. Whatever is wrong with it, the error is
// ErrHandshake after the same work: bad padding, a wrong length of the
// plaintext, another nonce.
func (h *ServerHandshake) Receive(blob [BlobSize]byte) (Claim, error) {
	// The plaintext if decryption fails: the nonce inverted, which is as
	// random as the nonce, and never matches it.
	var plain [plainSize]byte
	for i, b := range h.nonce {
		plain[i] = ^b
	}
	if rsa.DecryptPKCS1v15SessionKey(nil, h.key, blob[:], plain[:]) != nil {
		// The blob as a number is not below the modulus, which its sender
		// knows. It is not even tried; the time is spent all the same.
		var unused [plainSize]byte
		blob[0] = 0
		_ = rsa.DecryptPKCS1v15SessionKey(nil, h.key, blob[:], unused[:])
	}
	if subtle.ConstantTimeCompare(plain[:NonceSize], h.nonce[:]) != 1 {
		return Claim{}, ErrHandshake
	}
	return Claim{
		DeviceID:  [DeviceIDSize]byte(plain[NonceSize:]),
		DeviceKey: DeviceKey(plain[NonceSize+DeviceIDSize:]),
	}, nil
}

// Accept makes the reply to a device whose key is known to be the right one,
// and the channel that it opens. The credentials are random bytes of the
// caller, and so is padding. The error is ErrKey when device is not a
// device's key, or that of the signature.
func (h *ServerHandshake) Accept(device *rsa.PublicKey, cred Credentials, padding [32]byte) (reply [ReplySize]byte, c Channel, err error) {
	return h.reply(device, cred, paddingFor(padding, encryptedSize-CredentialsSize-3))
}

func (h *ServerHandshake) reply(device *rsa.PublicKey, cred Credentials, padding []byte) (reply [ReplySize]byte, c Channel, err error) {
	if !suitable(device, deviceBits) {
		return reply, Channel{}, ErrKey
	}
	encrypted := reply[:encryptedSize]
	encrypt(encrypted, device, cred[:], padding)
	// Hash 0: the bare HMAC stands where a DigestInfo would.
	signature, err := rsa.SignPKCS1v15(nil, h.key, 0, cred.mac(encrypted))
	if err != nil {
		return [ReplySize]byte{}, Channel{}, fmt.Errorf("sealed: sign: %w", err)
	}
	copy(reply[encryptedSize:], signature)
	return reply, cred.Channel(), nil
}
