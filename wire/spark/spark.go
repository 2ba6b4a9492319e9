// Package spark is the language that Device OS devices speak over CoAP: what
// they say about themselves, what they are asked to do, and the events that
// go both ways. It knows bytes and values; who says what and when is the
// business of a session above it.
//
// Every message has a file of its own and is read and written in both
// directions: a cloud parses what devices send and appends what they get, a
// virtual device does the reverse. Requests are told apart by method and by
// the first letter of their path:
//
//	device → cloud                        cloud → device
//	POST /h   hello            Hello      POST /h          hello (TCP only)
//	POST /d   describe         Describe   GET  /d          describe
//	GET  /t   time             Time       POST /f/<name>   function call
//	POST /E   event            Event      GET  /v/<name>   variable
//	GET  /e   subscription                POST /e/<name>   event
//	POST /x   goodbye          Goodbye    PUT  /s          signal
//	CON 0.00  ping                        PUT  /k          key change
//
// # What devices insist on
//
// Device OS looks for many things at fixed places instead of parsing options,
// and drops the whole connection when they are not there. The Append functions
// for the cloud's side keep to that, and the Parse functions for the device's
// side refuse what a device would misread:
//
//   - a token is exactly one byte, and requests that are answered have one;
//   - the first option is the Uri-Path of one letter, directly after the token;
//   - in function calls and variable requests only the name follows, and then,
//     for functions always, the Uri-Query that is the argument;
//   - a 2.05 that answers anything but the time request sets a device's clock;
//   - describe is asked for one part at a time;
//   - an event without a name ends the connection.
//
// # Bounds
//
// Everything here may come from somebody hostile. Lengths and counts are
// checked before anything is allocated: names by MaxName, describes by
// MaxDescribe and the limits beside it. What is malformed is one of the
// sentinel errors below, never a half-filled value.
package spark

import (
	"errors"
	"unicode/utf8"

	"github.com/cyan-cloud/cyan/wire/coap"
)

// What the Parse functions find wrong, and the Append functions refuse.
var (
	// ErrKind says that the message is not of the kind that the function reads.
	ErrKind = errors.New("spark: message of another kind")
	// ErrToken says that a token is not exactly one byte.
	ErrToken = errors.New("spark: token is not one byte")
	// ErrLayout says that a request is valid CoAP, but not laid out as a device
	// reads it.
	ErrLayout = errors.New("spark: options not where devices look for them")
	// ErrOption says that an option's value is out of its range.
	ErrOption = errors.New("spark: bad option value")
	// ErrName says that a name is empty, too long or not printable.
	ErrName = errors.New("spark: bad name")
	// ErrTooLong says that an argument, an event's data or a value is longer
	// than any device takes.
	ErrTooLong = errors.New("spark: data too long")
	// ErrHello says that a Hello is cut off or its device id is of another size.
	ErrHello = errors.New("spark: bad hello")
	// ErrDescribe says that a describe is malformed.
	ErrDescribe = errors.New("spark: malformed describe")
	// ErrTooLarge says that a describe exceeds a bound.
	ErrTooLarge = errors.New("spark: describe too large")
	// ErrFlag says that a describe was asked for no part, or for several.
	ErrFlag = errors.New("spark: describe is asked for one part at a time")
	// ErrMetrics says that metrics are malformed.
	ErrMetrics = errors.New("spark: malformed metrics")
	// ErrValue says that bytes are no value of the type asked for.
	ErrValue = errors.New("spark: value does not fit its type")
	// ErrResult says that a function's result is not four bytes.
	ErrResult = errors.New("spark: bad function result")
	// ErrRefused says that the device answered with an error: the message's
	// code tells which.
	ErrRefused = errors.New("spark: device refused")
	// ErrTime says that an answer to a time request is malformed.
	ErrTime = errors.New("spark: bad time")
	// ErrGoodbye says that a Goodbye is malformed.
	ErrGoodbye = errors.New("spark: bad goodbye")
)

// MaxName is the longest name of a function, a variable or an event, and the
// longest prefix of a subscription, in bytes. Device OS 0.7 and older stop at
// 12 for functions and variables and at 63 for events.
const MaxName = 64

// Parse reads one message from a device, as coap.Parse does, with one
// allowance: Device OS before 3.3 ends an event whose data is the empty string
// with a payload marker and nothing behind it, which RFC 7252 forbids. Refused,
// such an event would be repeated until the device gave the session up. It is
// read as an event without data.
func Parse(datagram []byte) (coap.Message, error) {
	m, err := coap.Parse(datagram)
	if !errors.Is(err, coap.ErrPayload) {
		return m, err
	}
	bare, again := coap.Parse(datagram[:len(datagram)-1])
	if again != nil || Classify(&bare) != KindEvent {
		return coap.Message{}, err
	}
	return bare, nil
}

// Token returns the one-byte token of m, or ErrToken: Device OS sends no other.
func Token(m *coap.Message) (byte, error) {
	if len(m.Token) != 1 {
		return 0, ErrToken
	}
	return m.Token[0], nil
}

// checkName refuses names that no device has, and those that would break the
// lines of an event stream or a log.
func checkName(name string) error {
	if name == "" || len(name) > MaxName || !utf8.ValidString(name) {
		return ErrName
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f {
			return ErrName
		}
	}
	return nil
}

// begin starts a message whose first option is the one-letter path that tells
// devices what it is.
func begin(dst []byte, t coap.Type, code coap.Code, id uint16, token []byte, letter byte) coap.Builder {
	b := coap.Begin(dst, t, code, id, token)
	b.Option(coap.URIPath, []byte{letter})
	return b
}
