package api

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// checkTimeout is how long all checks of /readyz may take together.
const checkTimeout = 2 * time.Second

// healthy answers GET /healthz: the process lives.
func (a *API) healthy(w http.ResponseWriter, _ *web.Request) error {
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}

// ready answers GET /readyz: everything that requests need works. A part
// that does not is named by the error.
func (a *API) ready(w http.ResponseWriter, r *web.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	for _, c := range a.cfg.Ready {
		if err := c.Run(ctx); err != nil {
			code := fault.CodeOf(err)
			return fault.E(fault.Unavailable, c.Name+" is not ready", err).WithCode(code)
		}
	}
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}

// serveMetrics answers GET /metrics.
func (a *API) serveMetrics(w http.ResponseWriter, r *web.Request) error {
	promhttp.HandlerFor(a.cfg.Gatherer, promhttp.HandlerOpts{}).ServeHTTP(w, r.Request)
	return nil
}
