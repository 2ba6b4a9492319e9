package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// Error is an answer of the API that is not 2xx. Its Body.Code tells
// programs what happened, its Body.Description people.
type Error struct {
	Status     int           // of HTTP
	Body       rest.Error    // as the API sent it; filled in as well as can be if something else answered
	RetryAfter time.Duration // when to try again; zero: the API did not say
	MFAToken   string        // of a login that wants a second factor: for GrantOTP
}

// Error gives the sentence for people and the request's id.
func (e *Error) Error() string {
	text := e.Body.Description
	if text == "" {
		text = e.Body.Message
	}
	if e.Body.RequestID != "" {
		text += " (request " + e.Body.RequestID + ")"
	}
	return text
}

// Temporary tells whether the same request may succeed later: something is
// down or overloaded, or the device did not answer.
func (e *Error) Temporary() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// maxError bounds what is read of an error's body, in bytes.
const maxError = 64 << 10

// readError makes an Error of an answer. Between the client and the API can
// stand something else that answers with a page of its own.
func readError(res *http.Response) *Error {
	e := &Error{Status: res.StatusCode}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxError))
	if err == nil {
		err = json.Unmarshal(body, &e.Body)
	}
	if err != nil || e.Body.Message == "" && e.Body.Description == "" {
		text := fmt.Sprintf("%s answered %s and did not say why", res.Request.URL.Host, res.Status)
		e.Body = rest.Error{Message: text, Description: text, RequestID: res.Header.Get("X-Request-Id")}
	}
	var second struct {
		Token string `json:"mfa_token"`
	}
	if json.Unmarshal(body, &second) == nil {
		e.MFAToken = second.Token
	}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}
