package api

import (
	"net/http"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// user answers GET /v1/user.
func (s *Server) user(w http.ResponseWriter, r *request) error {
	u, err := s.cfg.Accounts.User(r.Context(), r.caller.user)
	if err != nil {
		return storeError(err)
	}
	return answer(w, http.StatusOK, rest.User{
		Username: u.Username, SubscriptionIDs: []string{}, TOS: 1, Memberships: []string{}, NoPassword: u.PasswordHash == "",
	})
}

// currentToken answers GET /v1/access_tokens/current.
func (s *Server) currentToken(w http.ResponseWriter, r *request) error {
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
func (s *Server) logout(w http.ResponseWriter, r *request) error {
	return s.revoke(w, r, r.caller.token.Hash)
}

// revokeToken answers DELETE /v1/access_tokens/{token}, which programs send
// without any other credential: who knows a token may end it. Whether it was
// one is not told.
func (s *Server) revokeToken(w http.ResponseWriter, r *request) error {
	token := r.PathValue("token")
	if len(token) > maxToken {
		return answer(w, http.StatusOK, rest.OK{OK: true})
	}
	return s.revoke(w, r, account.HashToken(token))
}

func (s *Server) revoke(w http.ResponseWriter, r *request, hash account.TokenHash) error {
	err := s.cfg.Accounts.RevokeToken(r.Context(), hash)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return storeError(err)
	}
	return answer(w, http.StatusOK, rest.OK{OK: true})
}
