package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/cloud/fault"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/meter"
	"github.com/cyan-cloud/cyan/watch/oncall"
	"github.com/cyan-cloud/cyan/watch/tower"
)

// pagerSettings reads who is paged from the settings file. Without a file, or
// without its section notify, nobody is.
func pagerSettings(path string) (pager.Settings, error) {
	if path == "" {
		return pager.Settings{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return pager.Settings{}, err
	}
	settings, err := pager.ParseSettings(text)
	if err != nil {
		return settings, fmt.Errorf("%s: %w", path, err)
	}
	return settings, nil
}

// openOncall opens what stands between the watchtower and those who are paged.
func (w *Watch) openOncall(o *WatchOptions, page string, cfg *tower.Config) error {
	settings, err := pagerSettings(o.Settings)
	if err != nil {
		return err
	}
	if settings.URL == "" && o.StatusPublic != "" {
		settings.URL = page
	}
	c := oncall.Config{Settings: settings, Data: o.Data, Page: page, Logger: o.Logger}
	if token := cfg.Canaries.Canary.Token; token != "" {
		c.Deploys = client.New(client.Config{URL: o.API, Token: token, UserAgent: "cyan-watch"})
	}
	w.oncall, err = oncall.Open(c)
	return err
}

// handler serves the watchtower: its metrics, its pager, and its desk,
// whose page has the rest.
func (w *Watch) handler() http.Handler {
	numbers := prometheus.NewRegistry()
	numbers.MustRegister(meter.New(w.oncall.Pipeline()))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(numbers, promhttp.HandlerOpts{}))
	mux.Handle("/oncall/", w.oncall.Handler())
	mux.Handle("/", w.desk)
	return mux
}

// Oncall commands the pager of a running watchtower, by the right of being
// able to read its data folder: no login of the cloud is needed, which may be
// what is broken.
type Oncall struct{ remote *pager.Remote }

// OpenOncall finds the watchtower at url, whose data folder is data.
func OpenOncall(url, data string) (*Oncall, error) {
	remote, err := pager.OpenRemote(url, data)
	if err != nil {
		return nil, fault.E(fault.Denied, "read the watchtower's secret", err)
	}
	return &Oncall{remote}, nil
}

// Status is how well people can be reached.
func (o *Oncall) Status(ctx context.Context) (pager.Status, error) {
	s, err := o.remote.Status(ctx)
	return s, oncallFault(err)
}

// Test sends a test page to every outlet, and gives what each said.
func (o *Oncall) Test(ctx context.Context, by string) ([]pager.TestResult, error) {
	list, err := o.remote.Test(ctx, by)
	return list, oncallFault(err)
}

// Acknowledge says that a person has an alert.
func (o *Oncall) Acknowledge(ctx context.Context, key, by string) error {
	return oncallFault(o.remote.Acknowledge(ctx, key, by))
}

// oncallFault gives an answer of the watchtower its kind.
func oncallFault(err error) error {
	no, ok := errors.AsType[*pager.RemoteError](err)
	if !ok {
		return err
	}
	kind := fault.Unavailable
	switch no.Status {
	case http.StatusUnauthorized:
		kind = fault.Denied
	case http.StatusNotFound:
		kind = fault.NotFound
	case http.StatusBadRequest:
		kind = fault.Invalid
	}
	return fault.E(kind, "ask the watchtower", no)
}
