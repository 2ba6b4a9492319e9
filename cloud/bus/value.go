package bus

import "github.com/cyan-cloud/cyan/cloud/device"

// Value is a variable's typed value. Only the field that Type names counts.
type Value struct {
	Type   device.VariableType // zero: none
	Bool   bool
	Int32  int32
	Double float64
	Text   string // device.String; any bytes, as the device sent them
}

// BoolValue makes a value of a boolean variable.
func BoolValue(v bool) Value { return Value{Type: device.Bool, Bool: v} }

// Int32Value makes a value of an integer variable.
func Int32Value(v int32) Value { return Value{Type: device.Int32, Int32: v} }

// DoubleValue makes a value of a floating-point variable.
func DoubleValue(v float64) Value { return Value{Type: device.Double, Double: v} }

// TextValue makes a value of a string variable.
func TextValue(v string) Value { return Value{Type: device.String, Text: v} }
