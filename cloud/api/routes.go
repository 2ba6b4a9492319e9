package api

import (
	"net/http"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/people"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// table is every path that there is for devices and events, and for those
// who watch this server.
func (a *API) table() []web.Route {
	return []web.Route{
		{Pattern: "GET /v1/devices", Scope: account.DevicesList, Handle: a.listDevices},
		{Pattern: "GET /v1/devices/{device}", Scope: account.DevicesGet, Handle: a.getDevice},
		{Pattern: "POST /v1/devices", Scope: account.DevicesImport, Body: true, Handle: a.claim},
		{Pattern: "POST /v1/device_claims", Scope: account.DevicesImport, Body: true, Handle: a.claimCode},
		{Pattern: "DELETE /v1/devices/{device}", Scope: account.DevicesRelease, Body: true, Handle: a.unclaim},
		{Pattern: "PUT /v1/devices/{device}", Scope: account.DevicesUpdate, Body: true, Upload: true, Handle: a.updateDevice},
		{Pattern: "PUT /v1/devices/{device}/ping", Scope: account.DevicesPing, Body: true, Handle: a.ping},
		{Pattern: "POST /v1/devices/{device}/{function}", Scope: account.FunctionCall, Body: true, Handle: a.callFunction},
		{Pattern: "POST /v1/provisioning/{device}", Scope: account.DevicesImport, Body: true, Handle: a.provision},

		// A stream's prefix may have slashes in it, and a device may be called
		// events: below a device, the handlers tell the words apart.
		{Pattern: "GET /v1/devices/events", Scope: account.EventsGet, Handle: a.myEvents},
		{Pattern: "GET /v1/devices/{device}/{word}", Handle: a.belowDevice},
		{Pattern: "GET /v1/devices/{device}/{word}/{rest...}", Handle: a.belowDevice},
		{Pattern: "GET /v1/events", Scope: account.EventsGet, Handle: a.allEvents},
		{Pattern: "GET /v1/events/{prefix...}", Scope: account.EventsGet, Handle: a.allEvents},
		{Pattern: "POST /v1/devices/events", Scope: account.EventsSend, Body: true, Handle: a.publish},

		{Pattern: "GET /healthz", Open: true, Handle: a.healthy},
		{Pattern: "GET /readyz", Open: true, Handle: a.ready},
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

// routes are all rows of the table: those of people, and those that there
// are not.
func (a *API) routes(p *people.People) []web.Route {
	all := append(p.Routes(), a.table()...)
	if a.cfg.Gatherer != nil {
		all = append(all, web.Route{Pattern: "GET /metrics", Open: true, Handle: a.serveMetrics})
	}
	for _, pattern := range later {
		all = append(all, web.Route{Pattern: pattern, Open: true, Handle: web.NotOffered})
	}
	return all
}

// belowDevice tells apart what stands below a device in a GET: its events,
// its attempts, or one of its variables.
func (a *API) belowDevice(w http.ResponseWriter, r *web.Request) error {
	word, more := r.PathValue("word"), r.PathValue("rest")
	scope, handle := account.VariableGet, a.getVariable
	switch {
	case r.PathValue("device") == rest.WordEvents:
		scope, handle = account.EventsGet, a.myEvents
	case word == rest.WordEvents:
		scope, handle = account.EventsGet, a.deviceEvents
	case more != "":
		return web.NoRoute(r)
	case word == rest.WordAttempts:
		scope, handle = account.DevicesGet, a.attempts
	}
	if err := r.Need(scope); err != nil {
		return err
	}
	return handle(w, r)
}
