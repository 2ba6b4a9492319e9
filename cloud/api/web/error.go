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

// workPause is after how long a request that failed as a window of maintenance
// announced is worth another try; sooner where the window ends sooner.
const workPause = 30 * time.Second

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
	window := d.known(&body, r, status)
	body.Message = messageOf(&row, p.Words, body.Description)
	if code == rest.CodeTokenMissing || status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="cyan"`)
	} else {
		body.Message, body.Description = unlikeToken(body.Message), unlikeToken(body.Description)
	}
	ours := status == http.StatusInternalServerError || status == http.StatusServiceUnavailable
	if ours || p.Device != nil || window != nil {
		body.Cloud = d.cloud(ours || body.Incident != nil, window)
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests || window != nil {
		w.Header().Set("Retry-After", strconv.Itoa(int(pause(p.RetryAfter, window).Round(time.Second)/time.Second)))
	}
	d.metrics.errors.WithLabelValues(code).Inc()
	if ours && r.Context().Err() == nil {
		d.log.Error("request failed", "request", r.ID, "code", code, "err", err)
	}
	_ = Answer(w, status, body) // an error body can always be written as JSON
}

// known puts the open incident that a failure is likely to be of into its body,
// and gives the window of maintenance that announced it as possible. That
// stands in the description, and so in `error`, too: stock clients print one of
// them and nothing else.
func (d *Door) known(body *rest.Error, r *Request, status int) (window *rest.Maintenance) {
	if d.outage == nil || status != http.StatusServiceUnavailable && status != http.StatusRequestTimeout {
		return nil
	}
	if body.Incident, window = d.outage.Matching(r.pattern(), status, body.Code); window != nil {
		body.Description = strings.TrimSuffix(body.Description, ".") + "; announced maintenance may be why: " + window.Name +
			", until " + window.Ends.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return window
}

// cloud is what the cloud thinks of itself when something failed.
func (d *Door) cloud(degraded bool, window *rest.Maintenance) *rest.CloudState {
	state := &rest.CloudState{Status: rest.CloudOK, Maintenance: window}
	if degraded {
		state.Status = rest.CloudDegraded
	}
	if d.outage != nil {
		if since := d.outage.Unwatched(); !since.IsZero() {
			state.Unwatched = rest.At(since)
		}
	}
	return state
}

// pause is after how long another try is worth its while. What may fail for an
// hour is not asked for every second.
func pause(least time.Duration, window *rest.Maintenance) time.Duration {
	least = max(time.Second, least)
	if window != nil {
		return max(least, min(workPause, time.Until(window.Ends.Time)))
	}
	return least
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
