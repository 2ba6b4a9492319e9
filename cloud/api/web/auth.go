package web

import (
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Caller is who a request comes from.
type Caller struct {
	User  account.ID
	Token account.Token
}

// maxToken is the longest token that is looked up, in bytes.
const maxToken = 512

// authenticate finds whose token came with the request. The failures here
// are the only ones that may speak of an access token.
func (d *Door) authenticate(r *Request) (Caller, error) {
	token := bearer(r)
	if token == "" {
		return Caller{}, fault.Errorf(fault.Invalid, "The access token was not found").WithCode(rest.CodeTokenMissing)
	}
	invalid := fault.Errorf(fault.Unauthenticated, "The access token provided is invalid.").WithCode(rest.CodeTokenInvalid)
	if len(token) > maxToken {
		return Caller{}, invalid
	}
	hash, now := account.HashToken(token), time.Now()
	t, err := d.tokens.UseToken(r.Context(), hash, now)
	switch {
	case fault.KindOf(err) == fault.NotFound && err != nil:
		d.doubtRefusal(r, hash, now)
		return Caller{}, invalid
	case err != nil:
		return Caller{}, StoreError(err)
	case t.Expired(now):
		d.doubtRefusal(r, hash, now)
		return Caller{}, fault.Errorf(fault.Unauthenticated, "The access token provided has expired.").
			WithCode(rest.CodeTokenExpired)
	}
	return Caller{User: t.User, Token: t}, nil
}

// doubtRefusal counts a 401 as our defect if this server itself gave the token
// out within the minute, and it has neither been revoked nor expired since.
func (d *Door) doubtRefusal(r *Request, hash account.TokenHash, now time.Time) {
	if !d.issued.good(hash, now) {
		return
	}
	d.metrics.refused.Inc()
	d.log.Error("a token that this server has just issued is refused: this is a defect, please report it", "request", r.ID)
}

// bearer finds the token: in the header, or as old scripts send it, in the
// query or the body.
func bearer(r *Request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	if token := r.URL.Query().Get("access_token"); token != "" {
		return token
	}
	token, _ := r.Form.Get("access_token")
	return token
}

// Need fails unless the caller's token covers the scope.
func (r *Request) Need(scope account.Scope) error {
	if !r.Caller.Token.Allows(scope) {
		return scopeMissing(scope)
	}
	return nil
}
