package people

import (
	"encoding/json"
	"net/http"
	"time"
	"unicode/utf8"

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
		AccountInfo: rest.AccountInfo(u.Info), MFA: rest.MFA{Enabled: u.MFA},
	})
}

// identify answers GET /v1/user/identify.
func (p *People) identify(w http.ResponseWriter, r *web.Request) error {
	u, err := p.cfg.Accounts.User(r.Context(), r.Caller.User)
	if err != nil {
		return web.StoreError(err)
	}
	return web.Answer(w, http.StatusOK, rest.Identity{ID: string(u.ID), Email: u.Username})
}

// updateUser answers PUT /v1/user: another password, another name, or what
// the caller tells of himself.
func (p *People) updateUser(w http.ResponseWriter, r *web.Request) error {
	if password, ok := r.Form.Get("password"); ok {
		return p.changePassword(w, r, password)
	}
	if name, ok := r.Form.Get("username"); ok {
		return p.changeUsername(w, r, name)
	}
	if text, ok := r.Form.Get("account_info"); ok {
		return p.changeInfo(w, r, text)
	}
	return web.Malformed("the body names nothing that can be changed: password, username or account_info")
}

func (p *People) changePassword(w http.ResponseWriter, r *web.Request, password string) error {
	endTokens, err := r.Form.Truth("invalidate_tokens", false)
	if err != nil {
		return err
	}
	if err := account.CheckPassword(password); err != nil {
		return err
	}
	current, _ := r.Form.Get("current_password")
	if _, err := p.confirm(r, current); err != nil {
		return err
	}
	if err := p.setPassword(r, r.Caller.User, password, endTokens); err != nil {
		return err
	}
	return web.Answer(w, http.StatusOK, rest.Done{OK: true, Message: "User's password updated."})
}

func (p *People) setPassword(r *web.Request, user account.ID, password string, endTokens bool) error {
	hash, err := p.gate.hash(r.Context(), password)
	if err != nil {
		return err
	}
	if endTokens {
		p.issued.ForgetUser(user)
	}
	if err := p.cfg.Accounts.SetPassword(r.Context(), user, hash, endTokens); err != nil {
		return web.StoreError(err)
	}
	p.log.Info("password changed", "request", r.ID, "user", user, "by", r.Caller.User, "tokens_ended", endTokens)
	return nil
}

func (p *People) changeUsername(w http.ResponseWriter, r *web.Request, name string) error {
	if err := account.CheckUsername(name); err != nil {
		return err
	}
	endTokens, err := r.Form.Truth("invalidate_tokens", false)
	if err != nil {
		return err
	}
	current, _ := r.Form.Get("current_password")
	if _, err := p.confirm(r, current); err != nil {
		return err
	}
	if err := p.cfg.Profiles.SetUsername(r.Context(), r.Caller.User, name); err != nil {
		return orTaken(err)
	}
	if endTokens {
		if err := p.endTokens(r); err != nil {
			return err
		}
	}
	p.log.Info("username changed", "request", r.ID, "user", r.Caller.User)
	return web.Answer(w, http.StatusOK, rest.Done{OK: true, Message: "User's username updated."})
}

func orTaken(err error) error {
	if fault.KindOf(err) == fault.Conflict {
		return fault.E(fault.Conflict, "there is an account of that name already", err).WithCode(rest.CodeUsernameTaken)
	}
	return web.StoreError(err)
}

// changeInfo keeps what the caller tells of himself; what is not named stays.
func (p *People) changeInfo(w http.ResponseWriter, r *web.Request, text string) error {
	u, err := p.cfg.Accounts.User(r.Context(), r.Caller.User)
	if err != nil {
		return web.StoreError(err)
	}
	if err := json.Unmarshal([]byte(text), &u.Info); err != nil {
		return web.Malformed("the field account_info is not an object of texts")
	}
	for _, v := range []string{u.Info.FirstName, u.Info.LastName, u.Info.Company} {
		if len(v) > account.MaxInfo || !utf8.ValidString(v) {
			return fault.Errorf(fault.Invalid, "what you tell of yourself has at most %d characters each", account.MaxInfo)
		}
	}
	if err := p.cfg.Profiles.SetInfo(r.Context(), u.ID, u.Info); err != nil {
		return web.StoreError(err)
	}
	return web.Answer(w, http.StatusOK, rest.Done{OK: true, Message: "User's account information updated."})
}

