// Package people is the part of the HTTP API that is about people and what
// they log in with: logins, tokens and accounts.
package people

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/device"
)

// Accounts is what there is to know of people. A user who is not there is
// NotFound.
type Accounts interface {
	UserByName(ctx context.Context, username string) (account.User, error)
	User(ctx context.Context, id account.ID) (account.User, error)
	// CreateUser fails with Conflict if the username is taken.
	CreateUser(ctx context.Context, u account.User) error
	// SetPassword replaces the hash, and ends the user's tokens if it is to.
	SetPassword(ctx context.Context, id account.ID, hash string, endTokens bool) error
	// DeleteUser makes the user's devices nobody's. Conflict if he is the only
	// administrator.
	DeleteUser(ctx context.Context, id account.ID) error
}

// Profiles is what people change of themselves.
type Profiles interface {
	// SetUsername fails with Conflict if the username is taken.
	SetUsername(ctx context.Context, id account.ID, username string) error
	SetInfo(ctx context.Context, id account.ID, info account.Info) error
}

// Tokens keeps the records of tokens. One that is not there is NotFound.
type Tokens interface {
	AddToken(ctx context.Context, t account.Token) error
	TokensOf(ctx context.Context, user account.ID) ([]account.Token, error)
	// RevokeToken must write nothing for a token that is not there: strangers
	// may ask for it.
	RevokeToken(ctx context.Context, hash account.TokenHash) error
	RevokeTokens(ctx context.Context, user account.ID) error
}

// Devices tells which devices are a user's.
type Devices interface {
	DevicesOf(ctx context.Context, owner account.ID) ([]device.Device, error)
}

// Config says what the routes stand on. All of it must be set, but for what
// says otherwise.
type Config struct {
	Accounts Accounts
	Profiles Profiles
	Factors  Factors
	Tickets  Tickets
	Services Services
	Audit    Audit
	Tokens   Tokens
	Devices  Devices
	Issued   *web.Issued
	// Released hears of each device of an account that has ended.
	Released func(r *web.Request, id device.ID)

	TokenLifetime time.Duration // of a token whose client asks for none
	MaxLogins     int           // failed logins in a row for one account from one address, and a tenth of those for all from there, before it has to wait; negative: no bound
	LoginLockout  time.Duration // how long it has to wait
	SignUp        bool          // whether strangers may make themselves accounts
	Hashers       int           // passwords checked at once; 0: half the processors, at least one

	Registerer prometheus.Registerer // nil: none
	Logger     *slog.Logger
}

// People answers the routes. It is safe for concurrent use.
type People struct {
	cfg    Config
	log    *slog.Logger
	issued *web.Issued
	gate   *gate
	logins *prometheus.CounterVec // outcome: ok, wrong, wrong_code, locked_out, unsupported, failed
}

// New makes what answers the routes.
func New(cfg Config) *People {
	p := &People{cfg: cfg, log: cfg.Logger, issued: cfg.Issued, gate: newGate(&cfg)}
	p.logins = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "cyan", Subsystem: "api", Name: "logins_total", Help: "Logins, by outcome.",
	}, []string{"outcome"})
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(p.logins)
	}
	return p
}

// Routes are the paths below which people, programs and their tokens are.
func (p *People) Routes() []web.Route {
	return append(p.tokenRoutes(), []web.Route{
		{Pattern: "GET /v1/user", Handle: p.user},
		{Pattern: "GET /v1/user/identify", Handle: p.identify},
		{Pattern: "PUT /v1/user", Scope: account.Account, Body: true, Costly: true, Audit: "user.update", Handle: p.updateUser},
		{Pattern: "DELETE /v1/user", Scope: account.Account, Body: true, Costly: true, Audit: "user.delete", Handle: p.deleteUser},
		{Pattern: "POST /v1/users", Open: true, Heeds: true, Scope: account.Account, Body: true, Costly: true, Audit: "user.create", Handle: p.signUp},
		{Pattern: "PUT /v1/users/{username}", Scope: account.Account, Body: true, Costly: true, Audit: "user.reset", Handle: p.resetUser},
		{Pattern: "POST /v1/user/password-reset", Open: true, Costly: true, Handle: p.resetPassword},
		{Pattern: "PUT /v1/user/password-reset", Open: true, Costly: true, Handle: p.resetPassword},
		{Pattern: "GET /v1/user/mfa-enable", Scope: account.Account, Costly: true, Handle: p.startEnrolment},
		{Pattern: "POST /v1/user/mfa-enable", Scope: account.Account, Body: true, Costly: true, Audit: "mfa.enable", Handle: p.enrol},
		{Pattern: "PUT /v1/user/mfa-disable", Scope: account.Account, Body: true, Costly: true, Audit: "mfa.disable", Handle: p.disenrol},

		{Pattern: "GET /v1/service_accounts", Scope: account.Account, Handle: p.listServices},
		{Pattern: "POST /v1/service_accounts", Scope: account.Account, Body: true, Costly: true, Audit: "service_account.create", Handle: p.addService},
		{Pattern: "GET /v1/service_accounts/{service}", Scope: account.Account, Handle: p.getService},
		{Pattern: "DELETE /v1/service_accounts/{service}", Scope: account.Account, Body: true, Costly: true, Audit: "service_account.delete", Handle: p.deleteService},
		{Pattern: "POST /v1/service_accounts/{service}/tokens", Scope: account.Account, Body: true, Costly: true, Audit: "service_account.token", Handle: p.addServiceToken},

		{Pattern: "GET /v1/audit", Scope: account.AuditGet, Handle: p.audit},
	}...)
}

func (p *People) tokenRoutes() []web.Route {
	return []web.Route{
		{Pattern: "POST /oauth/token", Open: true, Body: true, Costly: true, Audit: "login", Handle: p.login},
		{Pattern: "GET /v1/access_tokens", Open: true, Costly: true, Audit: "token.list", Handle: p.listTokens},
		{Pattern: "DELETE /v1/access_tokens", Scope: account.Account, Body: true, Costly: true, Audit: "token.revoke_all", Handle: p.revokeTokens},
		{Pattern: "GET /v1/access_tokens/current", Handle: p.currentToken},
		{Pattern: "DELETE /v1/access_tokens/current", Costly: true, Audit: "token.revoke", Handle: p.logout},
		{Pattern: "DELETE /v1/access_tokens/{token}", Open: true, Costly: true, Audit: "token.revoke", Handle: p.revokeToken},
	}
}
