package message

import "encoding/binary"

// ServerKeyExchange carries the server's ephemeral point, signed. RFC 8422 §5.4, RFC 5246 §7.4.3.
//
//	+------------+-----------+----------+------------+--------------+
//	| curve type | group (2) | 1: point | scheme (2) | 2: signature |
//	+------------+-----------+----------+------------+--------------+
type ServerKeyExchange struct {
	CurveType uint8 // CurveTypeNamed
	Group     uint16
	Point     []byte
	Scheme    uint16
	Signature []byte // ASN.1
}

// ParseServerKeyExchange reads a body. Its slices are views of b.
func ParseServerKeyExchange(b []byte) (ServerKeyExchange, error) {
	r := reader{b: b}
	m := ServerKeyExchange{
		CurveType: r.uint8(),
		Group:     r.uint16(),
		Point:     r.vector8(),
		Scheme:    r.uint16(),
		Signature: r.vector16(),
	}
	return m, r.end()
}

// Append adds the body to dst.
func (m *ServerKeyExchange) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(m.appendParams(dst), m.Scheme)
	return appendVector16(dst, m.Signature)
}

// AppendSigned adds what the signature covers: both randoms and the parameters in front of it.
func (m *ServerKeyExchange) AppendSigned(dst []byte, client, server *[32]byte) []byte {
	return m.appendParams(append(append(dst, client[:]...), server[:]...))
}

func (m *ServerKeyExchange) appendParams(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(append(dst, m.CurveType), m.Group)
	return appendVector8(dst, m.Point)
}
