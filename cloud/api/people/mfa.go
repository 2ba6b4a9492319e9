package people

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Factors keeps second factors, and what waits for their codes.
type Factors interface {
	// SecondFactor is NotFound if the user has none.
	SecondFactor(ctx context.Context, user account.ID) (account.SecondFactor, error)
	// UseStep is NotFound if the step's code, or a later one, was used before.
	UseStep(ctx context.Context, user account.ID, step int64) error
	// UseRecovery uses a recovery code up. NotFound if it is none of the
	// user's.
	UseRecovery(ctx context.Context, user account.ID, hash account.TokenHash) error
	Enrol(ctx context.Context, t account.Ticket, step int64, recovery []account.TokenHash, now time.Time) error
	EndSecondFactor(ctx context.Context, user account.ID) error
}

// Tickets keeps what waits for a code.
type Tickets interface {
	// AddTicket fails with Busy if too many of the user's wait.
	AddTicket(ctx context.Context, t account.Ticket, now time.Time) error
	// TryTicket counts a try. NotFound if there is no such ticket, it has
	// expired, or was tried too often.
	TryTicket(ctx context.Context, hash account.TokenHash, now time.Time) (account.Ticket, error)
	// EndTicket is NotFound if somebody was faster.
	EndTicket(ctx context.Context, hash account.TokenHash) error
}

// wantCode answers a login whose password was right: it goes on with a code.
// The gate is not told that the user passed, for he has not.
func (p *People) wantCode(r *web.Request, t *account.Token, lifetime time.Duration) error {
	token := secret()
	ticket := account.Ticket{
		Hash: account.HashToken(token), User: t.User, Lifetime: lifetime, Scopes: t.Scopes, Client: t.Client,
		Expires: t.Created.Add(account.TicketLife),
	}
	if err := p.cfg.Tickets.AddTicket(r.Context(), ticket, t.Created); err != nil {
		return web.StoreError(err)
	}
	r.Note(t.User, "")
	return &web.Problem{
		Cause:    fault.Errorf(fault.Denied, "Multifactor authentication required").WithCode(rest.CodeSecondFactor),
		MFAToken: token,
	}
}

// loginCode answers the second half of a login with a second factor.
func (p *People) loginCode(w http.ResponseWriter, r *web.Request) error {
	token, _ := r.Form.Get("mfa_token")
	code, _ := r.Form.Get("otp")
	now := time.Now()
	ticket, err := p.tryTicket(r, token, now)
	if err != nil {
		return err
	}
	if ticket.Secret != nil {
		return ticketOver() // of an enrolment: no password was given for it
	}
	if err := p.checkCode(r, ticket.User, code, now); err != nil {
		return err
	}
	user, err := p.cfg.Accounts.User(r.Context(), ticket.User)
	if err != nil {
		return web.StoreError(err)
	}
	if err := p.cfg.Tickets.EndTicket(r.Context(), ticket.Hash); err != nil {
		return orTicketOver(err)
	}
	t := account.Token{User: user.ID, Client: ticket.Client, Created: now, Scopes: ticket.Scopes}
	return p.finishLogin(w, r, user.Username, t, ticket.Lifetime)
}

func (p *People) tryTicket(r *web.Request, token string, now time.Time) (account.Ticket, error) {
	ticket, err := p.cfg.Tickets.TryTicket(r.Context(), account.HashToken(token), now)
	if err != nil {
		return ticket, orTicketOver(err)
	}
	return ticket, nil
}

func orTicketOver(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return ticketOver()
	}
	return web.StoreError(err)
}

func ticketOver() error {
	return fault.Errorf(fault.Denied, "there is no login that waits for a code, or it waited too long, or was tried too often: begin anew").
		WithCode(rest.CodeTicketOver)
}

// checkCode checks the code of a user's second factor, or one of the recovery
// codes, and uses it up.
func (p *People) checkCode(r *web.Request, user account.ID, code string, now time.Time) error {
	factor, err := p.cfg.Factors.SecondFactor(r.Context(), user)
	if err != nil {
		return web.StoreError(err)
	}
	if step, ok := account.CodeMatches(factor.Secret, code, now, factor.LastStep); ok {
		err = p.cfg.Factors.UseStep(r.Context(), user, step)
	} else {
		err = p.cfg.Factors.UseRecovery(r.Context(), user, account.HashRecovery(code))
	}
	if fault.KindOf(err) == fault.NotFound && err != nil {
		r.Note(user, "")
		p.logins.WithLabelValues("wrong_code").Inc()
		p.log.Info("second factor failed", "request", r.ID, "user", user, "source", r.Source())
		return wrongCode()
	}
	if err != nil {
		return web.StoreError(err)
	}
	return nil
}

