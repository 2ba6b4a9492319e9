package message

import "encoding/binary"

// HelloVerifyRequest asks the client to show that it receives at the address from which it sends. RFC 6347 §4.2.1.
//
//	+---------+-----------+
//	| version | 1: cookie |
//	+---------+-----------+
type HelloVerifyRequest struct {
	Version uint16 // 1.0 or 1.2: says nothing about what is negotiated
	Cookie  []byte
}

// ParseHelloVerifyRequest reads a body. Cookie is a view of b.
func ParseHelloVerifyRequest(b []byte) (HelloVerifyRequest, error) {
	r := reader{b: b}
	m := HelloVerifyRequest{Version: r.uint16(), Cookie: r.vector8()}
	return m, r.end()
}

// Append adds the body to dst.
func (m *HelloVerifyRequest) Append(dst []byte) []byte {
	return appendVector8(binary.BigEndian.AppendUint16(dst, m.Version), m.Cookie)
}
