package coap

import "encoding/binary"

const (
	version   = 1
	headerLen = 4
	maxToken  = 8
	marker    = 0xff
)

// Message is one CoAP message. Parse makes its Token and Payload views into
// the datagram, so that it is good for as long as the datagram is.
type Message struct {
	Type    Type
	Code    Code
	ID      uint16 // message id: matches acknowledgement to message
	Token   []byte // at most 8 bytes: matches response to request
	Payload []byte // empty when there is none

	options []byte // as encoded, and known to be well-formed
}

// Parse reads the one message that fills b. It allocates nothing. Its errors
// are the sentinels of RFC 7252's format errors: ErrShort, ErrVersion,
// ErrToken, ErrCode, ErrEmpty, ErrOption and ErrPayload.
func Parse(b []byte) (Message, error) {
	if len(b) < headerLen {
		return Message{}, ErrShort
	}
	if b[0]>>6 != version {
		return Message{}, ErrVersion
	}
	m := Message{
		Type: Type(b[0] >> 4 & 3),
		Code: Code(b[1]),
		ID:   binary.BigEndian.Uint16(b[2:]),
	}
	if !m.Code.allowed(m.Type) {
		return Message{}, ErrCode
	}
	if m.Code == Empty {
		if len(b) > headerLen || b[0]&15 != 0 {
			return Message{}, ErrEmpty
		}
		return m, nil
	}
	tkl := int(b[0] & 15)
	rest := b[headerLen:]
	if tkl > maxToken || tkl > len(rest) {
		return Message{}, ErrToken
	}
	m.Token, rest = rest[:tkl:tkl], rest[tkl:]
	n, err := scan(rest)
	if err != nil {
		return Message{}, err
	}
	m.options, rest = rest[:n:n], rest[n:]
	switch len(rest) {
	case 0:
	case 1:
		return Message{}, ErrPayload
	default:
		m.Payload = rest[1:]
	}
	return m, nil
}

// Append appends the encoded message to dst. What Parse read comes out byte
// for byte. Only the first 8 bytes of a longer Token are written.
func (m *Message) Append(dst []byte) []byte {
	token := m.Token[:min(len(m.Token), maxToken)]
	dst = appendHeader(dst, m.Type, m.Code, m.ID, token)
	dst = append(dst, m.options...)
	if len(m.Payload) > 0 {
		dst = append(dst, marker)
		dst = append(dst, m.Payload...)
	}
	return dst
}

// AppendEmpty appends the four bytes of an empty message: a ping
// (Confirmable), an acknowledgement without a response, or a reset
// (RFC 7252, section 4.1).
func AppendEmpty(dst []byte, t Type, id uint16) []byte {
	return appendHeader(dst, t, Empty, id, nil)
}

// AppendPiggyback appends the acknowledgement of req that carries its response
// (RFC 7252, section 5.2.1). It has req's id and token, and no options.
func AppendPiggyback(dst []byte, req *Message, code Code, payload []byte) []byte {
	m := Message{Type: Acknowledgement, Code: code, ID: req.ID, Token: req.Token, Payload: payload}
	return m.Append(dst)
}

func appendHeader(dst []byte, t Type, c Code, id uint16, token []byte) []byte {
	dst = append(dst, version<<6|byte(t&3)<<4|byte(len(token)), byte(c), byte(id>>8), byte(id))
	return append(dst, token...)
}
