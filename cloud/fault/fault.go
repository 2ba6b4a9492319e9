// Package fault is the house's one list of ways to fail.
//
// A room that fails says which kind of failure it was, in a word that every
// door understands, and why, in a sentence for people. Three tables and no
// more turn the kind into what a door speaks: an HTTP status (cloud/api), a
// CoAP code (cloud/session) and an exit code (cmd/cyan).
package fault

import (
	"errors"
	"fmt"
)

// Kind is what sort of failure happened; it decides what the caller should
// do next, never who is to blame.
type Kind uint8

// The kinds of failure. The zero value is Internal, so that an error nobody
// classified is treated as our defect and not as the caller's.
const (
	Internal        Kind = iota // our defect: report it
	Invalid                     // the request cannot be understood: change it
	Unauthenticated             // the token or password is not good: log in
	Denied                      // known caller, not allowed: ask for the right
	NotFound                    // no such thing: check the name
	Conflict                    // it contradicts what is there: look first
	Offline                     // the device is not connected: wait for it
	Timeout                     // the device did not answer in time: try again
	Busy                        // too much at once: slow down
	Unavailable                 // a part of the cloud is down: try again later
)

var kindNames = [...]string{
	Internal: "internal", Invalid: "invalid", Unauthenticated: "unauthenticated", Denied: "denied",
	NotFound: "not_found", Conflict: "conflict", Offline: "offline", Timeout: "timeout", Busy: "busy",
	Unavailable: "unavailable",
}

// String gives the kind's name as it stands in logs and metrics.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "internal"
}

// Error is a failure with its kind. Msg is a sentence for people without the
// cause; Err, when there is one, is the cause for operators.
type Error struct {
	Kind Kind
	Code string // finer than Kind, for programs: one of the codes in wire/rest; empty means Kind's name
	Msg  string
	Err  error
}

// E makes an Error of the kind. The message names what failed in words for
// people; err, if not nil, is the cause.
func E(kind Kind, msg string, err error) *Error { return &Error{Kind: kind, Msg: msg, Err: err} }

// Errorf makes an Error of the kind with a formatted message and no cause.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

// WithCode sets the program-readable code and gives e back.
func (e *Error) WithCode(code string) *Error {
	e.Code = code
	return e
}

// Error gives the message and, after a colon, the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Msg
	}
	return e.Msg + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf tells the kind of the first Error in err's chain, or Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// CodeOf tells the code of the first Error in err's chain: its own code, or
// the name of its kind.
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Code != "" {
		return e.Code
	}
	return KindOf(err).String()
}