// confirm checks that the caller knows the account's password. Whoever has
// stolen a token and guesses is locked out as at the login.
func (p *People) confirm(r *web.Request, password string) (account.User, error) {
	u, err := p.cfg.Accounts.User(r.Context(), r.Caller.User)
	if err != nil {
		return u, web.StoreError(err)
	}
	u, err = p.checkPassword(r, u.Username, password)
	if fault.CodeOf(err) == rest.CodeCredentials {
		return u, fault.Errorf(fault.Denied, "the current password of %s is another one", u.Username).WithCode(rest.CodePasswordWrong)
	}
	if err == nil {
		p.gate.passed(r.Neighbourhood(), u.Username)
	}
	return u, err
}

// signUp answers POST /v1/users. An administrator makes an account for
// somebody; strangers may make themselves one where that is open. Then it
// counts against its source like a failed login: accounts are not made by the
// hundred.
func (p *People) signUp(w http.ResponseWriter, r *web.Request) error {
	invited := false
	if r.Caller.User != "" {
		err := p.administrator(r)
		if invited = err == nil; !invited && fault.KindOf(err) != fault.Denied {
			return err
		}
	}
	if !p.cfg.SignUp && !invited {
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
	if !invited {
		if err := p.gate.enter(r.Neighbourhood(), "sign-up", now); err != nil {
			return err
		}
	}
	hash, err := p.gate.hash(r.Context(), password)
	if err != nil {
		return err
	}
	u := account.User{ID: account.ID(newID()), Username: account.Normalize(name), PasswordHash: hash, Created: now}
	if err := p.cfg.Accounts.CreateUser(r.Context(), u); err != nil {
		return orTaken(err)
	}
	r.Note(u.ID, "user "+string(u.ID))
	p.log.Info("account made", "request", r.ID, "user", u.ID, "by", r.Caller.User, "source", r.Source())
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}

// resetUser answers PUT /v1/users/{username}: an administrator gives somebody
// another password, or ends a second factor whose authenticator is lost.
func (p *People) resetUser(w http.ResponseWriter, r *web.Request) error {
	if err := p.administrator(r); err != nil {
		return err
	}
	password, resets := r.Form.Get("password")
	keep, err := r.Form.Truth("mfa", true)
	if err != nil {
		return err
	}
	if !resets && keep {
		return web.Malformed("the body names nothing that can be changed: password, or mfa=false")
	}
	if resets {
		if err := account.CheckPassword(password); err != nil {
			return err
		}
	}
	u, err := p.cfg.Accounts.UserByName(r.Context(), account.Normalize(r.PathValue("username")))
	if err != nil {
		return web.StoreError(err)
	}
	r.Note(u.ID, "user "+string(u.ID))
	if resets {
		if err := p.setPassword(r, u.ID, password, true); err != nil {
			return err
		}
	}
	if !keep {
		if err := p.cfg.Factors.EndSecondFactor(r.Context(), u.ID); err != nil {
			return web.StoreError(err)
		}
		p.log.Info("second factor ended", "request", r.ID, "user", u.ID, "by", r.Caller.User)
	}
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}

// resetPassword answers POST and PUT /v1/user/password-reset: this server
// sends no mail, and says who can help.
func (p *People) resetPassword(http.ResponseWriter, *web.Request) error {
	return fault.Errorf(fault.Unavailable, "this server sends no mail: its administrator gives you another password, "+
		"with PUT /v1/users/{username}").WithCode(rest.CodeNotImplemented)
}

// deleteUser answers DELETE /v1/user: the account ends, its devices are
// nobody's.
func (p *People) deleteUser(w http.ResponseWriter, r *web.Request) error {
	password, _ := r.Form.Get("password")
	if _, err := p.confirm(r, password); err != nil {
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
