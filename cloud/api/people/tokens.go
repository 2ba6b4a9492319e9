package people

import (
	"encoding/hex"
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// currentToken answers GET /v1/access_tokens/current.
func (p *People) currentToken(w http.ResponseWriter, r *web.Request) error {
	t := &r.Caller.Token
	return web.Answer(w, http.StatusOK, rest.CurrentToken{
		ExpiresAt: rest.At(t.Expires), Client: t.Client, ClientID: t.Client, Scopes: scopeNames(t.Scopes), Orgs: []string{},
	})
}

// listTokens answers GET /v1/access_tokens, which programs ask with a name
// and a password.
func (p *People) listTokens(w http.ResponseWriter, r *web.Request) error {
	name, password, ok := r.BasicAuth()
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="cyan"`)
		return fault.Errorf(fault.Invalid, "tokens are listed for a username and a password, sent by HTTP Basic").
			WithCode(rest.CodePasswordMissing)
	}
	user, err := p.checkPassword(r, name, password)
	if err != nil {
		return err
	}
	now := time.Now()
	if user.MFA {
		code := r.URL.Query().Get("otp")
		if code == "" {
			return fault.Errorf(fault.Denied, "Multifactor authentication required: send the code as otp").WithCode(rest.CodeSecondFactor)
		}
		if err := p.checkCode(r, user.ID, code, now); err != nil {
			return err
		}
	}
	p.gate.passed(r.Neighbourhood(), user.Username)
	tokens, err := p.cfg.Tokens.TokensOf(r.Context(), user.ID)
	if err != nil {
		return web.StoreError(err)
	}
	return web.Answer(w, http.StatusOK, tokenViews(tokens, now))
}

// tokenViews are the tokens that are good, without themselves.
func tokenViews(tokens []account.Token, now time.Time) []rest.ListedToken {
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
	return list
}

func scopeNames(scopes []account.Scope) []string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return names
}

// logout answers DELETE /v1/access_tokens/current.
func (p *People) logout(w http.ResponseWriter, r *web.Request) error {
	return p.revoke(w, r, r.Caller.Token.Hash)
}

// revokeToken answers DELETE /v1/access_tokens/{token}, which programs send
// without any other credential: who knows a token, or what the list calls it,
// may end it. Whether it was one is not told.
func (p *People) revokeToken(w http.ResponseWriter, r *web.Request) error {
	token := r.PathValue("token")
	var listed account.TokenHash
	if n, err := hex.Decode(listed[:], []byte(token[:min(len(token), 2*len(listed))])); err == nil && n == len(listed) && len(token) == 2*n {
		return p.revoke(w, r, listed)
	}
	return p.revoke(w, r, account.HashToken(token))
}

func (p *People) revoke(w http.ResponseWriter, r *web.Request, hash account.TokenHash) error {
	p.issued.Forget(hash)
	err := p.cfg.Tokens.RevokeToken(r.Context(), hash)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return web.StoreError(err)
	}
	if err == nil {
		r.Note(r.Caller.User, "token "+web.TokenName(hash))
	}
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}

// revokeTokens answers DELETE /v1/access_tokens: all of the caller's, the one
// that the request came with among them.
func (p *People) revokeTokens(w http.ResponseWriter, r *web.Request) error {
	if err := p.endTokens(r); err != nil {
		return err
	}
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}

// endTokens ends all of the caller's own tokens.
func (p *People) endTokens(r *web.Request) error {
	p.issued.ForgetUser(r.Caller.User)
	if err := p.cfg.Tokens.RevokeTokens(r.Context(), r.Caller.User); err != nil {
		return web.StoreError(err)
	}
	p.log.Info("all tokens revoked", "request", r.ID, "user", r.Caller.User)
	return nil
}
