package sealed

import "errors"

var (
	// ErrHandshake says that the device's blob is not an answer to our nonce.
	// There is no other error for a blob, and no telling why.
	ErrHandshake = errors.New("sealed: handshake refused")
	// ErrFrame says that a frame's length or padding is wrong. There is no
	// other error for a frame; the connection is to be closed silently.
	ErrFrame = errors.New("sealed: bad frame")
	// ErrTooLong says that a message does not fit a frame.
	ErrTooLong = errors.New("sealed: message too long")
	// ErrKey says that an RSA key is not of the one size and form that the
	// protocol has for it.
	ErrKey = errors.New("sealed: unsuitable RSA key")
	// ErrExport says that an exported channel is malformed.
	ErrExport = errors.New("sealed: bad exported channel")
)

// What a device finds wrong with the server's reply.
var (
	// ErrCredentials says that the credentials do not decrypt: the server has
	// another public key for this device. Device OS flashes orange.
	ErrCredentials = errors.New("sealed: credentials do not decrypt")
	// ErrSignature says that the signature does not verify: the device has
	// another public key for this server. Device OS flashes magenta.
	ErrSignature = errors.New("sealed: bad signature of credentials")
)
