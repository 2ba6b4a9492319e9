package canary

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// The reasons of failed runs, beside the codes of the API's errors.
const (
	ReasonTimeout     = signal.ReasonTimeout  // nothing came within the deadline
	ReasonRefused     = "refused"             // nobody listens there
	ReasonUnresolved  = "unresolved"          // the name has no address
	ReasonUnreachable = "unreachable"         // no road to the address
	ReasonClosed      = "closed"              // the other side hung up
	ReasonHandshake   = "handshake_failed"    // keys were not agreed
	ReasonWrong       = "wrong_answer"        // an answer came, and it is not the right one
	ReasonCertificate = "bad_certificate"     // TLS: not valid, or of somebody else
	ReasonExpires     = "certificate_expires" // soon; the run itself went well
	ReasonStatus      = "bad_status"          // HTTP
	ReasonCanary      = "canary"              // the canary itself is not well
)

// failure is an error that knows its reason.
type failure struct{ reason, text string }

func (f *failure) Error() string { return f.text }

func wrong(format string, args ...any) error {
	return &failure{ReasonWrong, fmt.Sprintf(format, args...)}
}

// explain gives the code and the sentence of an error.
func explain(at signal.StepName, err error, deadline time.Duration) (reason, evidence string) {
	text := strings.TrimSpace(err.Error())
	var dns *net.DNSError
	var op *net.OpError
	if f, ok := errors.AsType[*failure](err); ok {
		return f.reason, f.text
	}
	if e, ok := errors.AsType[*client.Error](err); ok {
		reason = e.Body.Code
		if reason == "" {
			reason = ReasonStatus
		}
		return reason, fmt.Sprintf("the API answered %d: %s", e.Status, text)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return ReasonTimeout, fmt.Sprintf("%s had not come to an end when %v were over", at, deadline)
	case errors.As(err, &dns):
		return ReasonUnresolved, text
	case errors.Is(err, syscall.ECONNREFUSED):
		return ReasonRefused, text
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ReasonClosed, text
	case errors.As(err, &op):
		return ReasonUnreachable, text
	}
	return ReasonWrong, text
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
