package spark

import (
	"encoding/binary"

	"github.com/cyan-cloud/cyan/wire/coap"
)

// AppendTimeRequest appends a device's question for the time. It is CON on UDP
// and TCP alike.
//
//	41 01 <id> <token> b1 't'
func AppendTimeRequest(dst []byte, id uint16, token byte) []byte {
	return append(dst, 0x41, byte(coap.GET), byte(id>>8), byte(id), token, 0xb1, 't')
}

// AppendTime appends the answer to the time request with the given id and
// token: Unix seconds in the acknowledgement. A device takes every 2.05 for
// this message and reads the four bytes at offset 6 without looking further, so
// this is the only 2.05 that a cloud may ever send.
//
//	 0    1    2    3    4       5    6    7    8    9
//	+----+----+----+----+-------+----+----+----+----+----+
//	| 61 | 45 |   id    | token | ff |   Unix seconds    |
//	+----+----+----+----+-------+----+----+----+----+----+
func AppendTime(dst []byte, id uint16, token byte, seconds uint32) []byte {
	dst = append(dst, 0x61, byte(coap.Content), byte(id>>8), byte(id), token, 0xff)
	return binary.BigEndian.AppendUint32(dst, seconds)
}

// ParseTime reads the answer to a time request: Unix seconds. It is as strict
// as devices are blind: a token that is not one byte, an option, or a payload
// that is not four bytes is ErrTime, where a device would set a wrong clock.
func ParseTime(m *coap.Message) (seconds uint32, err error) {
	if m.Code != coap.Content {
		return 0, ErrKind
	}
	o := m.Options()
	if len(m.Token) != 1 || len(m.Payload) != 4 || o.Next() {
		return 0, ErrTime
	}
	return binary.BigEndian.Uint32(m.Payload), nil
}
