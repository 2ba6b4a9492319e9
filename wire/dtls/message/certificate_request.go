package message

// CertificateRequest asks the client to prove its key. Without it Device OS would not send one. RFC 5246 §7.4.4.
//
//	+----------------------+------------+----------------+
//	| 1: certificate types | 2: schemes | 2: authorities |
//	+----------------------+------------+----------------+
type CertificateRequest struct {
	Types       []byte // CertificateECDSA
	Schemes     []byte // 16-bit numbers
	Authorities []byte // empty
}

// ParseCertificateRequest reads a body. Its slices are views of b.
func ParseCertificateRequest(b []byte) (CertificateRequest, error) {
	r := reader{b: b}
	m := CertificateRequest{Types: r.vector8(), Schemes: r.vector16(), Authorities: r.vector16()}
	if len(m.Schemes)%2 != 0 {
		return CertificateRequest{}, ErrMessage
	}
	return m, r.end()
}

// Append adds the body to dst.
func (m *CertificateRequest) Append(dst []byte) []byte {
	return appendVector16(appendVector16(appendVector8(dst, m.Types), m.Schemes), m.Authorities)
}
