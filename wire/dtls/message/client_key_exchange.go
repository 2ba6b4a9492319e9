package message

// ClientKeyExchange carries the client's ephemeral point. RFC 8422 §5.7.
//
//	+----------+
//	| 1: point |
//	+----------+
type ClientKeyExchange struct {
	Point []byte
}

// ParseClientKeyExchange reads a body. Point is a view of b.
func ParseClientKeyExchange(b []byte) (ClientKeyExchange, error) {
	r := reader{b: b}
	m := ClientKeyExchange{Point: r.vector8()}
	return m, r.end()
}

// Append adds the body to dst.
func (m *ClientKeyExchange) Append(dst []byte) []byte {
	return appendVector8(dst, m.Point)
}
