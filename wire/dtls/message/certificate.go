package message

// PointOf returns the 65-byte uncompressed point inside a P-256 SubjectPublicKeyInfo.
func PointOf(spki []byte) ([]byte, error) {
	if len(spki) != len(spkiPrefix)+65 || string(spki[:len(spkiPrefix)]) != spkiPrefix {
		return nil, ErrMessage
	}
	return spki[len(spkiPrefix):], nil
}

// AppendSPKI adds the SubjectPublicKeyInfo of an uncompressed P-256 point.
func AppendSPKI(dst, point []byte) []byte {
	return append(append(dst, spkiPrefix...), point...)
}

const spkiPrefix = "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00"
