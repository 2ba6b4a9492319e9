package api

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// login answers POST /oauth/token: a password for a token. Any OAuth client
// may ask, because every program names another; a Bearer header is ignored,
// because some send the one they are about to replace.
func (a *API) login(w http.ResponseWriter, r *request) error {
	if grant, _ := r.form.get("grant_type"); grant != "password" {
		a.metrics.logins.WithLabelValues("unsupported").Inc()
		return fault.Errorf(fault.Invalid, "this server gives tokens for grant_type=password only, not for %q",
			printable(grant, 40)).WithCode(rest.CodeGrantType)
	}
	now := time.Now()
	lifetime, err := a.lifetime(r.form, now)
	if err != nil {
		return err
	}
	name, _ := r.form.get("username")
	password, _ := r.form.get("password")
	user, err := a.checkPassword(r, name, password)
	if err != nil {
		return err
	}
	token, err := a.issue(r, user, lifetime, now)
	if err != nil {
		a.metrics.logins.WithLabelValues("failed").Inc()
		return err
	}
	a.metrics.logins.WithLabelValues("ok").Inc()
	a.log.Info("login", "request", r.id, "user", user.ID, "source", source(r.Request))
	return answer(w, http.StatusOK, rest.Token{
		TokenType: "bearer", AccessToken: token, ExpiresIn: int64(lifetime / time.Second),
	})
}

// checkPassword finds the user of that name and password, unless there were
// too many wrong ones from the same address before. A failure is counted.
func (a *API) checkPassword(r *request, name, password string) (account.User, error) {
	from := neighbourhood(r.Request)
	if err := a.gate.enter(from, time.Now()); err != nil {
		a.metrics.logins.WithLabelValues("locked_out").Inc()
		return account.User{}, err
	}
	user, err := a.findUser(r, name, password)
	if err != nil {
		outcome := "failed"
		if fault.KindOf(err) == fault.Invalid {
			outcome = "wrong"
		}
		a.metrics.logins.WithLabelValues(outcome).Inc()
		return account.User{}, err
	}
	a.gate.passed(from)
	return user, nil
}

// findUser finds the user whose name and password these are. A name that does
// not exist takes as long as a wrong password, and reads the same.
func (a *API) findUser(r *request, name, password string) (account.User, error) {
	if len(password) > 1024 {
		password = password[:1024]
	}
	user, err := a.cfg.Accounts.UserByName(r.Context(), account.Normalize(name))
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return account.User{}, storeError(err)
	}
	hash := user.PasswordHash
	if err != nil {
		hash = ""
	}
	good, err := a.gate.check(r.Context(), hash, password)
	if err != nil {
		return account.User{}, err
	}
	if !good {
		return account.User{}, fault.Errorf(fault.Invalid, "User credentials are invalid").WithCode(rest.CodeCredentials)
	}
	return user, nil
}

// issue makes a token and stores its hash.
func (a *API) issue(r *request, user account.User, lifetime time.Duration, now time.Time) (string, error) {
	var secret [20]byte
	rand.Read(secret[:]) // never fails
	token := hex.EncodeToString(secret[:])
	client, _ := r.form.get("client_id")
	if basic, _, ok := r.BasicAuth(); ok {
		client = basic
	}
	record := account.Token{Hash: account.HashToken(token), User: user.ID, Client: printable(client, 100), Created: now}
	if lifetime > 0 {
		record.Expires = now.Add(lifetime)
	}
	if err := a.cfg.Tokens.AddToken(r.Context(), record); err != nil {
		return "", storeError(err)
	}
	a.issued.add(&record)
	return token, nil
}

// lifetime reads how long the token shall be good; zero: for ever.
func (a *API) lifetime(f form, now time.Time) (time.Duration, error) {
	const longest = 100 * 365 * 24 * time.Hour
	if v, ok := f.get("expires_in"); ok && v != "" {
		seconds, err := strconv.ParseInt(v, 10, 64)
		if err != nil || seconds < 0 {
			return 0, malformed("the field expires_in is not a number of seconds")
		}
		return time.Duration(min(seconds, int64(longest/time.Second))) * time.Second, nil
	}
	if v, ok := f.get("expires_at"); ok && v != "" {
		at, err := time.Parse(time.RFC3339, v)
		if err != nil || !at.After(now) {
			return 0, malformed("the field expires_at is not a date in the future, in the form 2030-01-31T12:00:00Z")
		}
		return min(at.Sub(now), longest), nil
	}
	return a.cfg.TokenLifetime, nil
}
