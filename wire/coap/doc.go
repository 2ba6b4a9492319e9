// Package coap reads and writes CoAP messages (RFC 7252) in place, and keeps
// the small books that a conversation needs: which message ids were used,
// which confirmable messages wait for their acknowledgement, which of the
// peer's messages were answered already and how.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	| 1 | T |  TKL  |      Code     |          Message ID           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Token, TKL bytes (0..8)   |   Options   |1 1 1 1 1 1 1 1| Payload
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// # Messages
//
// [Parse] checks a whole datagram and returns a [Message] whose token, options
// and payload are views into it: nothing is copied and nothing is allocated.
// A value has exactly one encoding, so [Message.Append] gives back the bytes
// that were parsed. [Begin] starts a new message behind the bytes of a buffer;
// the [Builder] writes options in ascending order and then the payload.
//
// # Blocks
//
// RFC 7959 cuts a body that does not fit a datagram into numbered blocks. An
// [Assembler] puts the received ones together, in order and up to a bound; a
// [Splitter] hands out the ones to send.
//
// # Books
//
// [MessageIDs], [Tokens], [Exchanges] and [Duplicates] hold one session's
// state. A server keeps a million of them, most of them idle: the zero value
// of each is ready, is a few words long, and is what an idle session shrinks
// back to. None has a clock or a source of chance; both are arguments. The
// times given to one value have to come from one clock that is never set back.
//
// The devices that this package is for (Device OS) narrow the standard in
// three ways, which the books follow: a token is exactly one byte, a message
// id that was seen within 45 s is taken for a duplicate, and a confirmable
// message is sent four times before it is given up ([DeviceParams]).
package coap
