package api

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// user answers GET /v1/user.
func (a *API) user(w http.ResponseWriter, r *request) error {
	u, err := a.cfg.Accounts.User(r.Context(), r.caller.user)
	if err != nil {
		return storeError(err)
	}
	return answer(w, http.StatusOK, rest.User{
		Username: u.Username, SubscriptionIDs: []string{}, TOS: 1, Memberships: []string{}, NoPassword: u.PasswordHash == "",
	})
}

// updateUser answers PUT /v1/user: another password for the caller.
func (a *API) updateUser(w http.ResponseWriter, r *request) error {
	password, ok := r.form.get("password")
	if !ok {
		if _, other := r.form.get("username", "account_info"); other {
			return fault.Errorf(fault.Unavailable, "this server changes passwords, not usernames or what people tell of themselves").
				WithCode(rest.CodeNotImplemented)
		}
		return malformed("the field password is missing")
	}
	endTokens, err := r.form.truth("invalidate_tokens", false)
	if err != nil {
		return err
	}
	if err := account.CheckPassword(password); err != nil {
		return err
	}
	current, _ := r.form.get("current_password")
	if err := a.confirm(r, current); err != nil {
		return err
	}
	hash, err := a.gate.hash(r.Context(), password)
	if err != nil {
		return err
	}
	if endTokens {
		a.issued.forgetUser(r.caller.user)
	}
	if err := a.cfg.Accounts.SetPassword(r.Context(), r.caller.user, hash, endTokens); err != nil {
		return storeError(err)
	}
	a.log.Info("password changed", "request", r.id, "user", r.caller.user, "tokens_ended", endTokens)
	return answer(w, http.StatusOK, rest.Done{OK: true, Message: "User's password updated."})
}

// confirm checks that the caller knows the account's password. Whoever has
// stolen a token and guesses is locked out as at the login.
func (a *API) confirm(r *request, password string) error {
	u, err := a.cfg.Accounts.User(r.Context(), r.caller.user)
	if err != nil {
		return storeError(err)
	}
	_, err = a.checkPassword(r, u.Username, password)
	if fault.CodeOf(err) == rest.CodeCredentials {
		return fault.Errorf(fault.Denied, "the current password of %s is another one", u.Username).WithCode(rest.CodePasswordWrong)
	}
	return err
}

// signUp answers POST /v1/users. Where it is open, it counts against its
// source like a failed login: accounts are not made by the hundred.
func (a *API) signUp(w http.ResponseWriter, r *request) error {
	if !a.cfg.SignUp {
		return fault.Errorf(fault.Denied, "on this server people do not make themselves accounts: ask its administrator for one").
			WithCode(rest.CodeSignUpClosed)
	}
	name, _ := r.form.get("username")
	password, _ := r.form.get("password")
	if err := account.CheckUsername(name); err != nil {
		return err
	}
	if err := account.CheckPassword(password); err != nil {
		return err
	}
	now := time.Now()
	if err := a.gate.enter(neighbourhood(r.Request), now); err != nil {
		return err
	}
	hash, err := a.gate.hash(r.Context(), password)
	if err != nil {
		return err
	}
	var id [12]byte
	rand.Read(id[:]) // never fails
	u := account.User{ID: account.ID(hex.EncodeToString(id[:])), Username: account.Normalize(name), PasswordHash: hash, Created: now}
	err = a.cfg.Accounts.CreateUser(r.Context(), u)
	if fault.KindOf(err) == fault.Conflict {
		return fault.E(fault.Conflict, "there is an account of that name already", err).WithCode(rest.CodeUsernameTaken)
	}
	if err != nil {
		return storeError(err)
	}
	a.log.Info("user signed up", "request", r.id, "user", u.ID, "source", source(r.Request))
	return answer(w, http.StatusOK, rest.OK{OK: true})
}

// deleteUser answers DELETE /v1/user: the account ends, its devices are
// nobody's.
func (a *API) deleteUser(w http.ResponseWriter, r *request) error {
	password, _ := r.form.get("password")
	if err := a.confirm(r, password); err != nil {
		return err
	}
	devices, err := a.cfg.Devices.DevicesOf(r.Context(), r.caller.user)
	if err != nil {
		return storeError(err)
	}
	a.issued.forgetUser(r.caller.user)
	if err := a.cfg.Accounts.DeleteUser(r.Context(), r.caller.user); err != nil {
		return storeError(err)
	}
	for i := range devices {
		a.tellOwner(r, devices[i].ID, "")
	}
	a.log.Info("user deleted", "request", r.id, "user", r.caller.user)
	return answer(w, http.StatusOK, rest.Done{OK: true, Message: "User's account has been deleted."})
}
