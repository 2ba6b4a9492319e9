package api

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// problem is a failure with what is known around it.
type problem struct {
	cause      error  // of cloud/fault
	words      string // what `error` begins with, if the table of errors does not say
	info       string
	device     *rest.DeviceState
	stage      bus.Stage
	candidates []rest.Candidate
	retryAfter time.Duration
}

func (p *problem) Error() string { return p.cause.Error() }

func (p *problem) Unwrap() error { return p.cause }

// methodError is a path that exists for other methods.
type methodError struct {
	method  string
	methods []string
}

func (e *methodError) Error() string {
	return "this path does not take " + printable(e.method, 20) + ", only " + strings.Join(e.methods, ", ")
}

func (e *methodError) Unwrap() error {
	return fault.Errorf(fault.Invalid, "%s", e.Error()).WithCode(rest.CodeMethodNotAllowed)
}

// fail answers a request that failed.
func (a *API) fail(w http.ResponseWriter, r *request, err error) {
	p, ok := errors.AsType[*problem](err)
	if !ok {
		p = &problem{cause: err}
	}
	code := fault.CodeOf(err)
	row := failureOf(err)
	status := row.Status
	body := rest.Error{
		Description: sentence(err), Code: code, Info: p.info, RequestID: r.id, Device: p.device, Candidates: p.candidates,
	}
	body.Message = messageOf(&row, p.words, body.Description)
	if p.stage != bus.StageUnknown {
		body.Stage = p.stage.String()
	}
	if code == rest.CodeTokenMissing || status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="cyan"`)
	} else {
		body.Message, body.Description = unlikeToken(body.Message), unlikeToken(body.Description)
	}
	ours := status == http.StatusInternalServerError || status == http.StatusServiceUnavailable
	if ours || p.device != nil {
		body.Cloud = &rest.CloudState{Status: rest.CloudOK}
		if ours {
			body.Cloud.Status = rest.CloudDegraded
		}
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(p.retryAfter.Round(time.Second)/time.Second))))
	}
	a.metrics.errors.WithLabelValues(code).Inc()
	if ours && r.Context().Err() == nil {
		a.log.Error("request failed", "request", r.id, "code", code, "err", err)
	}
	_ = answer(w, status, body) // an error body can always be written as JSON
}

// failureOf finds the row of the table of errors: that of the failure's code
// or, if it has none there, of its kind.
func failureOf(err error) rest.Failure {
	kind, _ := rest.FailureOf(fault.KindOf(err).String())
	row, ok := rest.FailureOf(fault.CodeOf(err))
	if !ok {
		return kind
	}
	if row.Or != 0 && row.Or == kind.Status {
		row.Status = row.Or
	}
	return row
}

// messageOf makes `error`: the words that programs know, then the truth.
func messageOf(row *rest.Failure, words, description string) string {
	if words == "" {
		words = row.Words
	}
	switch {
	case words == "" || strings.HasPrefix(description, words):
		return description
	case row.Whole:
		return words
	default:
		return strings.TrimSuffix(words, ".") + ". " + description
	}
}

// sentence is the failure in words for people. The cause of one of our own
// stays in the log: it can name files and addresses.
func sentence(err error) string {
	msg := "this server has met a defect of its own"
	if f, ok := errors.AsType[*fault.Error](err); ok {
		msg = f.Msg
	}
	if msg == "" {
		return "unknown failure"
	}
	return strings.ToUpper(msg[:1]) + msg[1:]
}

// accessToken is what clients take for a failure of the token, wherever it
// stands.
var accessToken = regexp.MustCompile(`(?i)access token`)

// unlikeToken keeps a text that is not about the token from being taken for
// one that is: a function may be called so.
func unlikeToken(s string) string { return accessToken.ReplaceAllString(s, "access-token") }

// storeError marks a failure of the database as one, if it is.
func storeError(err error) error {
	if kind := fault.KindOf(err); kind == fault.Unavailable || kind == fault.Internal {
		return fault.E(fault.Unavailable, "the database of this server does not answer", err).WithCode(rest.CodeStoreUnavailable)
	}
	return err
}

// noDevice is the answer for a device that is not there, or not the
// caller's: the two must not be told apart. Programs know it by its info.
func noDevice(asked string) error {
	return &problem{
		cause: fault.Errorf(fault.Denied, "none of your devices has the name or id %s", printable(asked, 100)).
			WithCode(rest.CodeDeviceUnknown),
		words: rest.WordsPermissionDenied,
		info:  rest.WordsNotRecognized + ": none of your devices is called " + printable(asked, 100),
	}
}

// noDeviceToCall is noDevice on a function call, where programs expect 404.
func noDeviceToCall(asked string) error {
	return &problem{
		cause: fault.Errorf(fault.NotFound, "none of your devices has the name or id %s", printable(asked, 100)).
			WithCode(rest.CodeDeviceUnknown),
		words: rest.WordsDeviceNotFound,
		info:  rest.WordsNotRecognized + ": none of your devices is called " + printable(asked, 100),
	}
}

// question is what a device is asked, for the words of an error.
type question struct {
	verb, kind, name string        // "call of", "function", "reset"
	patience         time.Duration // how long the device has
}

func (q *question) String() string { return strings.TrimSpace(q.verb + " " + q.thing()) }

func (q *question) thing() string { return strings.TrimSpace(q.kind + " " + printable(q.name, 100)) }

// callProblem puts a call's failure into words: what was asked, what the
// device's state is and how far the call came.
func callProblem(ctx context.Context, d *device.Device, q question, res bus.Result, err error) error {
	p := &problem{cause: err, stage: res.Stage}
	if res.State != (device.State{}) {
		p.device = deviceState(d, res.State)
	}
	code := fault.CodeOf(err)
	switch kind := fault.KindOf(err); {
	case ctx.Err() != nil:
		p.cause = fault.Errorf(fault.Timeout, "the caller stopped waiting")
	case kind == fault.Offline:
		p.stage = bus.NotConnected
		p.device = deviceState(d, res.State)
		p.cause = fault.Errorf(fault.Offline, "device %s %s; the %s was not sent", nameOf(d), since(d, res.State), &q).
			WithCode(rest.CodeNotConnected)
	case kind == fault.Timeout:
		p.cause = silent(nameOf(d), &q, res.Stage)
	case code == rest.CodeFunctionUnknown, code == rest.CodeVariableUnknown:
		p.cause = fault.E(fault.NotFound, "device "+nameOf(d)+" has no "+q.thing(), err).WithCode(code)
		p.words = "Function " + printable(q.name, 100) + " not found."
		if code == rest.CodeVariableUnknown {
			p.words, p.info = "Unknown Variable: "+printable(q.name, 100)+".", rest.WordsVariableNotFound
		}
	case kind == fault.Busy:
		p.cause = fault.E(fault.Busy, "device "+nameOf(d)+" has too much to do: "+err.Error(), err).WithCode(rest.CodeDeviceBusy)
	}
	return p
}

// silent is a device that did not answer: which half of the way failed
// decides what its owner does next.
func silent(name string, q *question, stage bus.Stage) error {
	if stage == bus.AckedNoResponse {
		return fault.Errorf(fault.Timeout, "device %s has received the %s, but its application did not answer within %v: "+
			"its loop may be blocked", name, q, q.patience).WithCode(rest.CodeAckedNoResponse)
	}
	return fault.Errorf(fault.Timeout, "device %s is connected but did not acknowledge the %s within %v: "+
		"its connection may be lost", name, q, q.patience).WithCode(rest.CodeSentNoAck)
}
