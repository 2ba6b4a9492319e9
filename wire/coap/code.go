package coap

// Code is the method of a request or the status of a response: three bits of
// class and five of detail, written "2.05" (RFC 7252, section 3).
type Code uint8

// Empty is the code of a message that is only a header: a ping, an
// acknowledgement whose response comes later, or a reset.
const Empty Code = 0

// Methods (RFC 7252, section 12.1.1).
const (
	GET    Code = 1
	POST   Code = 2
	PUT    Code = 3
	DELETE Code = 4
)

// Statuses (RFC 7252, section 12.1.2, and RFC 7959, section 2.9).
const (
	Created                  Code = 2<<5 | 1
	Deleted                  Code = 2<<5 | 2
	Valid                    Code = 2<<5 | 3
	Changed                  Code = 2<<5 | 4
	Content                  Code = 2<<5 | 5 // a Device OS device takes every 2.05 for the answer to its time request
	Continue                 Code = 2<<5 | 31
	BadRequest               Code = 4 << 5
	Unauthorized             Code = 4<<5 | 1
	BadOption                Code = 4<<5 | 2
	Forbidden                Code = 4<<5 | 3
	NotFound                 Code = 4<<5 | 4
	MethodNotAllowed         Code = 4<<5 | 5
	NotAcceptable            Code = 4<<5 | 6
	RequestEntityIncomplete  Code = 4<<5 | 8
	PreconditionFailed       Code = 4<<5 | 12
	RequestEntityTooLarge    Code = 4<<5 | 13
	UnsupportedContentFormat Code = 4<<5 | 15
	InternalServerError      Code = 5 << 5
	NotImplemented           Code = 5<<5 | 1
	BadGateway               Code = 5<<5 | 2
	ServiceUnavailable       Code = 5<<5 | 3
	GatewayTimeout           Code = 5<<5 | 4
	ProxyingNotSupported     Code = 5<<5 | 5
)

// Class returns the part before the dot: 0 request or empty, 2 success,
// 4 fault of the requester, 5 fault of the responder; 1, 3, 6 and 7 are not
// assigned.
func (c Code) Class() int { return int(c >> 5) }

// Detail returns the part after the dot, 0..31.
func (c Code) Detail() int { return int(c & 31) }

// Request reports whether the code is a method (0.01 to 0.31).
func (c Code) Request() bool { return c != Empty && c.Class() == 0 }

// Response reports whether the code is a status (2.00 to 5.31).
func (c Code) Response() bool { return c.Class() >= 2 && c.Class() <= 5 }

// String returns the dotted form, such as "2.05".
func (c Code) String() string {
	d := c.Detail()
	return string([]byte{'0' + byte(c.Class()), '.', '0' + byte(d/10), '0' + byte(d%10)})
}

// allowed reports whether messages of type t may carry c (RFC 7252,
// section 4.3, table 1; reserved classes: section 4.2).
func (c Code) allowed(t Type) bool {
	switch {
	case c == Empty:
		return t != NonConfirmable
	case t == Reset:
		return false
	case c.Request():
		return t != Acknowledgement
	}
	return c.Response()
}
