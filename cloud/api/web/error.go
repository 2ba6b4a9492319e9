package web

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// fail answers a request that failed.
func (d *Door) fail(w *response, r *Request, err error) {
	p, ok := errors.AsType[*Problem](err)
	if !ok {
		p = &Problem{Cause: err}
	}
	code := fault.CodeOf(err)
	w.code = code
	row := failureOf(err)
	status := row.Status
	body := rest.Error{
		Description: sentence(err), Code: code, Info: p.Info, RequestID: r.ID, Device: p.Device, Candidates: p.Candidates,
		Stage: p.Stage, MFAToken: p.MFAToken,
	}
	body.Message = messageOf(&row, p.Words, body.Description)
	if code == rest.CodeTokenMissing || status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="cyan"`)
	} else {
		body.Message, body.Description = unlikeToken(body.Message), unlikeToken(body.Description)
	}
	ours := status == http.StatusInternalServerError || status == http.StatusServiceUnavailable
	if ours || p.Device != nil {
		body.Cloud = &rest.CloudState{Status: rest.CloudOK}
		if ours {
			body.Cloud.Status = rest.CloudDegraded
		}
	}
	if d.outage != nil && (status == http.StatusServiceUnavailable || status == http.StatusRequestTimeout) {
		if body.Incident = d.outage.Matching(r.pattern(), status, code); body.Incident != nil && body.Cloud != nil {
			body.Cloud.Status = rest.CloudDegraded
		}
	}
	if d.outage != nil && body.Cloud != nil {
		if since := d.outage.Unwatched(); !since.IsZero() {
			body.Cloud.Unwatched = rest.At(since)
		}
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(p.RetryAfter.Round(time.Second)/time.Second))))
	}
	d.metrics.errors.WithLabelValues(code).Inc()
	if ours && r.Context().Err() == nil {
		d.log.Error("request failed", "request", r.ID, "code", code, "err", err)
	}
	_ = Answer(w, status, body) // an error body can always be written as JSON
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
