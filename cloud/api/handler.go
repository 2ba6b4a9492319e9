package api

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// request is a request on its way through the door.
type request struct {
	*http.Request
	id     string // names the request in answers and logs
	route  *route // nil: none matches
	caller caller // who asks; zero on routes without a token
	form   form   // the body's fields; only where the route has a body
}

// response counts what is answered.
type response struct {
	http.ResponseWriter
	status int
}

func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ServeHTTP answers one request.
func (a *API) ServeHTTP(plain http.ResponseWriter, hr *http.Request) {
	start := time.Now()
	w := &response{ResponseWriter: plain}
	r := &request{Request: hr, id: requestID(hr)}
	h := w.Header()
	h.Set("X-Request-Id", r.id)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	defer a.finish(w, r, start) //nolint:contextcheck // r has it
	if hr.Method == http.MethodOptions {
		a.preflight(w)
		return
	}
	if err := a.serve(w, r); err != nil { //nolint:contextcheck // r has it
		a.fail(w, r, err)
	}
}

// finish counts and logs the request. A handler that panicked has met our
// defect: its client gets an answer, and nobody else is harmed.
func (a *API) finish(w *response, r *request, start time.Time) {
	if v := recover(); v != nil {
		a.metrics.panics.Inc()
		a.log.Error("panic", "request", r.id, "value", v, "stack", string(debug.Stack()))
		if w.status == 0 {
			a.fail(w, r, fault.Errorf(fault.Internal, "this server has met a defect of its own"))
		}
	}
	pattern := "none"
	if r.route != nil {
		pattern = r.route.pattern
	}
	took := time.Since(start)
	a.metrics.requests.WithLabelValues(pattern, strconv.Itoa(w.status)).Inc()
	a.metrics.seconds.WithLabelValues(pattern).Observe(took.Seconds())
	level := slog.LevelDebug
	if w.status >= 500 {
		level = slog.LevelWarn
	}
	// The pattern and not the path: paths and queries can hold tokens.
	a.log.Log(r.Context(), level, "request", "request", r.id, "method", r.Method, "route", pattern,
		"device", r.PathValue("device"), "status", w.status, "took", took, "user", r.caller.user, "source", source(r.Request),
		"agent", printable(r.UserAgent(), 100), "tool", printable(r.Header.Get("X-Particle-Tool"), 100))
}

// preflight answers a browser that asks what it may do.
func (a *API) preflight(w *response) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers",
		"Authorization, Content-Type, Accept, X-Request-Id, X-Particle-Tool, X-Particle-Project, Last-Event-ID")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

// serve finds the route, checks who asks, reads the body and answers.
func (a *API) serve(w *response, r *request) error {
	if err := a.find(r); err != nil {
		if allowed, ok := errors.AsType[*methodError](err); ok {
			w.Header().Set("Allow", strings.Join(allowed.methods, ", "))
		}
		return err
	}
	if r.route.body && !(r.route.upload && isUpload(r.Request)) {
		var err error
		if r.form, err = readForm(w, r.Request, a.cfg.MaxBody); err != nil {
			return err
		}
	}
	if !r.route.open {
		var err error
		if r.caller, err = a.authenticate(r); err != nil {
			return err
		}
		if scope := r.route.scope; scope != "" && !r.caller.token.Allows(scope) {
			return fault.Errorf(fault.Denied, "this token is not allowed to do that: it lacks the scope %s", scope).
				WithCode(rest.CodeScopeMissing)
		}
	}
	return r.route.handle(w, r)
}

// find sets the request's route, or says why there is none.
func (a *API) find(r *request) error {
	clean := path.Clean(r.URL.EscapedPath())
	if clean != strings.TrimSuffix(r.URL.EscapedPath(), "/") && clean != "/" {
		return errNoRoute(r)
	}
	a.mux.ServeHTTP(nowhere{}, r.Request) // sets the pattern and the path's values
	if found, ok := a.routes[r.Pattern]; ok {
		r.route = found
		return nil
	}
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := *r.Request
		other.Method = method
		if _, pattern := a.mux.Handler(&other); a.routes[pattern] != nil {
			methods = append(methods, method)
		}
	}
	if len(methods) == 0 {
		return errNoRoute(r)
	}
	return &methodError{method: r.Method, methods: methods}
}

// nowhere is where the mux says that it has no such path.
type nowhere struct{}

func (nowhere) Header() http.Header { return http.Header{} }

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func (nowhere) WriteHeader(int) {}

func errNoRoute(r *request) error {
	return fault.Errorf(fault.NotFound, "this server has no path %s", printable(r.URL.Path, 200)).WithCode(rest.CodeRouteUnknown)
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

// printable cuts s to n bytes and replaces what could confuse a terminal.
func printable(s string, n int) string {
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
