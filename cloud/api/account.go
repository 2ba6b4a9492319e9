package api

import (
	"net/http"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// user answers GET /v1/user.
func (a *API) user(w http.ResponseWriter, r *request) error {
	u, err := a.cfg.Store.User(r.Context(), r.caller.user)
	if err != nil {
		return storeError(err)
	}
	return answer(w, http.StatusOK, rest.User{
		Username: u.Username, SubscriptionIDs: []string{}, TOS: 1, Memberships: []string{}, NoPassword: u.PasswordHash == "",
	})
}

// currentToken answers GET /v1/access_tokens/current.
func (a *API) currentToken(w http.ResponseWriter, r *request) error {
	t := &r.caller.token
	scopes := make([]string, len(t.Scopes))
	for i, scope := range t.Scopes {
		scopes[i] = string(scope)
	}
	return answer(w, http.StatusOK, rest.CurrentToken{
		ExpiresAt: rest.At(t.Expires), Client: t.Client, ClientID: t.Client, Scopes: scopes, Orgs: []string{},
	})
}

// logout answers DELETE /v1/access_tokens/current.
func (a *API) logout(w http.ResponseWriter, r *request) error {
	return a.revoke(w, r, r.caller.token.Hash)
}

// revokeToken answers DELETE /v1/access_tokens/{token}, which programs send
// without any other credential: who knows a token may end it. Whether it was
// one is not told.
func (a *API) revokeToken(w http.ResponseWriter, r *request) error {
	token := r.PathValue("token")
	if len(token) > maxToken {
		return answer(w, http.StatusOK, rest.OK{OK: true})
	}
	return a.revoke(w, r, account.HashToken(token))
}

func (a *API) revoke(w http.ResponseWriter, r *request, hash account.TokenHash) error {
	err := a.cfg.Store.RevokeToken(r.Context(), hash)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return storeError(err)
	}
	return answer(w, http.StatusOK, rest.OK{OK: true})
}
