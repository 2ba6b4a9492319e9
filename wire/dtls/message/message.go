// Package message holds the handshake messages of DTLS 1.2 that a raw-public-key handshake needs, one a file: each parses
// and re-encodes byte for byte.
package message

import "errors"

// ErrMessage is returned by every parser of this package for bytes that are not the message: cut short, too long, or with a length inside
// that does not add up.
var ErrMessage = errors.New("dtls: malformed handshake message")
