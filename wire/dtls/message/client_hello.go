package message

import "encoding/binary"

// ClientHello opens a handshake, and repeats itself with the cookie that HelloVerifyRequest gave it. RFC 6347 §4.2.1.
//
//	+---------+-------------+------------------+---------------+-------------------+-----------------+----------------+
//	| version | random (32) | 1: session id    | 1: cookie     | 2: cipher suites  | 1: compressions | 2: extensions  |
//	+---------+-------------+------------------+---------------+-------------------+-----------------+----------------+
type ClientHello struct {
	Version     uint16
	Random      [32]byte
	SessionID   []byte // up to 32 bytes; empty from Device OS
	Cookie      []byte
	Suites      []byte // 16-bit numbers
	Compression []byte
	Extensions  Extensions
}

// ParseClientHello reads a body. Its slices are views of b.
func ParseClientHello(b []byte) (ClientHello, error) {
	r := reader{b: b}
	m := ClientHello{Version: r.uint16()}
	copy(m.Random[:], r.take(len(m.Random)))
	m.SessionID = r.vector8()
	m.Cookie = r.vector8()
	m.Suites = r.vector16()
	m.Compression = r.vector8()
	m.Extensions = parseExtensions(&r)
	if len(m.SessionID) > 32 || len(m.Suites)%2 != 0 || len(m.Suites) == 0 || len(m.Compression) == 0 {
		return ClientHello{}, ErrMessage
	}
	return m, r.end()
}

// Append adds the body to dst.
func (m *ClientHello) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, m.Version)
	dst = append(dst, m.Random[:]...)
	dst = appendVector8(dst, m.SessionID)
	dst = appendVector8(dst, m.Cookie)
	dst = appendVector16(dst, m.Suites)
	dst = appendVector8(dst, m.Compression)
	return m.Extensions.append(dst)
}
