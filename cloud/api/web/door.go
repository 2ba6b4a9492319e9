// Package web is what every route of the HTTP API needs: a request with its
// id, its caller and the fields of its body; answers, and errors that every
// client can show.
//
// A request runs through door.go (request id, CORS, panic, log), find (which
// handler, which scope), auth.go (whose token) and then its handler, which
// gives an error of cloud/fault that error.go turns into a body.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Tokens is how the door finds out whose a token is.
type Tokens interface {
	// UseToken gives the token's record, and notes that it was used. NotFound
	// if there is no such token.
	UseToken(ctx context.Context, hash account.TokenHash, now time.Time) (account.Token, error)
}

// Config says what a door needs. Tokens must be set.
type Config struct {
	Tokens     Tokens
	Issued     *Issued               // nil: no token's refusal is doubted
	MaxBody    int64                 // bytes of a request's body; 0: 64 KiB
	Proxies    []netip.Prefix        // whose X-Forwarded-For is believed
	Rates      Rates                 // the zero value bounds nothing
	Outage     Outage                // nil: nothing is counted, and no incident is known
	Audit      func(account.Entry)   // gets what is to be remembered, and must not block; nil: nothing is
	Registerer prometheus.Registerer // nil: none
	Logger     *slog.Logger          // nil: none
}

// Outage is what the door knows, and tells, of the cloud's own failures. It
// must not block.
type Outage interface {
	// Answered counts an answer; code is that of a failure.
	Answered(route string, status int, code string)
	// Open gives an incident that is open, and a window of maintenance in which
	// the cloud is now; nil: none is known.
	Open() (*rest.Incident, *rest.Maintenance)
	// Matching gives the open incident that a failure is likely to be of, and the
	// window that announced it as possible.
	Matching(route string, status int, code string) (*rest.Incident, *rest.Maintenance)
	// Unwatched is since when the watchtower is dead; zero: it lives.
	Unwatched() time.Time
}

// Route is one row of the table of routes.
type Route struct {
	Pattern string
	Scope   account.Scope // that a token needs; empty: any token will do
	Open    bool          // no token needed
	Heeds   bool          // and if one comes, it is looked at all the same
	Body    bool          // the body's fields are read before the handler runs
	Upload  bool          // a body of files is left to the handler
	Costly  bool          // counts against Rates.Accounts
	Audit   string        // what the audit log calls it; empty: it changes nothing that need be remembered
	Handle  Handler
}

// Handler answers a request, or fails before it has begun to.
type Handler func(w http.ResponseWriter, r *Request) error

// Door answers requests with the handlers of its routes. It is safe for
// concurrent use.
type Door struct {
	// Set at New.
	tokens  Tokens
	issued  *Issued
	proxies []netip.Prefix
	outage  Outage
	audit   func(account.Entry)
	maxBody int64
	log     *slog.Logger
	metrics *metrics
	mux     *http.ServeMux
	routes  map[string]*Route // by pattern

	requests, accounts *meter
}

// New makes a door with those routes.
func New(cfg Config, routes []Route) *Door {
	d := &Door{
		tokens: cfg.Tokens, issued: cfg.Issued, proxies: cfg.Proxies, outage: cfg.Outage, audit: cfg.Audit, maxBody: cfg.MaxBody,
		log: cfg.Logger, metrics: newMetrics(cfg.Registerer),
	}
	window := cfg.Rates.Window
	if window == 0 {
		window = 5 * time.Minute
	}
	d.requests, d.accounts = newMeter(cfg.Rates.Requests, window), newMeter(cfg.Rates.Accounts, window)
	if d.maxBody == 0 {
		d.maxBody = 64 << 10
	}
	if d.issued == nil {
		d.issued = new(Issued)
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.mux = http.NewServeMux()
	d.routes = make(map[string]*Route, len(routes))
	for i := range routes {
		d.routes[routes[i].Pattern] = &routes[i]
		// The mux only finds the route and the values in the path.
		d.mux.HandleFunc(routes[i].Pattern, func(http.ResponseWriter, *http.Request) {})
	}
	return d
}

// Routes gives the table of routes.
func (d *Door) Routes() []Route {
	all := make([]Route, 0, len(d.routes))
	for _, r := range d.routes {
		all = append(all, *r)
	}
	return all
}

// ServeHTTP answers one request.
func (d *Door) ServeHTTP(plain http.ResponseWriter, hr *http.Request) {
	start := time.Now()
	w := &response{ResponseWriter: plain}
	r := &Request{Request: hr, ID: requestID(hr), client: clientOf(hr, d.proxies)}
	h := w.Header()
	h.Set("X-Request-Id", r.ID)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "X-Request-Id, "+rest.HeaderCloudStatus+", Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if d.outage != nil {
		announce(h, d.outage)
	}
	defer d.finish(w, r, start) //nolint:contextcheck // r has it
	if hr.Method == http.MethodOptions {
		preflight(w)
		return
	}
	err := d.serve(w, r) //nolint:contextcheck // r has it
	d.record(r, start, err)
	if err != nil {
		d.fail(w, r, err)
	}
}

