package coap

import "errors"

// What Parse finds wrong with a message. RFC 7252, section 3, calls each of
// them a message format error: the message is to be rejected as a whole.
var (
	// ErrShort says that the datagram ends before the fixed header does.
	ErrShort = errors.New("coap: message shorter than its header")
	// ErrVersion says that the version is not 1.
	ErrVersion = errors.New("coap: unknown version")
	// ErrToken says that a token is longer than 8 bytes, or cut off.
	ErrToken = errors.New("coap: bad token")
	// ErrCode says that the code is of a reserved class, or does not go with
	// the message's type (RFC 7252, section 4.3, table 1).
	ErrCode = errors.New("coap: code does not go with type")
	// ErrEmpty says that an empty message (code 0.00) is longer than 4 bytes.
	ErrEmpty = errors.New("coap: empty message with content")
	// ErrOption says that an option is cut off, uses the reserved nibble 15,
	// or that its number is above 65535.
	ErrOption = errors.New("coap: bad option")
	// ErrPayload says that nothing follows the payload marker.
	ErrPayload = errors.New("coap: payload marker without payload")
)

// What a Builder refuses.
var (
	// ErrOrder says that options were not given in ascending order, or after
	// the payload.
	ErrOrder = errors.New("coap: option out of order")
)

// What the block-wise side finds wrong.
var (
	// ErrBlock says that a block option, or a block's length, is malformed.
	// The answer is 4.00 (RFC 7959, section 2.2).
	ErrBlock = errors.New("coap: bad block")
	// ErrBlockOrder says that a block does not continue what was received.
	// The answer is 4.08 (RFC 7959, section 2.9.2).
	ErrBlockOrder = errors.New("coap: block out of order")
	// ErrTooLarge says that a body is longer than was allowed. The answer is
	// 4.13 (RFC 7959, section 2.9.3).
	ErrTooLarge = errors.New("coap: body too large")
)

// What the books of a session refuse.
var (
	// ErrNoMessageID says that every message id was used within 45 s.
	ErrNoMessageID = errors.New("coap: no message id left")
	// ErrNoToken says that all 256 one-byte tokens are in use.
	ErrNoToken = errors.New("coap: no token left")
	// ErrExport says that exported state is malformed.
	ErrExport = errors.New("coap: bad exported state")
)