func wrongCode() error {
	return fault.Errorf(fault.Denied, "that is not the code that the authenticator shows now, or it was used before").
		WithCode(rest.CodeSecondFactorWrong)
}

// startEnrolment answers GET /v1/user/mfa-enable: a secret for the
// authenticator. Nothing changes before it is confirmed.
func (p *People) startEnrolment(w http.ResponseWriter, r *web.Request) error {
	user, err := p.cfg.Accounts.User(r.Context(), r.Caller.User)
	if err != nil {
		return web.StoreError(err)
	}
	if user.MFA {
		return enrolled()
	}
	token, now := secret(), time.Now()
	ticket := account.Ticket{
		Hash: account.HashToken(token), User: user.ID, Secret: make([]byte, account.SecretSize), Expires: now.Add(account.TicketLife),
	}
	rand.Read(ticket.Secret) // never fails
	if err := p.cfg.Tickets.AddTicket(r.Context(), ticket, now); err != nil {
		return web.StoreError(err)
	}
	return web.Answer(w, http.StatusOK, rest.Enrolment{
		Token: token, Secret: account.SecretText(ticket.Secret), URL: account.SecretURL(ticket.Secret, user.Username),
	})
}

func enrolled() error {
	return fault.Errorf(fault.Conflict, "the account has a second factor already: end it first, with the password")
}

// enrol answers POST /v1/user/mfa-enable: a code proves that the authenticator
// has the secret, and from then on logins want one.
func (p *People) enrol(w http.ResponseWriter, r *web.Request) error {
	endTokens, err := r.Form.Truth("invalidate_tokens", false)
	if err != nil {
		return err
	}
	token, _ := r.Form.Get("mfa_token")
	code, _ := r.Form.Get("otp")
	now := time.Now()
	ticket, err := p.tryTicket(r, token, now)
	if err != nil {
		return err
	}
	if ticket.User != r.Caller.User || ticket.Secret == nil {
		return ticketOver()
	}
	if user, err := p.cfg.Accounts.User(r.Context(), ticket.User); err != nil {
		return web.StoreError(err)
	} else if user.MFA {
		return enrolled()
	}
	step, ok := account.CodeMatches(ticket.Secret, code, now, 0)
	if !ok {
		return wrongCode()
	}
	codes, hashes := recoveryCodes()
	if err := p.cfg.Factors.Enrol(r.Context(), ticket, step, hashes, now); err != nil {
		return orTicketOver(err)
	}
	if endTokens {
		if err := p.endTokens(r); err != nil {
			return err
		}
	}
	p.log.Info("second factor enrolled", "request", r.ID, "user", r.Caller.User, "tokens_ended", endTokens)
	return web.Answer(w, http.StatusOK, rest.Enrolled{OK: true, Enrolled: true, RecoveryCodes: codes, Tokens: []string{}})
}

func recoveryCodes() (codes []string, hashes []account.TokenHash) {
	for range account.RecoveryCodes {
		var random [account.RecoverySize]byte
		rand.Read(random[:]) // never fails
		code := account.RecoveryCode(random)
		codes, hashes = append(codes, code), append(hashes, account.HashRecovery(code))
	}
	return codes, hashes
}

// disenrol answers PUT /v1/user/mfa-disable: logins want the password alone.
func (p *People) disenrol(w http.ResponseWriter, r *web.Request) error {
	current, _ := r.Form.Get("current_password", "password")
	user, err := p.confirm(r, current)
	if err != nil {
		return err
	}
	if !user.MFA {
		return fault.Errorf(fault.Conflict, "the account has no second factor").WithCode(rest.CodeSecondFactorNone)
	}
	if err := p.cfg.Factors.EndSecondFactor(r.Context(), user.ID); err != nil {
		return web.StoreError(err)
	}
	p.log.Info("second factor ended", "request", r.ID, "user", user.ID)
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}
