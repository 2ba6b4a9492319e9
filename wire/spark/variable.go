package spark

import "github.com/cyan-cloud/cyan/wire/coap"

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
