package spark

import (
	"encoding/binary"
	"math"

	"github.com/cyan-cloud/cyan/wire/coap"
)

// AppendVariable appends a request for a variable's value: CON GET /v/<name>.
// Device OS 1.5 and later acknowledges it at once and answers 2.05, or 4.04 for
// a name that it does not know; before, either came in the acknowledgement.
//
//	41 01 <id> <token> b1 'v' <0n|0d n-13> <name>
//
// The name must be 1..MaxName printable bytes (ErrName).
func AppendVariable(dst []byte, id uint16, token byte, name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return dst, err
	}
	b := begin(dst, coap.Confirmable, coap.GET, id, []byte{token}, 'v')
	b.Text(coap.URIPath, name)
	return b.Bytes()
}

// ParseVariable reads a request for a variable's value as a device does: the
// name at a fixed place, or ErrLayout; a token of one byte, or ErrToken.
func ParseVariable(m *coap.Message) (token byte, name string, err error) {
	if ClassifyRequest(m) != KindVariable {
		return 0, "", ErrKind
	}
	if token, err = Token(m); err != nil {
		return 0, "", err
	}
	o := m.Options()
	o.Next()
	if !o.Next() || o.Number != coap.URIPath {
		return 0, "", ErrLayout
	}
	if len(o.Value) > MaxName {
		return 0, "", ErrName
	}
	return token, string(o.Value), nil
}

// AppendValue appends a device's answer to a variable request: CON on UDP, NON
// on TCP.
//
//	[41|51] 45 <id> <token> ff <value>
func AppendValue(dst []byte, t coap.Type, id uint16, token byte, v Value) ([]byte, error) {
	b := coap.Begin(dst, t, coap.Content, id, []byte{token})
	b.Payload(EncodeValue(nil, v))
	return b.Bytes()
}

// AppendRefusal appends a device's answer to a request that it can't serve,
// such as 4.04 to one for a variable that it does not have.
//
//	[41|51] <code> <id> <token>
func AppendRefusal(dst []byte, t coap.Type, id uint16, token byte, code coap.Code) ([]byte, error) {
	b := coap.Begin(dst, t, code, id, []byte{token})
	return b.Bytes()
}

// ParseValue reads the answer to a variable request as a value of type t. An
// error of the device is ErrRefused, and m.Code says which: 4.04 is a name that
// it does not know. Bytes that are no value of the type are ErrValue.
func ParseValue(m *coap.Message, t VariableType) (Value, error) {
	switch {
	case !m.Code.Response():
		return Value{}, ErrKind
	case m.Code.Class() != 2:
		return Value{}, ErrRefused
	}
	return DecodeValue(t, m.Payload)
}

// VariableType is the type of a variable as a describe states it. Other numbers
// than these are kept as they are.
type VariableType uint8

// Types of variables.
const (
	TypeBool   VariableType = 1
	TypeInt    VariableType = 2
	TypeString VariableType = 4
	TypeDouble VariableType = 9
)

var typeNames = map[VariableType]string{
	TypeBool: "bool", TypeInt: "int32", TypeString: "string", TypeDouble: "double",
}

// String returns the name that people see: "bool", "int32", "string", "double",
// or "unknown".
func (t VariableType) String() string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return "unknown"
}

// MaxValue is the longest value of a variable that any device sends, in bytes.
const MaxValue = 1024

// Value is the value of a variable; Type tells which field holds it. The wire
// does not say the type: it has to be known from the describe.
//
//	type     bytes  form
//	bool     1      00 or 01
//	int32    4      two's complement, big endian
//	double   8      IEEE 754, little endian
//	string   any    as it is, without a terminator; so is any unknown type
type Value struct {
	Type   VariableType
	Bool   bool
	Int    int32
	Double float64
	Text   string // for TypeString and every unknown type; any bytes
}

// DecodeValue reads the payload of a variable's answer as a value of type t,
// or returns ErrValue when its length is not that of the type.
func DecodeValue(t VariableType, payload []byte) (Value, error) {
	v := Value{Type: t}
	switch t {
	case TypeBool:
		if len(payload) != 1 {
			return Value{}, ErrValue
		}
		v.Bool = payload[0] != 0
	case TypeInt:
		if len(payload) != 4 {
			return Value{}, ErrValue
		}
		v.Int = int32(binary.BigEndian.Uint32(payload))
	case TypeDouble:
		if len(payload) != 8 {
			return Value{}, ErrValue
		}
		v.Double = math.Float64frombits(binary.LittleEndian.Uint64(payload))
	default:
		if len(payload) > MaxValue {
			return Value{}, ErrTooLong
		}
		v.Text = string(payload)
	}
	return v, nil
}

// EncodeValue appends the payload that stands for v.
func EncodeValue(dst []byte, v Value) []byte {
	switch v.Type {
	case TypeBool:
		if v.Bool {
			return append(dst, 1)
		}
		return append(dst, 0)
	case TypeInt:
		return binary.BigEndian.AppendUint32(dst, uint32(v.Int))
	case TypeDouble:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Double))
	}
	return append(dst, v.Text...)
}
