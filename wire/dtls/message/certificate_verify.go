package message

import "encoding/binary"

// CertificateVerify proves the client's key: a signature over all handshake messages before it. RFC 5246 §7.4.8.
//
//	+------------+--------------+
//	| scheme (2) | 2: signature |
//	+------------+--------------+
type CertificateVerify struct {
	Scheme    uint16
	Signature []byte // ASN.1
}

// ParseCertificateVerify reads a body. Signature is a view of b.
func ParseCertificateVerify(b []byte) (CertificateVerify, error) {
	r := reader{b: b}
	m := CertificateVerify{Scheme: r.uint16(), Signature: r.vector16()}
	return m, r.end()
}

// Append adds the body to dst.
func (m *CertificateVerify) Append(dst []byte) []byte {
	return appendVector16(binary.BigEndian.AppendUint16(dst, m.Scheme), m.Signature)
}
