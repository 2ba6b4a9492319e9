package spark

import (
	"encoding/binary"
	"math"
)

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
