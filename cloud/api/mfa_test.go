package api_test

import (
	"encoding/base32"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// authenticator is a person's telephone.
type authenticator struct {
	secret []byte
	step   int64 // of the last code that it showed
}

// code shows a code that was not used yet.
func (a *authenticator) code() string {
	a.step = max(a.step+1, account.CodeStep(time.Now()))
	return account.Code(a.secret, a.step)
}

// enrol gives alice a second factor.
func (w *world) enrol(t *testing.T) (*authenticator, rest.Enrolled) {
	t.Helper()
	var start rest.Enrolment
	w.do("GET", rest.PathMFAEnable, "").into(t, &start)
	u, err := url.Parse(start.URL)
	if err != nil || u.Query().Get("secret") != start.Secret {
		t.Errorf("%q does not hold the secret (%v)", start.URL, err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(start.Secret)
	if err != nil {
		t.Fatal(err)
	}
	phone := &authenticator{secret: secret}
	got := w.do("POST", rest.PathMFAEnable, url.Values{"mfa_token": {start.Token}, "otp": {phone.code()}}.Encode())
	var done rest.Enrolled
	got.into(t, &done)
	if got.status != http.StatusOK || !done.Enrolled || len(done.RecoveryCodes) != account.RecoveryCodes {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	return phone, done
}

// ticket logs alice in with her password, and gives what the login goes on
// with.
func (w *world) ticket(t *testing.T, more string) string {
	t.Helper()
	got := w.do("POST", "/oauth/token", goodLogin+more)
	e := got.fault(t)
	if got.status != http.StatusForbidden || e.Message != "mfa_required" || e.Code != rest.CodeSecondFactor || len(e.MFAToken) != 40 {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	return e.MFAToken
}

// sendCode is the second half of a login, as stock clients send it.
func (w *world) sendCode(ticket, code string) reply {
	w.t.Helper()
	return w.do("POST", "/oauth/token", url.Values{
		"grant_type": {"urn:custom:mfa-otp"}, "mfa_token": {ticket}, "otp": {code},
		"client_id": {"particle-cli"}, "client_secret": {"particle-cli"},
	}.Encode(), "Authorization: Bearer null")
}

// forgetCodes makes all codes of the telephone good again, as if time had
// passed.
func (w *world) forgetCodes(t *testing.T, phone *authenticator) {
	t.Helper()
	if err := w.store.EndSecondFactor(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	ticket := account.Ticket{Hash: account.HashToken("again"), User: alice, Secret: phone.secret, Expires: time.Now().Add(time.Hour)}
	if err := w.store.AddTicket(t.Context(), ticket, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Enrol(t.Context(), ticket, 0, nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	phone.step = 0
}

// A login with a second factor takes two steps, and its token is what the
// first step asked for.
func TestLoginWithSecondFactor(t *testing.T) {
	w := newWorld(t, nil)
	phone, _ := w.enrol(t)
	w.forgetCodes(t, phone)
	ticket := w.ticket(t, "&expires_in=60&scope=devices:list")
	for _, wrong := range []string{"", "000000x", "123 456 7"} {
		if e := w.sendCode(ticket, wrong).fault(t); e.Code != rest.CodeSecondFactorWrong {
			t.Errorf("code %q: %+v", wrong, e)
		}
	}
	code := phone.code()
	got := w.sendCode(ticket, code)
	var given rest.Token
	got.into(t, &given)
	if got.status != http.StatusOK || given.ExpiresIn != 60 || len(given.AccessToken) != 40 {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	bearer := "Authorization: Bearer " + given.AccessToken
	if got := w.do("GET", "/v1/devices", "", bearer); got.status != http.StatusOK {
		t.Errorf("the scope that was asked for: %s", got.body)
	}
	if e := w.do("GET", "/v1/devices/oven", "", bearer).fault(t); e.Code != rest.CodeScopeMissing {
		t.Errorf("a scope that was not: %+v", e)
	}
	if e := w.sendCode(ticket, phone.code()).fault(t); e.Code != rest.CodeTicketOver {
		t.Errorf("the login again: %+v", e)
	}
	if e := w.sendCode(w.ticket(t, ""), code).fault(t); e.Code != rest.CodeSecondFactorWrong {
		t.Errorf("the code again: %+v", e)
	}
	var user rest.User
	if w.do("GET", "/v1/user", "").into(t, &user); !user.MFA.Enabled {
		t.Error("the account does not show its second factor")
	}
}

// A recovery code is good once, in place of the authenticator.
func TestRecoveryCode(t *testing.T) {
	w := newWorld(t, nil)
	_, done := w.enrol(t)
	if got := w.sendCode(w.ticket(t, ""), strings.ToUpper(done.RecoveryCodes[3])); got.status != http.StatusOK {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if e := w.sendCode(w.ticket(t, ""), done.RecoveryCodes[3]).fault(t); e.Code != rest.CodeSecondFactorWrong {
		t.Errorf("again: %+v", e)
	}
}

// Codes are tried a few times only: neither one login after the other nor
// many at once can guess them.
func TestCodesAreNotGuessed(t *testing.T) {
	w := newWorld(t, func(cfg *api.Config) { cfg.MaxLogins = 4 })
	w.enrol(t)
	ticket := w.ticket(t, "")
	for range account.TicketTries {
		if e := w.sendCode(ticket, "000000").fault(t); e.Code != rest.CodeSecondFactorWrong {
			t.Fatalf("too early: %+v", e)
		}
	}
	if e := w.sendCode(ticket, "000000").fault(t); e.Code != rest.CodeTicketOver {
		t.Errorf("a try too many: %+v", e)
	}
	// The right password alone does not make the count of failures begin anew.
	for range 3 {
		w.ticket(t, "")
	}
	if e := w.do("POST", "/oauth/token", goodLogin).fault(t); e.Code != rest.CodeTooManyLogins {
		t.Errorf("one login after the other: %+v", e)
	}
}

// The second factor cannot be replaced with a token alone, and ends with the
// password.
func TestSecondFactorEnds(t *testing.T) {
	w := newWorld(t, nil)
	if e := w.do("PUT", rest.PathMFADisable, "current_password="+url.QueryEscape(password)).fault(t); e.Code != rest.CodeSecondFactorNone {
		t.Errorf("without one: %+v", e)
	}
	var other rest.Enrolment
	w.do("GET", rest.PathMFAEnable, "").into(t, &other)
	w.enrol(t)
	if got := w.do("GET", rest.PathMFAEnable, ""); got.status != http.StatusConflict {
		t.Errorf("another one: %s", got.body)
	}
	secret, _ := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(other.Secret)
	late := url.Values{"mfa_token": {other.Token}, "otp": {account.Code(secret, account.CodeStep(time.Now()))}}.Encode()
	if got := w.do("POST", rest.PathMFAEnable, late); got.status != http.StatusConflict {
		t.Errorf("an enrolment that was begun before: %s", got.body)
	}
	if e := w.do("PUT", rest.PathMFADisable, "current_password=wrong").fault(t); e.Code != rest.CodePasswordWrong {
		t.Errorf("with a wrong password: %+v", e)
	}
	if got := w.do("PUT", rest.PathMFADisable, "current_password="+url.QueryEscape(password)); got.status != http.StatusOK {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if got := w.do("POST", "/oauth/token", goodLogin); got.status != http.StatusOK {
		t.Errorf("a login afterwards: %s", got.body)
	}
}

// An enrolment's ticket is no login, a login's no enrolment, and nobody
// confirms somebody else's.
func TestTicketsAreForOneThing(t *testing.T) {
	w := newWorld(t, nil)
	var start rest.Enrolment
	w.do("GET", rest.PathMFAEnable, "").into(t, &start)
	secret, _ := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(start.Secret)
	code := account.Code(secret, account.CodeStep(time.Now()))
	if e := w.sendCode(start.Token, code).fault(t); e.Code != rest.CodeTicketOver {
		t.Errorf("an enrolment as a login: %+v", e)
	}
	form := url.Values{"mfa_token": {start.Token}, "otp": {code}}.Encode()
	if e := w.do("POST", rest.PathMFAEnable, form, "Authorization: Bearer "+bobToken).fault(t); e.Code != rest.CodeTicketOver {
		t.Errorf("somebody else's enrolment: %+v", e)
	}
	w.enrol(t)
	form = url.Values{"mfa_token": {w.ticket(t, "")}, "otp": {code}}.Encode()
	if e := w.do("POST", rest.PathMFAEnable, form).fault(t); e.Code != rest.CodeTicketOver {
		t.Errorf("a login as an enrolment: %+v", e)
	}
}

// The list of tokens, asked for with the password, wants the code, too.
func TestListOfTokensWantsTheCode(t *testing.T) {
	w := newWorld(t, nil)
	phone, _ := w.enrol(t)
	w.forgetCodes(t, phone)
	basic := func(query string) reply {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+rest.PathTokens+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("alice@example.com", password)
		return w.do("GET", rest.PathTokens+query, "", "Authorization: "+req.Header.Get("Authorization"))
	}
	if e := basic("").fault(t); e.Code != rest.CodeSecondFactor {
		t.Errorf("without: %+v", e)
	}
	if e := basic("?otp=000000").fault(t); e.Code != rest.CodeSecondFactorWrong {
		t.Errorf("with a wrong one: %+v", e)
	}
	if got := basic("?otp=" + phone.code()); got.status != http.StatusOK {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}
