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
		{Pattern: "POST /v1/devices", Scope: account.DevicesImport, Body: true, Audit: "device.claim", Handle: a.claim},
		{Pattern: "POST /v1/device_claims", Scope: account.DevicesImport, Body: true, Audit: "claim_code.create", Handle: a.claimCode},
		{Pattern: "DELETE /v1/devices/{device}", Scope: account.DevicesRelease, Body: true, Audit: "device.unclaim", Handle: a.unclaim},
		{Pattern: "PUT /v1/devices/{device}", Scope: account.DevicesUpdate, Body: true, Upload: true, Audit: "device.update", Handle: a.updateDevice},
		{Pattern: "PUT /v1/devices/{device}/ping", Scope: account.DevicesPing, Body: true, Handle: a.ping},
		{Pattern: "PUT /v1/devices/{device}/restart", Scope: account.DevicesUpdate, Body: true, Audit: "device.restart", Handle: a.restart},
		{Pattern: "POST /v1/devices/{device}/{function}", Scope: account.FunctionCall, Body: true, Audit: "device.call", Handle: a.callFunction},
		{Pattern: "POST /v1/provisioning/{device}", Scope: account.DevicesImport, Body: true, Audit: "device.provision", Handle: a.provision},

		{Pattern: "GET /v1/annotations", Scope: account.DevicesList, Handle: a.annotations},
		{Pattern: "GET /v1/transfers", Scope: account.DevicesList, Handle: a.listTransfers},
		{Pattern: "PUT /v1/transfers/{transfer}", Scope: account.DevicesRelease, Body: true, Audit: "transfer.answer", Handle: a.answerTransfer},
		{Pattern: "DELETE /v1/transfers/{transfer}", Scope: account.DevicesImport, Body: true, Audit: "transfer.withdraw", Handle: a.withdrawTransfer},

		{Pattern: "POST /v1/diagnostics/{device}/update", Scope: account.DiagnosticsUpdate, Body: true, Handle: a.refreshVitals},
		{Pattern: "GET /v1/diagnostics/{device}/last", Scope: account.DiagnosticsGet, Handle: a.lastVitals},
		{Pattern: "GET /v1/diagnostics/{device}", Scope: account.DiagnosticsGet, Handle: a.vitalsHistory},

		// A stream's prefix may have slashes in it, and a device may be called
		// events: below a device, the handlers tell the words apart.
		{Pattern: "GET /v1/devices/events", Scope: account.EventsGet, Costly: true, Handle: a.myEvents},
		{Pattern: "GET /v1/devices/{device}/{word}", Handle: a.belowDevice},
		{Pattern: "GET /v1/devices/{device}/{word}/{rest...}", Handle: a.belowDevice},
		{Pattern: "GET /v1/events", Scope: account.EventsGet, Costly: true, Handle: a.allEvents},
		{Pattern: "GET /v1/events/{prefix...}", Scope: account.EventsGet, Costly: true, Handle: a.allEvents},
		{Pattern: "POST /v1/devices/events", Scope: account.EventsSend, Body: true, Handle: a.publish},

		{Pattern: "GET /healthz", Open: true, Handle: a.healthy},
		{Pattern: "GET /readyz", Open: true, Handle: a.ready},
	}
}

// later are paths that stock clients ask for and that this server does not
// offer, with all that is below them: they hear that, and not that they are
// wrong.
var later = []string{
	"/v1/products", "/v1/user/products", "/v1/orgs", "/v1/webhooks", "/v1/integrations", "/v1/clients", "/v1/customers",
	"/v1/binaries", "/v1/build_targets", "/v1/device-os", "/v1/serial_numbers", "/v1/sims",
	"/v1/ledgers", "/v1/libraries", "/v1/secrets", "/v1/env", "/v1/logic", "/v1/service_agreements",
}

// routes are all rows of the table: those of people, and those that there
// are not.
func (a *API) routes(p *people.People) []web.Route {
	all := append(p.Routes(), a.table()...)
	if a.cfg.Gatherer != nil {
		all = append(all, web.Route{Pattern: "GET /metrics", Open: true, Handle: a.serveMetrics})
	}
	if a.cfg.Outage != nil {
		all = append(all, a.cfg.Outage.Routes()...)
	}
	if a.cfg.Drills != nil {
		all = append(all, a.cfg.Drills.Routes()...)
	}
	if a.cfg.Fleet != nil {
		all = append(all, a.cfg.Fleet.Routes()...)
	}
	for _, path := range later {
		all = append(all, web.Route{Pattern: path, Open: true, Handle: web.NotOffered},
			web.Route{Pattern: path + "/{rest...}", Open: true, Handle: web.NotOffered})
	}
	return all
}

// Routes gives the table of routes, for who wants to check it.
func (a *API) Routes() []web.Route { return a.door.Routes() }

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
	case word == rest.WordDoctor:
		scope, handle = account.DevicesGet, a.examine
	}
	if err := r.Need(scope); err != nil {
		return err
	}
	return handle(w, r)
}
