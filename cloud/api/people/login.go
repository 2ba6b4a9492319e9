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

// login answers POST /oauth/token: a password for a token. Any OAuth client
// may ask, because every program names another; a Bearer header is ignored,
// because some send the one they are about to replace.
func (p *People) login(w http.ResponseWriter, r *web.Request) error {
	if grant, _ := r.Form.Get("grant_type"); grant != "password" {
		p.logins.WithLabelValues("unsupported").Inc()
		return fault.Errorf(fault.Invalid, "this server gives tokens for grant_type=password only, not for %q",
			web.Printable(grant, 40)).WithCode(rest.CodeGrantType)
	}
	now := time.Now()
	lifetime, err := p.lifetime(r.Form, now)
	if err != nil {
		return err
	}
	name, _ := r.Form.Get("username")
	password, _ := r.Form.Get("password")
	user, err := p.checkPassword(r, name, password)
	if err != nil {
		return err
	}
	token, err := p.issue(r, user, lifetime, now)
	if err != nil {
		p.logins.WithLabelValues("failed").Inc()
		return err
	}
	p.logins.WithLabelValues("ok").Inc()
	p.log.Info("login", "request", r.ID, "user", user.ID, "source", r.Source())
	return web.Answer(w, http.StatusOK, rest.Token{
		TokenType: "bearer", AccessToken: token, ExpiresIn: int64(lifetime / time.Second),
	})
}

// checkPassword finds the user of that name and password, unless there were
// too many wrong ones from the same address before. A failure is counted.
func (p *People) checkPassword(r *web.Request, name, password string) (account.User, error) {
	from := r.Neighbourhood()
	if err := p.gate.enter(from, time.Now()); err != nil {
		p.logins.WithLabelValues("locked_out").Inc()
		return account.User{}, err
	}
	user, err := p.findUser(r, name, password)
	if err != nil {
		outcome := "failed"
		if fault.KindOf(err) == fault.Invalid {
			outcome = "wrong"
		}
		p.logins.WithLabelValues(outcome).Inc()
		return account.User{}, err
	}
	p.gate.passed(from)
	return user, nil
}

// findUser finds the user whose name and password these are. A name that does
// not exist takes as long as a wrong password, and reads the same.
func (p *People) findUser(r *web.Request, name, password string) (account.User, error) {
	if len(password) > 1024 {
		password = password[:1024]
	}
	user, err := p.cfg.Accounts.UserByName(r.Context(), account.Normalize(name))
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return account.User{}, web.StoreError(err)
	}
	hash := user.PasswordHash
	if err != nil {
		hash = ""
	}
	good, err := p.gate.check(r.Context(), hash, password)
	if err != nil {
		return account.User{}, err
	}
	if !good {
		return account.User{}, fault.Errorf(fault.Invalid, "User credentials are invalid").WithCode(rest.CodeCredentials)
	}
	return user, nil
}

// issue makes a token and stores its hash.
func (p *People) issue(r *web.Request, user account.User, lifetime time.Duration, now time.Time) (string, error) {
	var secret [20]byte
	rand.Read(secret[:]) // never fails
	token := hex.EncodeToString(secret[:])
	client, _ := r.Form.Get("client_id")
	if basic, _, ok := r.BasicAuth(); ok {
		client = basic
	}
	record := account.Token{Hash: account.HashToken(token), User: user.ID, Client: web.Printable(client, 100), Created: now}
	if lifetime > 0 {
		record.Expires = now.Add(lifetime)
	}
	if err := p.cfg.Tokens.AddToken(r.Context(), record); err != nil {
		return "", web.StoreError(err)
	}
	p.issued.Add(&record)
	return token, nil
}

// lifetime reads how long the token shall be good; zero: for ever.
func (p *People) lifetime(f web.Form, now time.Time) (time.Duration, error) {
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
	return p.cfg.TokenLifetime, nil
}
