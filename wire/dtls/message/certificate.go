package message

// Certificate carries a raw public key: one length and the key, no list around it. RFC 7250 §3.
//
//	+---------+---------+
//	| len (3) | SPKI    |     91 bytes for P-256, none if the client has no key
//	+---------+---------+
type Certificate struct {
	SPKI []byte // SubjectPublicKeyInfo
}

// ParseCertificate reads a body. SPKI is a view of b.
func ParseCertificate(b []byte) (Certificate, error) {
	r := reader{b: b}
	m := Certificate{SPKI: r.take(r.uint24())}
	return m, r.end()
}

// Append adds the body to dst.
func (m *Certificate) Append(dst []byte) []byte {
	return append(appendUint24(dst, len(m.SPKI)), m.SPKI...)
}

// spkiPrefix is all of a P-256 SubjectPublicKeyInfo in front of the point: the algorithms id-ecPublicKey and prime256v1,
// and the header of the bit string. DER leaves no choice, so nothing needs to be parsed. RFC 5480 §2.
const spkiPrefix = "\x30\x59\x30\x13" + "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01" + "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07" + "\x03\x42\x00"

// PointOf returns the uncompressed point, 65 bytes, inside the SubjectPublicKeyInfo of a P-256 key, or ErrMessage. Whether
// the point is on the curve is not checked.
func PointOf(spki []byte) ([]byte, error) {
	if len(spki) != len(spkiPrefix)+PointSize || string(spki[:len(spkiPrefix)]) != spkiPrefix {
		return nil, ErrMessage
	}
	return spki[len(spkiPrefix):], nil
}

// AppendSPKI adds the SubjectPublicKeyInfo of an uncompressed P-256 point to dst.
func AppendSPKI(dst, point []byte) []byte {
	return append(append(dst, spkiPrefix...), point...)
}
