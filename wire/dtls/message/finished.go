package message

// Finished proves, under the new keys, that both sides saw the same handshake. RFC 5246 §7.4.9.
//
//	+------------------+
//	| verify data (12) |
//	+------------------+
type Finished struct {
	VerifyData [12]byte
}

// ParseFinished reads a body.
func ParseFinished(b []byte) (Finished, error) {
	r := reader{b: b}
	var m Finished
	copy(m.VerifyData[:], r.take(len(m.VerifyData)))
	return m, r.end()
}

// Append adds the body to dst.
func (m *Finished) Append(dst []byte) []byte { return append(dst, m.VerifyData[:]...) }
