package spark

import "github.com/cyan-cloud/cyan/wire/coap"

// AppendSignal appends the request to begin or to end signalling: the status
// light of the device shows a rainbow, so that a person can find it. The device
// answers 2.04 in the acknowledgement. It reads the byte at offset 8 wherever
// the options are.
//
//	 0    1    2    3    4       5    6     7    8
//	+----+----+----+----+-------+----+-----+----+-------+
//	| 41 | 03 |   id    | token | b1 | 's' | 41 | 00/01 |
//	+----+----+----+----+-------+----+-----+----+-------+
func AppendSignal(dst []byte, id uint16, token byte, on bool) []byte {
	var state byte
	if on {
		state = 1
	}
	return append(dst, 0x41, byte(coap.PUT), byte(id>>8), byte(id), token, 0xb1, 's', 0x41, state)
}

// ParseSignal reads a signal request as a device does.
func ParseSignal(m *coap.Message) (on bool, err error) {
	if ClassifyRequest(m) != KindSignal {
		return false, ErrKind
	}
	if len(m.Token) != 1 {
		return false, ErrToken
	}
	o := m.Options()
	o.Next()
	if !o.Next() || o.Number != coap.URIQuery || len(o.Value) != 1 {
		return false, ErrLayout
	}
	return o.Value[0] != 0, nil
}
