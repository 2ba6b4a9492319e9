package people

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Services keeps service accounts.
type Services interface {
	// AddService fails with Conflict if the owner has one of that name, with
	// Busy if he has too many.
	AddService(ctx context.Context, v account.Service) error
	Services(ctx context.Context, owner account.ID) ([]account.Service, error)
	// DeleteService ends the tokens, too. NotFound if the owner has none of
	// that id.
	DeleteService(ctx context.Context, owner account.ID, id string) error
	TokensOfService(ctx context.Context, service string) ([]account.Token, error)
}

// listServices answers GET /v1/service_accounts.
func (p *People) listServices(w http.ResponseWriter, r *web.Request) error {
	list, err := p.cfg.Services.Services(r.Context(), r.Caller.User)
	if err != nil {
		return web.StoreError(err)
	}
	views := make([]rest.ServiceAccount, len(list))
	for i := range list {
		views[i] = serviceView(&list[i])
	}
	return web.Answer(w, http.StatusOK, rest.ServiceAccounts{ServiceAccounts: views})
}

func serviceView(v *account.Service) rest.ServiceAccount {
	return rest.ServiceAccount{ID: v.ID, Name: v.Name, Scopes: scopeNames(v.Scopes), CreatedAt: rest.At(v.Created)}
}

// addService answers POST /v1/service_accounts: a program's own account, and
// its first token.
func (p *People) addService(w http.ResponseWriter, r *web.Request) error {
	now := time.Now()
	v, err := newService(r, now)
	if err != nil {
		return err
	}
	life, err := lifetime(r.Form, now, 0)
	if err != nil {
		return err
	}
	err = p.cfg.Services.AddService(r.Context(), v)
	if fault.KindOf(err) == fault.Conflict {
		return fault.E(fault.Conflict, "you have a service account of that name already", err)
	}
	if err != nil {
		return web.StoreError(err)
	}
	r.Note(v.Owner, "service account "+v.ID)
	return p.issueService(w, r, &v, life, now)
}

func newService(r *web.Request, now time.Time) (account.Service, error) {
	name, _ := r.Form.Get("name", "friendly_name")
	name = strings.TrimSpace(name)
	if name == "" || len(name) > account.MaxService || !utf8.ValidString(name) || web.Printable(name, account.MaxService) != name {
		return account.Service{}, fault.Errorf(fault.Invalid, "a service account's name has 1 to %d characters", account.MaxService)
	}
	scopes, err := account.ParseScopes(strings.Join(r.Form.List("scopes", "scope"), " "))
	switch {
	case err != nil:
		return account.Service{}, err
	case len(scopes) == 0:
		return account.Service{}, fault.Errorf(fault.Invalid, "a service account needs scopes: what it may do, such as devices:list")
	}
	for _, s := range scopes {
		if s == account.Account {
			return account.Service{}, fault.Errorf(fault.Invalid, "no service account may have the scope %s: it would be as its owner", s)
		}
	}
	if !r.Caller.Token.AllowsAll(scopes) {
		return account.Service{}, fault.Errorf(fault.Denied, "this token cannot give scopes that it lacks").WithCode(rest.CodeScopeMissing)
	}
	return account.Service{ID: newID(), Owner: r.Caller.User, Name: name, Scopes: scopes, Created: now}, nil
}

// issueService answers with a new token of the service account.
func (p *People) issueService(w http.ResponseWriter, r *web.Request, v *account.Service, life time.Duration, now time.Time) error {
	t := account.Token{User: v.Owner, Service: v.ID, Client: v.Name, Created: now, Scopes: v.Scopes}
	token, err := p.issue(r, &t, life)
	if err != nil {
		return err
	}
	p.log.Info("token of a service account", "request", r.ID, "user", v.Owner, "service", v.ID)
	return web.Answer(w, http.StatusCreated, rest.ServiceToken{
		OK: true, ServiceAccount: serviceView(v), Token: token, ExpiresIn: int64(life / time.Second),
	})
}

// service finds the caller's service account that the path names.
func (p *People) service(r *web.Request) (account.Service, error) {
	list, err := p.cfg.Services.Services(r.Context(), r.Caller.User)
	if err != nil {
		return account.Service{}, web.StoreError(err)
	}
	asked := r.PathValue("service")
	for _, v := range list {
		if v.ID == asked || v.Name == asked {
			r.Note(v.Owner, "service account "+v.ID)
			return v, nil
		}
	}
	return account.Service{}, fault.Errorf(fault.NotFound, "you have no service account %s", web.Printable(asked, 100))
}

// getService answers GET /v1/service_accounts/{service}, with its tokens.
func (p *People) getService(w http.ResponseWriter, r *web.Request) error {
	v, err := p.service(r)
	if err != nil {
		return err
	}
	tokens, err := p.cfg.Services.TokensOfService(r.Context(), v.ID)
	if err != nil {
		return web.StoreError(err)
	}
	view := serviceView(&v)
	view.Tokens = tokenViews(tokens, time.Now())
	return web.Answer(w, http.StatusOK, view)
}

// addServiceToken answers POST /v1/service_accounts/{service}/tokens.
func (p *People) addServiceToken(w http.ResponseWriter, r *web.Request) error {
	v, err := p.service(r)
	if err != nil {
		return err
	}
	if !r.Caller.Token.AllowsAll(v.Scopes) {
		return fault.Errorf(fault.Denied, "this token cannot give scopes that it lacks").WithCode(rest.CodeScopeMissing)
	}
	now := time.Now()
	life, err := lifetime(r.Form, now, 0)
	if err != nil {
		return err
	}
	return p.issueService(w, r, &v, life, now)
}

// deleteService answers DELETE /v1/service_accounts/{service}. Its tokens go
// first, one by one, so that what hangs on each ends, too.
func (p *People) deleteService(w http.ResponseWriter, r *web.Request) error {
	v, err := p.service(r)
	if err != nil {
		return err
	}
	tokens, err := p.cfg.Services.TokensOfService(r.Context(), v.ID)
	if err != nil {
		return web.StoreError(err)
	}
	for i := range tokens {
		p.issued.Forget(tokens[i].Hash)
		if err := p.cfg.Tokens.RevokeToken(r.Context(), tokens[i].Hash); err != nil && fault.KindOf(err) != fault.NotFound {
			return web.StoreError(err)
		}
	}
	if err := p.cfg.Services.DeleteService(r.Context(), v.Owner, v.ID); err != nil {
		return web.StoreError(err)
	}
	p.log.Info("service account deleted", "request", r.ID, "user", v.Owner, "service", v.ID)
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}
