package message

import "encoding/binary"

// ServerHello says what the server chose. RFC 5246 §7.4.1.3.
//
//	+---------+-------------+---------------+-----------+-----------------+---------------+
//	| version | random (32) | 1: session id | suite (2) | compression (1) | 2: extensions |
//	+---------+-------------+---------------+-----------+-----------------+---------------+
type ServerHello struct {
	Version     uint16
	Random      [32]byte
	SessionID   []byte
	Suite       uint16
	Compression uint8
	Extensions  Extensions
}

// ParseServerHello reads a body. Its slices are views of b.
func ParseServerHello(b []byte) (ServerHello, error) {
	r := reader{b: b}
	m := ServerHello{Version: r.uint16()}
	copy(m.Random[:], r.take(len(m.Random)))
	m.SessionID = r.vector8()
	m.Suite = r.uint16()
	m.Compression = r.uint8()
	m.Extensions = parseExtensions(&r)
	if len(m.SessionID) > 32 {
		return ServerHello{}, ErrMessage
	}
	return m, r.end()
}

// Append adds the body to dst.
func (m *ServerHello) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, m.Version)
	dst = append(dst, m.Random[:]...)
	dst = appendVector8(dst, m.SessionID)
	dst = binary.BigEndian.AppendUint16(dst, m.Suite)
	return m.Extensions.append(append(dst, m.Compression))
}
