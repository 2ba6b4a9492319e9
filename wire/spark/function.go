package spark

import (
	"encoding/binary"

	"github.com/cyan-cloud/cyan/wire/coap"
)

// MaxArgument is the longest argument of a function that any device takes, in
// bytes; Limits tells what a certain one takes. A device that gets more answers
// 4.00 and calls the function all the same, with the argument cut off.
const MaxArgument = 1024

// Function is a call of a function.
type Function struct {
	Token    byte
	Name     string
	Argument string
}

// AppendFunction appends a function call: CON POST /f/<name>?<argument>. The
// device acknowledges it at once and answers when the function returns, which
// may take as long as the application likes. A function that it does not have
// it acknowledges and never answers: look at the describe first.
//
//	41 02 <id> <token> b1 'f' <0n|0d n-13> <name> <4n|4d n-13|4e n-269> <argument>
//
// The argument's option is always there, because a device reads it unasked. It
// is a C string over there: what follows a zero byte is lost. The name must be
// 1..MaxName printable bytes (ErrName), the argument at most MaxArgument
// (ErrTooLong).
func AppendFunction(dst []byte, id uint16, token byte, name, argument string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return dst, err
	}
	if len(argument) > MaxArgument {
		return dst, ErrTooLong
	}
	b := begin(dst, coap.Confirmable, coap.POST, id, []byte{token}, 'f')
	b.Text(coap.URIPath, name)
	b.Text(coap.URIQuery, argument)
	return b.Bytes()
}

// ParseFunction reads a function call as a device does: from fixed places. A
// request that has its parts elsewhere is ErrLayout or ErrToken; a device would
// call another function, or drop the connection.
func ParseFunction(m *coap.Message) (Function, error) {
	if ClassifyRequest(m) != KindFunction {
		return Function{}, ErrKind
	}
	token, err := Token(m)
	if err != nil {
		return Function{}, err
	}
	o := m.Options()
	o.Next()
	if !o.Next() || o.Number != coap.URIPath {
		return Function{}, ErrLayout
	}
	f := Function{Token: token, Name: string(o.Value)}
	if len(f.Name) > MaxName {
		return Function{}, ErrName
	}
	if !o.Next() || o.Number != coap.URIQuery {
		return Function{}, ErrLayout
	}
	if len(o.Value) > MaxArgument {
		return Function{}, ErrTooLong
	}
	f.Argument = string(o.Value)
	return f, nil
}

// AppendFunctionResult appends what a function returned: CON on UDP, NON on
// TCP. Negative numbers are results like any other.
//
//	[41|51] 44 <id> <token> ff <result, 4 bytes>
func AppendFunctionResult(dst []byte, t coap.Type, id uint16, token byte, result int32) ([]byte, error) {
	b := coap.Begin(dst, t, coap.Changed, id, []byte{token})
	b.Payload(binary.BigEndian.AppendUint32(nil, uint32(result)))
	return b.Bytes()
}

// ParseFunctionResult reads what a function returned. An error of the device
// (4.00: argument too long) is ErrRefused, and m.Code says which.
func ParseFunctionResult(m *coap.Message) (int32, error) {
	switch {
	case !m.Code.Response():
		return 0, ErrKind
	case m.Code.Class() != 2:
		return 0, ErrRefused
	case len(m.Payload) != 4:
		return 0, ErrResult
	}
	return int32(binary.BigEndian.Uint32(m.Payload)), nil
}
