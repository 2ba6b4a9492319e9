package outage

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
)

const (
	askEvery  = 10 * time.Second
	askWithin = 2 * time.Second
	staleness = time.Minute
	maxPage   = 1 << 20 // bytes of the watchtower's answer
)

// Known is what the watchtower's page says of incidents and maintenance. Asking
// it never holds a request up: Run asks, and what it heard last counts for a
// minute; an announced window until its end. A nil *Known knows nothing.
type Known struct {
	url    string
	client *http.Client
	log    *slog.Logger
	heard  atomic.Pointer[heard]
}

// heard is what the page said.
type heard struct {
	at      time.Time
	list    []happening // those that are open first
	windows []work      // announced, and not over
}

// happening is an incident as the page has it.
type happening struct {
	rest.Incident
	resolved time.Time // zero: it is open
	parts    []string  // names of components
}

// NewKnown makes one for the page at a URL; nothing is asked before Run.
func NewKnown(url string, log *slog.Logger) *Known {
	return &Known{url: strings.TrimRight(url, "/"), client: &http.Client{Timeout: askWithin}, log: log}
}

// Run asks the page until ctx is done.
func (k *Known) Run(ctx context.Context) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for deaf := false; ; {
		err := k.Ask(ctx, time.Now())
		if err != nil && !deaf && ctx.Err() == nil { // said once, until it is over
			k.log.Warn("the watchtower's page does not tell which incidents there are", "url", k.url, "err", err)
		}
		deaf = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// page is what is read of the page's answers.
type page struct {
	Page struct {
		Updated time.Time `json:"updated_at"`
	} `json:"page"`
	Incidents []struct {
		ID         string     `json:"id"`
		Name       string     `json:"name"`
		Link       string     `json:"shortlink"`
		Started    time.Time  `json:"started_at"`
		Resolved   *time.Time `json:"resolved_at"`
		Components components `json:"components"`
	} `json:"incidents"`
	Windows []struct {
		ID         string     `json:"id"`
		Name       string     `json:"name"`
		Link       string     `json:"shortlink"`
		Status     string     `json:"status"`
		For        time.Time  `json:"scheduled_for"`
		Until      time.Time  `json:"scheduled_until"`
		Components components `json:"components"`
	} `json:"scheduled_maintenances"`
}

type components []struct {
	Name string `json:"name"`
}

func (c components) names() (list []string) {
	for _, x := range c {
		list = append(list, x.Name)
	}
	return list
}

// Ask asks the page once.
func (k *Known) Ask(ctx context.Context, now time.Time) error {
	open, err := k.get(ctx, "/api/v2/summary.json")
	if err != nil {
		return err
	}
	if age := now.Sub(open.Page.Updated); age > staleness {
		return fmt.Errorf("the page is %s old", age.Round(time.Second))
	}
	list := listOf(open)
	// Those that are over are only for the question whom they hit.
	if past, err := k.get(ctx, "/api/v2/incidents.json"); err == nil {
		for _, h := range listOf(past) {
			if !slices.ContainsFunc(list, func(x happening) bool { return x.ID == h.ID }) && !h.resolved.IsZero() {
				list = append(list, h)
			}
		}
	}
	k.heard.Store(&heard{now, list, windowsOf(open)})
	return nil
}

func (k *Known) get(ctx context.Context, path string) (p page, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url+path, nil)
	if err != nil {
		return p, err
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return p, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return p, fmt.Errorf("%s answered %s", path, resp.Status)
	}
	return p, json.NewDecoder(io.LimitReader(resp.Body, maxPage)).Decode(&p)
}

func listOf(p page) []happening {
	var list []happening
	for _, i := range p.Incidents {
		if !plain(i.ID) {
			continue
		}
		h := happening{Incident: rest.Incident{ID: i.ID, Name: i.Name, URL: i.Link, Since: rest.At(i.Started)}}
		if i.Resolved != nil {
			h.resolved = *i.Resolved
		}
		h.parts = i.Components.names()
		list = append(list, h)
	}
	return list
}

// plain tells whether an id can stand in a header.
func plain(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.") == ""
}

// known gives what was heard within a minute.
func (k *Known) known(now time.Time) []happening {
	if k == nil {
		return nil
	}
	h := k.heard.Load()
	if h == nil || now.Sub(h.at) > staleness {
		return nil
	}
	return h.list
}

// Open gives an incident that is open; nil: none is known.
func (k *Known) Open(now time.Time) *rest.Incident {
	for _, h := range k.known(now) {
		if h.resolved.IsZero() {
			return &h.Incident
		}
	}
	return nil
}

// Matching gives the open incident that a failure is likely to be of; nil: none
// is known.
func (k *Known) Matching(route string, status int, code string, now time.Time) *rest.Incident {
	parts := touched(route, status, code)
	for _, h := range k.known(now) {
		if h.resolved.IsZero() && slices.ContainsFunc(h.parts, func(p string) bool { return slices.Contains(parts, p) }) {
			return &h.Incident
		}
	}
	return nil
}

// The names of components on the page.
const (
	partTCP       = "New connections (TCP)"
	partUDP       = "New connections (UDP)"
	partConnected = "Connected devices"
	partCalls     = "Function calls"
	partVariables = "Variables"
	partEvents    = "Events"
	partAPI       = "API and login"
)

// touched lists the components that can make a request fail so.
func touched(route string, status int, code string) (parts []string) {
	switch route {
	case routeFunction:
		parts = []string{partCalls}
	case routeVariable:
		parts = []string{partVariables, partEvents}
	case "POST " + rest.PathPublish, "GET /v1/events", "GET /v1/events/{prefix...}", "GET /v1/devices/events":
		parts = []string{partEvents}
	}
	if status == http.StatusServiceUnavailable {
		return append(parts, partAPI)
	}
	if parts = append(parts, partConnected); code == rest.CodeNotConnected {
		parts = append(parts, partTCP, partUDP)
	}
	return parts
}
