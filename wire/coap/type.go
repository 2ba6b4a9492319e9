package coap

import "strconv"

// Type says what a message expects of the message layer (RFC 7252, section 3).
type Type uint8

// The four types.
const (
	Confirmable     Type = 0 // to be acknowledged, and sent again until it is
	NonConfirmable  Type = 1 // sent once
	Acknowledgement Type = 2 // settles a Confirmable; may carry the response
	Reset           Type = 3 // refuses a message; a Device OS device drops its session on it
)

// String returns CON, NON, ACK or RST.
func (t Type) String() string {
	switch t {
	case Confirmable:
		return "CON"
	case NonConfirmable:
		return "NON"
	case Acknowledgement:
		return "ACK"
	case Reset:
		return "RST"
	}
	return "type " + strconv.Itoa(int(t))
}
