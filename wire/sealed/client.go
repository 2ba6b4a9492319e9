//lint:file-ignore SA1019 PKCS #1 v1.5 is all that these devices know; see SECURITY.md

package sealed

import (
	"crypto/rsa"
)

// ClientHandshake is the device's side of a handshake.
type ClientHandshake struct {
	ServerKey *rsa.PublicKey  // 2048 bits
	Key       *rsa.PrivateKey // 1024 bits
	DeviceID  [DeviceIDSize]byte
}

// Answer makes the blob that answers the server's nonce. padding is random.
// The error is ErrKey when a key is not of its size.
func (h *ClientHandshake) Answer(nonce [NonceSize]byte, padding [32]byte) (blob [BlobSize]byte, err error) {
	return h.answer(nonce, paddingFor(padding, BlobSize-plainSize-3))
}

func (h *ClientHandshake) answer(nonce [NonceSize]byte, padding []byte) (blob [BlobSize]byte, err error) {
	if h.Key == nil || !suitable(h.ServerKey, serverBits) {
		return blob, ErrKey
	}
	key, err := NewDeviceKey(&h.Key.PublicKey)
	if err != nil {
		return blob, err
	}
	plain := make([]byte, 0, plainSize)
	plain = append(plain, nonce[:]...)
	plain = append(plain, h.DeviceID[:]...)
	plain = append(plain, key[:]...)
	encrypt(blob[:], h.ServerKey, plain, padding)
	return blob, nil
}

// Finish opens the server's reply, after Answer. The errors are the two that Device OS tells
// apart, in its order: ErrCredentials, then ErrSignature.
func (h *ClientHandshake) Finish(reply [ReplySize]byte) (Credentials, Channel, error) {
	encrypted, signature := reply[:encryptedSize], reply[encryptedSize:]
	plain, err := rsa.DecryptPKCS1v15(nil, h.Key, encrypted)
	if err != nil || len(plain) != CredentialsSize {
		return Credentials{}, Channel{}, ErrCredentials
	}
	cred := Credentials(plain)
	if rsa.VerifyPKCS1v15(h.ServerKey, 0, cred.mac(encrypted), signature) != nil {
		return Credentials{}, Channel{}, ErrSignature
	}
	return cred, cred.Channel(), nil
}
