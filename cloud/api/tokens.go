package api

import (
	"encoding/hex"
	"net/http"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// currentToken answers GET /v1/access_tokens/current.
func (a *API) currentToken(w http.ResponseWriter, r *request) error {
	t := &r.caller.token
	return answer(w, http.StatusOK, rest.CurrentToken{
		ExpiresAt: rest.At(t.Expires), Client: t.Client, ClientID: t.Client, Scopes: scopeNames(t.Scopes), Orgs: []string{},
	})
}

// listTokens answers GET /v1/access_tokens, which programs ask with a name
// and a password.
func (a *API) listTokens(w http.ResponseWriter, r *request) error {
	name, password, ok := r.BasicAuth()
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="cyan"`)
		return fault.Errorf(fault.Invalid, "tokens are listed for a username and a password, sent by HTTP Basic").
			WithCode(rest.CodePasswordMissing)
	}
	user, err := a.checkPassword(r, name, password)
	if err != nil {
		return err
	}
	tokens, err := a.cfg.Tokens.TokensOf(r.Context(), user.ID)
	if err != nil {
		return storeError(err)
	}
	now := time.Now()
	list := []rest.ListedToken{}
	for _, t := range tokens {
		if t.Expired(now) {
			continue
		}
		list = append(list, rest.ListedToken{
			Token: hex.EncodeToString(t.Hash[:]), Client: t.Client, CreatedAt: rest.At(t.Created), ExpiresAt: rest.At(t.Expires),
			LastUsed: rest.At(t.LastUsed), Scopes: scopeNames(t.Scopes),
		})
	}
	return answer(w, http.StatusOK, list)
}

func scopeNames(scopes []account.Scope) []string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return names
}

// logout answers DELETE /v1/access_tokens/current.
func (a *API) logout(w http.ResponseWriter, r *request) error {
	return a.revoke(w, r, r.caller.token.Hash)
}

// revokeToken answers DELETE /v1/access_tokens/{token}, which programs send
// without any other credential: who knows a token, or what the list calls it,
// may end it. Whether it was one is not told.
func (a *API) revokeToken(w http.ResponseWriter, r *request) error {
	token := r.PathValue("token")
	var listed account.TokenHash
	if n, err := hex.Decode(listed[:], []byte(token[:min(len(token), 2*len(listed))])); err == nil && n == len(listed) && len(token) == 2*n {
		return a.revoke(w, r, listed)
	}
	return a.revoke(w, r, account.HashToken(token))
}

func (a *API) revoke(w http.ResponseWriter, r *request, hash account.TokenHash) error {
	a.issued.forget(hash)
	err := a.cfg.Tokens.RevokeToken(r.Context(), hash)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return storeError(err)
	}
	return answer(w, http.StatusOK, rest.OK{OK: true})
}

// revokeTokens answers DELETE /v1/access_tokens: all of the caller's, the one
// that the request came with among them.
func (a *API) revokeTokens(w http.ResponseWriter, r *request) error {
	a.issued.forgetUser(r.caller.user)
	if err := a.cfg.Tokens.RevokeTokens(r.Context(), r.caller.user); err != nil {
		return storeError(err)
	}
	a.log.Info("all tokens revoked", "request", r.id, "user", r.caller.user)
	return answer(w, http.StatusOK, rest.OK{OK: true})
}

const (
	// freshFor is how long a token is fresh: to refuse it then is our defect.
	freshFor = time.Minute
	// maxIssued bounds how many fresh tokens are remembered; those beyond are
	// not watched.
	maxIssued = 1 << 14
)

// issued remembers the tokens that this server has given out within the
// minute. The zero value remembers none.
type issued struct {
	mu     sync.Mutex
	tokens map[account.TokenHash]freshToken // guarded by mu
}

type freshToken struct {
	user account.ID
	ends time.Time // of being fresh
}

func (i *issued) add(t *account.Token) {
	fresh := freshToken{user: t.User, ends: t.Created.Add(freshFor)}
	if !t.Expires.IsZero() && t.Expires.Before(fresh.ends) {
		fresh.ends = t.Expires
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.tokens == nil {
		i.tokens = make(map[account.TokenHash]freshToken)
	}
	if len(i.tokens) >= maxIssued {
		for hash, old := range i.tokens {
			if !t.Created.Before(old.ends) {
				delete(i.tokens, hash)
			}
		}
	}
	if len(i.tokens) < maxIssued {
		i.tokens[t.Hash] = fresh
	}
}

// good tells whether the token must be good: it is fresh, and was not revoked
// here.
func (i *issued) good(hash account.TokenHash, now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	fresh, ok := i.tokens[hash]
	return ok && now.Before(fresh.ends)
}

func (i *issued) forget(hash account.TokenHash) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.tokens, hash)
}

func (i *issued) forgetUser(user account.ID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for hash, fresh := range i.tokens {
		if fresh.user == user {
			delete(i.tokens, hash)
		}
	}
}