// announce says in the header of an answer how the cloud is.
func announce(h http.Header, o Outage) {
	open, window := o.Open()
	if open != nil {
		h.Set(rest.HeaderCloudStatus, rest.CloudDegraded+"; incident="+open.ID)
	} else if since := o.Unwatched(); !since.IsZero() {
		h.Set(rest.HeaderCloudStatus, rest.CloudUnwatched+"; since="+rest.At(since).String())
	}
	if window != nil {
		h.Add(rest.HeaderCloudStatus, rest.CloudMaintenance+"; window="+window.ID+"; until="+window.Ends.String())
	}
}

// finish counts and logs the request. A handler that panicked has met our
// defect: its client gets an answer, and nobody else is harmed.
func (d *Door) finish(w *response, r *Request, start time.Time) {
	v := recover()
	if v != nil && v != http.ErrAbortHandler { //nolint:errorlint // it is compared as net/http does
		d.metrics.panics.Inc()
		d.log.Error("panic", "request", r.ID, "value", v, "stack", string(debug.Stack()))
		if w.status == 0 {
			d.fail(w, r, fault.Errorf(fault.Internal, "this server has met a defect of its own"))
		}
	}
	pattern := r.pattern()
	if d.outage != nil {
		d.outage.Answered(pattern, w.status, w.code)
	}
	took := time.Since(start)
	d.metrics.requests.WithLabelValues(pattern, strconv.Itoa(w.status)).Inc()
	d.metrics.seconds.WithLabelValues(pattern).Observe(took.Seconds())
	level := slog.LevelDebug
	if w.status >= 500 {
		level = slog.LevelWarn
	}
	// The pattern and not the path: paths and queries can hold tokens.
	d.log.Log(r.Context(), level, "request", "request", r.ID, "method", r.Method, "route", pattern,
		"device", r.PathValue("device"), "status", w.status, "took", took, "user", r.Caller.User, "source", r.Source(),
		"agent", Printable(r.UserAgent(), 100), "tool", Printable(r.Header.Get("X-Particle-Tool"), 100))
	if v == http.ErrAbortHandler { //nolint:errorlint // likewise
		panic(v) // the connection ends, so that nobody takes a part for the whole
	}
}

// preflight answers a browser that asks what it may do.
func preflight(w *response) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers",
		"Authorization, Content-Type, Accept, X-Request-Id, X-Particle-Tool, X-Particle-Project, Last-Event-ID")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

// serve finds the route, checks who asks, reads the body and answers.
func (d *Door) serve(w *response, r *Request) error {
	if err := d.find(r); err != nil {
		if allowed, ok := errors.AsType[*methodError](err); ok {
			w.Header().Set("Allow", strings.Join(allowed.methods, ", "))
		}
		return err
	}
	if err := d.admit(w, r, time.Now()); err != nil {
		return err
	}
	if r.route.Body && !(r.route.Upload && r.IsUpload()) {
		var err error
		if r.Form, err = readForm(w, r.Request, d.maxBody); err != nil {
			return err
		}
	}
	if !r.route.Open || r.route.Heeds && bearer(r) != "" {
		var err error
		if r.Caller, err = d.authenticate(r); err != nil {
			return err
		}
		if scope := r.route.Scope; scope != "" {
			if err := r.Need(scope); err != nil {
				return err
			}
		}
	}
	return r.route.Handle(w, r)
}

// find sets the request's route, or says why there is none.
func (d *Door) find(r *Request) error {
	clean := path.Clean(r.URL.EscapedPath())
	if clean != strings.TrimSuffix(r.URL.EscapedPath(), "/") && clean != "/" {
		return NoRoute(r)
	}
	d.mux.ServeHTTP(nowhere{}, r.Request) // sets the pattern and the path's values
	if found, ok := d.routes[r.Pattern]; ok {
		r.route = found
		return nil
	}
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := *r.Request
		other.Method = method
		if _, pattern := d.mux.Handler(&other); d.routes[pattern] != nil {
			methods = append(methods, method)
		}
	}
	if len(methods) == 0 {
		return NoRoute(r)
	}
	return WrongMethod(r, methods...)
}

// nowhere is where the mux says that it has no such path.
type nowhere struct{}

func (nowhere) Header() http.Header { return http.Header{} }

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func (nowhere) WriteHeader(int) {}
