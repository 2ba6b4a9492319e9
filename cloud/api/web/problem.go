package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Problem is a failure with what is known around it.
type Problem struct {
	Cause      error  // of cloud/fault
	Words      string // what `error` begins with, if the table of errors does not say
	Info       string
	Device     *rest.DeviceState
	Stage      string // how far a call came; empty: there was none
	Candidates []rest.Candidate
	RetryAfter time.Duration
	MFAToken   string // of a login that wants a second factor
}

func (p *Problem) Error() string { return p.Cause.Error() }

// Unwrap gives the failure itself.
func (p *Problem) Unwrap() error { return p.Cause }

// methodError is a path that exists for other methods.
type methodError struct {
	method  string
	methods []string
}

// WrongMethod is the failure of a path that takes only those methods.
func WrongMethod(r *Request, methods ...string) error {
	return &methodError{method: r.Method, methods: methods}
}

func (e *methodError) Error() string {
	return "this path does not take " + Printable(e.method, 20) + ", only " + strings.Join(e.methods, ", ")
}

func (e *methodError) Unwrap() error {
	return fault.Errorf(fault.Invalid, "%s", e.Error()).WithCode(rest.CodeMethodNotAllowed)
}

// NoRoute is the failure of a path that there is not.
func NoRoute(r *Request) error {
	return fault.Errorf(fault.NotFound, "this server has no path %s", Printable(r.URL.Path, 200)).WithCode(rest.CodeRouteUnknown)
}

// NotOffered answers for what stock clients ask for and this server does not
// have: they hear that, and not that they are wrong.
func NotOffered(_ http.ResponseWriter, r *Request) error {
	return fault.Errorf(fault.Unavailable, "this server does not offer %s %s", r.Method, Printable(r.URL.Path, 200)).
		WithCode(rest.CodeNotImplemented)
}

// Malformed is a body or a parameter that cannot be read.
func Malformed(why string) error {
	return fault.Errorf(fault.Invalid, "%s", why).WithCode(rest.CodeBodyMalformed)
}

// StoreError marks a failure of the database as one, if it is.
func StoreError(err error) error {
	if kind := fault.KindOf(err); kind == fault.Unavailable || kind == fault.Internal {
		return fault.E(fault.Unavailable, "the database of this server does not answer", err).WithCode(rest.CodeStoreUnavailable)
	}
	return err
}

func scopeMissing(scope account.Scope) error {
	return fault.Errorf(fault.Denied, "this token is not allowed to do that: it lacks the scope %s", scope).
		WithCode(rest.CodeScopeMissing)
}
