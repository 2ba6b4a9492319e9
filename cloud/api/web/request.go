package web

import (
	"crypto/rand"
	"encoding/hex"
	"mime"
	"net/http"
	"net/netip"
	"strings"
)

// Request is a request on its way through the door.
type Request struct {
	*http.Request
	ID     string // names the request in answers and logs
	Caller Caller // who asks; zero on routes without a token
	Form   Form   // the body's fields; only where the route has a body

	route  *Route     // nil: none matches
	client netip.Addr // whom the request comes from
	note   note
}

// pattern is the pattern of the request's route.
func (r *Request) pattern() string {
	if r.route == nil {
		return "none"
	}
	return r.route.Pattern
}

// IsUpload tells whether the body carries files.
func (r *Request) IsUpload() bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "multipart/form-data"
}

// requestID takes the client's name for the request, if it is a good one, or
// makes one.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" && len(id) <= 64 && strings.Trim(id,
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.") == "" {
		return id
	}
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Printable cuts s to n bytes and replaces what could confuse a terminal.
func Printable(s string, n int) string {
	if len(s) > n {
		s = s[:n] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
