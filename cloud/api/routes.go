package api

import (
	"net/http"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// route is one row of the table of routes.
type route struct {
	pattern string
	scope   account.Scope // that a token needs; empty: any token will do
	open    bool          // no token needed
	body    bool          // the body's fields are read before the handler runs
	upload  bool          // a body of files is left to the handler
	handle  func(w http.ResponseWriter, r *request) error
}

// table is the API: every path that there is.
func (a *API) table() []route {
	return []route{
		{pattern: "POST /oauth/token", open: true, body: true, handle: a.login},
		{pattern: "GET /v1/user", handle: a.user},
		{pattern: "PUT /v1/user", scope: account.Account, body: true, handle: a.updateUser},
		{pattern: "DELETE /v1/user", scope: account.Account, body: true, handle: a.deleteUser},
		{pattern: "POST /v1/users", open: true, body: true, handle: a.signUp},
		{pattern: "GET /v1/access_tokens", open: true, handle: a.listTokens},
		{pattern: "DELETE /v1/access_tokens", scope: account.Account, body: true, handle: a.revokeTokens},
		{pattern: "GET /v1/access_tokens/current", handle: a.currentToken},
		{pattern: "DELETE /v1/access_tokens/current", handle: a.logout},
		{pattern: "DELETE /v1/access_tokens/{token}", open: true, handle: a.revokeToken},

		{pattern: "GET /v1/devices", scope: account.DevicesList, handle: a.listDevices},
		{pattern: "GET /v1/devices/{device}", scope: account.DevicesGet, handle: a.getDevice},
		{pattern: "POST /v1/devices", scope: account.DevicesImport, body: true, handle: a.claim},
		{pattern: "POST /v1/device_claims", scope: account.DevicesImport, body: true, handle: a.claimCode},
		{pattern: "DELETE /v1/devices/{device}", scope: account.DevicesRelease, body: true, handle: a.unclaim},
		{pattern: "PUT /v1/devices/{device}", scope: account.DevicesUpdate, body: true, upload: true, handle: a.updateDevice},
		{pattern: "PUT /v1/devices/{device}/ping", scope: account.DevicesPing, body: true, handle: a.ping},
		{pattern: "POST /v1/devices/{device}/{function}", scope: account.FunctionCall, body: true, handle: a.callFunction},
		{pattern: "POST /v1/provisioning/{device}", scope: account.DevicesImport, body: true, handle: a.provision},

		// A stream's prefix may have slashes in it, and a device may be called
		// events: below a device, the handlers tell the words apart.
		{pattern: "GET /v1/devices/events", scope: account.EventsGet, handle: a.myEvents},
		{pattern: "GET /v1/devices/{device}/{word}", handle: a.belowDevice},
		{pattern: "GET /v1/devices/{device}/{word}/{rest...}", handle: a.belowDevice},
		{pattern: "GET /v1/events", scope: account.EventsGet, handle: a.allEvents},
		{pattern: "GET /v1/events/{prefix...}", scope: account.EventsGet, handle: a.allEvents},
		{pattern: "POST /v1/devices/events", scope: account.EventsSend, body: true, handle: a.publish},

		{pattern: "GET /healthz", open: true, handle: a.healthy},
		{pattern: "GET /readyz", open: true, handle: a.ready},
		{pattern: "GET /metrics", open: true, handle: a.serveMetrics},
	}
}

// later are routes that stock clients ask for and that this server does not
// offer: they hear that, and not that they are wrong.
var later = []string{
	"/v1/products", "/v1/products/{rest...}", "/v1/user/products", "/v1/orgs", "/v1/orgs/{rest...}",
	"/v1/webhooks", "/v1/webhooks/{rest...}", "/v1/integrations", "/v1/integrations/{rest...}",
	"/v1/binaries", "/v1/binaries/{rest...}", "/v1/build_targets", "/v1/device-os/{rest...}",
	"/v1/diagnostics/{rest...}", "/v1/serial_numbers/{rest...}", "/v1/clients", "/v1/ledgers", "/v1/ledgers/{rest...}",
	"/v1/libraries", "/v1/libraries/{rest...}", "/v1/secrets", "/v1/secrets/{rest...}", "/v1/sims", "/v1/sims/{rest...}",
}

// route fills the table of routes.
func (a *API) route() {
	a.mux = http.NewServeMux()
	a.routes = make(map[string]*route)
	add := func(r route) {
		if r.pattern == "GET /metrics" && a.cfg.Gatherer == nil {
			return
		}
		a.routes[r.pattern] = &r
		// The mux only finds the route and the values in the path.
		a.mux.HandleFunc(r.pattern, func(http.ResponseWriter, *http.Request) {})
	}
	for _, r := range a.table() {
		add(r)
	}
	for _, pattern := range later {
		add(route{pattern: pattern, open: true, handle: notOffered})
	}
}

func notOffered(_ http.ResponseWriter, r *request) error {
	return fault.Errorf(fault.Unavailable, "this server does not offer %s %s", r.Method, printable(r.URL.Path, 200)).
		WithCode(rest.CodeNotImplemented)
}

// belowDevice tells apart what stands below a device in a GET: its events,
// its attempts, or one of its variables.
func (a *API) belowDevice(w http.ResponseWriter, r *request) error {
	word, more := r.PathValue("word"), r.PathValue("rest")
	scope, handle := account.VariableGet, a.getVariable
	switch {
	case r.PathValue("device") == rest.WordEvents:
		scope, handle = account.EventsGet, a.myEvents
	case word == rest.WordEvents:
		scope, handle = account.EventsGet, a.deviceEvents
	case more != "":
		return errNoRoute(r)
	case word == rest.WordAttempts:
		scope, handle = account.DevicesGet, a.attempts
	}
	if !r.caller.token.Allows(scope) {
		return fault.Errorf(fault.Denied, "this token is not allowed to do that: it lacks the scope %s", scope).
			WithCode(rest.CodeScopeMissing)
	}
	return handle(w, r)
}
