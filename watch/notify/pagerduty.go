package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// pagerDuty speaks the Events API v2: POST /v2/enqueue for alerts, and
// /v2/change/enqueue for changes, which page nobody.
//
// 202 is taken; 429 and 5xx are tried again; any other 4xx is our mistake and
// is not. An acknowledge or resolve is dropped unless an alert is open under
// the same key at the same integration, so all of a key go the same way.
type pagerDuty struct {
	key    string
	base   string
	site   string // where an alert's link to us leads
	client *http.Client
}

// Bounds of the Events API v2.
const (
	pagerBody = 512 << 10
	pagerPace = 100 // a minute; the documented limit is about 120 for an integration
)

func newPagerDuty(o *OutletSettings, config Config) (*pagerDuty, error) {
	key, err := secret(o.RoutingKey)
	switch {
	case err != nil:
		return nil, fmt.Errorf("routing_key: %w", err)
	case key == "":
		return nil, errors.New("routing_key is missing: the Integration Key of an Events API v2 integration")
	}
	if _, err := o.hookSecrets(); err != nil {
		return nil, fmt.Errorf("webhook_secrets: %w", err)
	}
	p := &pagerDuty{key: key, site: config.Settings.URL, client: plainClient(config.Transport)}
	switch {
	case o.URL != "":
		p.base = strings.TrimSuffix(o.URL, "/")
	case o.Region == "" || o.Region == "us":
		p.base = "https://events.pagerduty.com"
	case o.Region == "eu":
		p.base = "https://events.eu.pagerduty.com"
	default:
		return nil, fmt.Errorf("region: there is no %q, only us and eu", o.Region)
	}
	if !webPage(p.base) {
		return nil, fmt.Errorf("url: %q is no address of the web", o.URL)
	}
	return p, nil
}

// hookSecrets are the secrets of webhooks that come back.
func (o *OutletSettings) hookSecrets() (list []string, err error) {
	if len(o.WebhookSecrets) > 2 {
		return nil, errors.New("at most two, while they are rotated")
	}
	for _, s := range o.WebhookSecrets {
		text, err := secret(s)
		if err != nil {
			return nil, err
		}
		if len(text) < 16 {
			return nil, errors.New("at least 16 characters, as PagerDuty gives them")
		}
		list = append(list, text)
	}
	return list, nil
}

// pagerEvent is the body of a request, in the order of the documentation.
type pagerEvent struct {
	RoutingKey string        `json:"routing_key"`
	Action     string        `json:"event_action,omitempty"`
	DedupKey   string        `json:"dedup_key,omitempty"`
	Payload    *pagerPayload `json:"payload,omitempty"`
	Links      []pagerLink   `json:"links,omitempty"`
	Client     string        `json:"client,omitempty"`
	ClientURL  string        `json:"client_url,omitempty"`
}

type pagerPayload struct {
	Summary   string            `json:"summary"`
	Source    string            `json:"source"`
	Severity  Severity          `json:"severity,omitempty"`
	Timestamp string            `json:"timestamp"`
	Component string            `json:"component,omitempty"`
	Group     string            `json:"group,omitempty"`
	Class     string            `json:"class,omitempty"`
	Details   map[string]string `json:"custom_details,omitempty"`
}

type pagerLink struct {
	URL  string `json:"href"`
	Text string `json:"text"`
}

// Takes: news is told by a second trigger, which adds to the log of the alert.
func (p *pagerDuty) Takes(Kind) bool { return true }
func (p *pagerDuty) Pace() int       { return pagerPace }

func (p *pagerDuty) Send(ctx context.Context, n Notice) (Receipt, error) {
	path, event := "/v2/enqueue", p.event(n)
	if n.Kind == Change {
		path = "/v2/change/enqueue"
	}
	body, err := json.Marshal(event)
	if err == nil && len(body) > pagerBody {
		event.Payload.Details = nil
		body, err = json.Marshal(event)
	}
	if err != nil {
		return Receipt{}, &Refusal{Words: err.Error(), Permanent: true}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+path, bytes.NewReader(body))
	if err != nil {
		return Receipt{}, &Refusal{Words: err.Error(), Permanent: true}
	}
	req.Header.Set("Content-Type", "application/json")
	said, err := ask(p.client, req)
	if err != nil {
		return Receipt{}, err
	}
	if said.status >= 200 && said.status < 300 && said.status != http.StatusAccepted {
		return Receipt{}, &Refusal{Words: fmt.Sprintf("%d instead of 202: %s", said.status, said.words)}
	}
	receipt, err := said.receipt(time.Now())
	var made struct {
		Key string `json:"dedup_key"`
	}
	if err == nil && json.Unmarshal([]byte(said.words), &made) == nil {
		receipt.ID = cut(oneLine(made.Key), maxKey)
	}
	return receipt, err
}

func (p *pagerDuty) event(n Notice) *pagerEvent {
	e := &pagerEvent{RoutingKey: p.key, DedupKey: n.Key}
	switch n.Kind {
	case Acknowledge:
		e.Action = "acknowledge"
		return e
	case Resolve:
		e.Action = "resolve"
		return e
	case Change:
		e.DedupKey = ""
	default:
		e.Action, e.Client, e.ClientURL = "trigger", "cyan watchtower", p.site
	}
	e.Payload = &pagerPayload{Summary: n.Summary, Source: "cyan watchtower", Timestamp: n.At.UTC().Format("2006-01-02T15:04:05.000-0700")}
	if n.Kind != Change {
		e.Payload.Severity, e.Payload.Component, e.Payload.Group, e.Payload.Class = n.Severity, n.Component, n.Group, n.Class
	}
	for _, d := range n.Details {
		if e.Payload.Details == nil {
			e.Payload.Details = map[string]string{}
		}
		e.Payload.Details[d.Name] = d.Value
	}
	for _, l := range n.Links {
		e.Links = append(e.Links, pagerLink{URL: l.URL, Text: l.Text})
	}
	return e
}

// maxAnswer is how much of an answer is read.
const maxAnswer = 4096

// ask does a request and reads the beginning of the answer. An error's text
// has no address in it: addresses hold secrets.
func ask(client *http.Client, req *http.Request) (reply, error) {
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, fmt.Errorf("%s: %w", req.URL.Host, bare(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return reply{}, fmt.Errorf("%s: %w", req.URL.Host, bare(err))
	}
	return reply{resp.StatusCode, resp.Header, string(body)}, nil
}
