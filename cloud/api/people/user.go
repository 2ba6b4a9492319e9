package people

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// user answers GET /v1/user.
func (p *People) user(w http.ResponseWriter, r *web.Request) error {
	u, err := p.cfg.Accounts.User(r.Context(), r.Caller.User)
	if err != nil {
		return web.StoreError(err)
	}
	return web.Answer(w, http.StatusOK, rest.User{
		Username: u.Username, SubscriptionIDs: []string{}, TOS: 1, Memberships: []string{}, NoPassword: u.PasswordHash == "",
	})
}

// updateUser answers PUT /v1/user: another password for the caller.
func (p *People) updateUser(w http.ResponseWriter, r *web.Request) error {
	password, ok := r.Form.Get("password")
	if !ok {
		if _, other := r.Form.Get("username", "account_info"); other {
			return fault.Errorf(fault.Unavailable, "this server changes passwords, not usernames or what people tell of themselves").
				WithCode(rest.CodeNotImplemented)
		}
		return web.Malformed("the field password is missing")
	}
	endTokens, err := r.Form.Truth("invalidate_tokens", false)
	if err != nil {
		return err
	}
	if err := account.CheckPassword(password); err != nil {
		return err
	}
	current, _ := r.Form.Get("current_password")
	if err := p.confirm(r, current); err != nil {
		return err
	}
	hash, err := p.gate.hash(r.Context(), password)
	if err != nil {
		return err
	}
	if endTokens {
		p.issued.ForgetUser(r.Caller.User)
	}
	if err := p.cfg.Accounts.SetPassword(r.Context(), r.Caller.User, hash, endTokens); err != nil {
		return web.StoreError(err)
	}
	p.log.Info("password changed", "request", r.ID, "user", r.Caller.User, "tokens_ended", endTokens)
	return web.Answer(w, http.StatusOK, rest.Done{OK: true, Message: "User's password updated."})
}

// confirm checks that the caller knows the account's password. Whoever has
// stolen a token and guesses is locked out as at the login.
func (p *People) confirm(r *web.Request, password string) error {
	u, err := p.cfg.Accounts.User(r.Context(), r.Caller.User)
	if err != nil {
		return web.StoreError(err)
	}
	_, err = p.checkPassword(r, u.Username, password)
	if fault.CodeOf(err) == rest.CodeCredentials {
		return fault.Errorf(fault.Denied, "the current password of %s is another one", u.Username).WithCode(rest.CodePasswordWrong)
	}
	return err
}

// signUp answers POST /v1/users. Where it is open, it counts against its
// source like a failed login: accounts are not made by the hundred.
func (p *People) signUp(w http.ResponseWriter, r *web.Request) error {
	if !p.cfg.SignUp {
		return fault.Errorf(fault.Denied, "on this server people do not make themselves accounts: ask its administrator for one").
			WithCode(rest.CodeSignUpClosed)
	}
	name, _ := r.Form.Get("username")
	password, _ := r.Form.Get("password")
	if err := account.CheckUsername(name); err != nil {
		return err
	}
	if err := account.CheckPassword(password); err != nil {
		return err
	}
	now := time.Now()
	if err := p.gate.enter(r.Neighbourhood(), now); err != nil {
		return err
	}
	hash, err := p.gate.hash(r.Context(), password)
	if err != nil {
		return err
	}
	var id [12]byte
	rand.Read(id[:]) // never fails
	u := account.User{ID: account.ID(hex.EncodeToString(id[:])), Username: account.Normalize(name), PasswordHash: hash, Created: now}
	err = p.cfg.Accounts.CreateUser(r.Context(), u)
	if fault.KindOf(err) == fault.Conflict {
		return fault.E(fault.Conflict, "there is an account of that name already", err).WithCode(rest.CodeUsernameTaken)
	}
	if err != nil {
		return web.StoreError(err)
	}
	p.log.Info("user signed up", "request", r.ID, "user", u.ID, "source", r.Source())
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}

// deleteUser answers DELETE /v1/user: the account ends, its devices are
// nobody's.
func (p *People) deleteUser(w http.ResponseWriter, r *web.Request) error {
	password, _ := r.Form.Get("password")
	if err := p.confirm(r, password); err != nil {
		return err
	}
	devices, err := p.cfg.Devices.DevicesOf(r.Context(), r.Caller.User)
	if err != nil {
		return web.StoreError(err)
	}
	p.issued.ForgetUser(r.Caller.User)
	if err := p.cfg.Accounts.DeleteUser(r.Context(), r.Caller.User); err != nil {
		return web.StoreError(err)
	}
	for i := range devices {
		p.cfg.Released(r, devices[i].ID)
	}
	p.log.Info("user deleted", "request", r.ID, "user", r.Caller.User)
	return web.Answer(w, http.StatusOK, rest.Done{OK: true, Message: "User's account has been deleted."})
}
