package people

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// The ways to log in.
const (
	grantPassword = "password"
	grantCode     = "urn:custom:mfa-otp" // the second half of a login with a second factor
)

// login answers POST /oauth/token: a password for a token, or a code for the
// rest of a login. Any OAuth client may ask, because every program names
// another; a Bearer header is ignored, because some send the one they are
// about to replace.
func (p *People) login(w http.ResponseWriter, r *web.Request) error {
	switch grant, _ := r.Form.Get("grant_type"); grant {
	case grantPassword:
		return p.loginPassword(w, r)
	case grantCode:
		return p.loginCode(w, r)
	default:
		p.logins.WithLabelValues("unsupported").Inc()
		return fault.Errorf(fault.Invalid, "this server gives tokens for grant_type=password only, not for %q",
			web.Printable(grant, 40)).WithCode(rest.CodeGrantType)
	}
}

func (p *People) loginPassword(w http.ResponseWriter, r *web.Request) error {
	now := time.Now()
	lifetime, err := lifetime(r.Form, now, p.cfg.TokenLifetime)
	if err != nil {
		return err
	}
	list, _ := r.Form.Get("scope")
	scopes, err := account.ParseScopes(list)
	if err != nil {
		return err
	}
	name, _ := r.Form.Get("username")
	password, _ := r.Form.Get("password")
	user, err := p.checkPassword(r, name, password)
	if err != nil {
		return err
	}
	t := account.Token{User: user.ID, Client: clientName(r), Created: now, Scopes: scopes}
	if user.MFA {
		return p.wantCode(r, &t, lifetime)
	}
	return p.finishLogin(w, r, user.Username, t, lifetime)
}

// finishLogin gives the token to who has proved who he is.
func (p *People) finishLogin(w http.ResponseWriter, r *web.Request, username string, t account.Token, lifetime time.Duration) error {
	token, err := p.issue(r, &t, lifetime)
	if err != nil {
		p.logins.WithLabelValues("failed").Inc()
		return err
	}
	p.gate.passed(r.Neighbourhood(), username)
	p.logins.WithLabelValues("ok").Inc()
	r.Note(t.User, "token "+web.TokenName(t.Hash))
	p.log.Info("login", "request", r.ID, "user", t.User, "source", r.Source(), "client", t.Client)
	return web.Answer(w, http.StatusOK, rest.Token{
		TokenType: "bearer", AccessToken: token, ExpiresIn: int64(lifetime / time.Second),
	})
}

// checkPassword finds the user of that name and password, unless there were
// too many wrong ones for him from the same address before. It counts as a
// failure until the gate is told that he passed.
func (p *People) checkPassword(r *web.Request, name, password string) (account.User, error) {
	name = account.Normalize(name)
	if err := p.gate.enter(r.Neighbourhood(), name, time.Now()); err != nil {
		p.logins.WithLabelValues("locked_out").Inc()
		p.log.Info("login refused", "request", r.ID, "source", r.Source(), "why", "too many failures")
		return account.User{}, err
	}
	user, err := p.findUser(r, name, password)
	if err != nil {
		outcome := "failed"
		if fault.KindOf(err) == fault.Invalid {
			outcome = "wrong"
			p.log.Info("login failed", "request", r.ID, "user", user.ID, "source", r.Source())
		}
		p.logins.WithLabelValues(outcome).Inc()
	}
	return user, err
}

// findUser finds the user whose name and password these are. A name that does
// not exist takes as long as a wrong password, and reads the same.
func (p *People) findUser(r *web.Request, name, password string) (account.User, error) {
	if len(password) > 1024 {
		password = password[:1024]
	}
	user, err := p.cfg.Accounts.UserByName(r.Context(), name)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return account.User{}, web.StoreError(err)
	}
	hash := user.PasswordHash
	if err != nil {
		user, hash = account.User{}, ""
	}
	good, err := p.gate.check(r.Context(), hash, password)
	if err != nil {
		return account.User{}, err
	}
	if !good {
		// What was typed as the name is not remembered: some type the password.
		r.Note(user.ID, "")
		return user, fault.Errorf(fault.Invalid, "User credentials are invalid").WithCode(rest.CodeCredentials)
	}
	return user, nil
}

// issue makes a token of the record, which it completes, and stores its hash.
func (p *People) issue(r *web.Request, t *account.Token, lifetime time.Duration) (string, error) {
	token := secret()
	t.Hash = account.HashToken(token)
	if lifetime > 0 {
		t.Expires = t.Created.Add(lifetime)
	}
	if err := p.cfg.Tokens.AddToken(r.Context(), *t); err != nil {
		return "", web.StoreError(err)
	}
	p.issued.Add(t)
	return token, nil
}

// secret makes 160 random bits in hex.
func secret() string {
	var b [20]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// newID makes 24 random hex digits.
func newID() string {
	var b [12]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// clientName is what the OAuth client calls itself.
func clientName(r *web.Request) string {
	client, _ := r.Form.Get("client_id")
	if basic, _, ok := r.BasicAuth(); ok {
		client = basic
	}
	return web.Printable(client, 100)
}

// lifetime reads how long a token shall be good; zero: for ever. standard is
// for when the client does not say.
func lifetime(f web.Form, now time.Time, standard time.Duration) (time.Duration, error) {
	const longest = 100 * 365 * 24 * time.Hour
	if v, ok := f.Get("expires_in"); ok && v != "" {
		seconds, err := strconv.ParseInt(v, 10, 64)
		if err != nil || seconds < 0 {
			return 0, web.Malformed("the field expires_in is not a number of seconds")
		}
		return time.Duration(min(seconds, int64(longest/time.Second))) * time.Second, nil
	}
	if v, ok := f.Get("expires_at"); ok && v != "" {
		at, err := time.Parse(time.RFC3339, v)
		if err != nil || !at.After(now) {
			return 0, web.Malformed("the field expires_at is not a date in the future, in the form 2030-01-31T12:00:00Z")
		}
		return min(at.Sub(now), longest), nil
	}
	return standard, nil
}
