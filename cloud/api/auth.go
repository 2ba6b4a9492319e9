package api

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// caller is who a request comes from.
type caller struct {
	user  account.ID
	token account.Token
}

// maxToken is the longest token that is looked up, in bytes.
const maxToken = 512

// authenticate finds whose token came with the request. The failures here
// are the only ones that may speak of an access token.
func (a *API) authenticate(r *request) (caller, error) {
	token := bearer(r)
	if token == "" {
		return caller{}, fault.Errorf(fault.Invalid, "The access token was not found").WithCode(rest.CodeTokenMissing)
	}
	invalid := fault.Errorf(fault.Unauthenticated, "The access token provided is invalid.").WithCode(rest.CodeTokenInvalid)
	if len(token) > maxToken {
		return caller{}, invalid
	}
	hash, now := account.HashToken(token), time.Now()
	t, err := a.cfg.Tokens.UseToken(r.Context(), hash, now)
	switch {
	case fault.KindOf(err) == fault.NotFound && err != nil:
		a.doubtRefusal(r, hash, now)
		return caller{}, invalid
	case err != nil:
		return caller{}, storeError(err)
	case t.Expired(now):
		a.doubtRefusal(r, hash, now)
		return caller{}, fault.Errorf(fault.Unauthenticated, "The access token provided has expired.").
			WithCode(rest.CodeTokenExpired)
	}
	return caller{user: t.User, token: t}, nil
}

// doubtRefusal counts a 401 as our defect if this server itself gave the token
// out within the minute, and it has neither been revoked nor expired since.
func (a *API) doubtRefusal(r *request, hash account.TokenHash, now time.Time) {
	if !a.issued.good(hash, now) {
		return
	}
	a.metrics.refused.Inc()
	a.log.Error("a token that this server has just issued is refused: this is a defect, please report it", "request", r.id)
}

// bearer finds the token: in the header, or as old scripts send it, in the
// query or the body.
func bearer(r *request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	if token := r.URL.Query().Get("access_token"); token != "" {
		return token
	}
	token, _ := r.form.get("access_token")
	return token
}

// source gives the address that the request came from, without its port.
func source(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return from.Addr().Unmap().WithZone("").String()
}

// neighbourhood is what limits count by: an IPv4 address, or the /64 that one
// IPv6 subscriber has to himself.
func neighbourhood(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := from.Addr().Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}
