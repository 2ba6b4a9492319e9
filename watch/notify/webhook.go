package notify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/watch/notify/sign"
)

// webhook posts notices to a URL, signed as Standard Webhooks 1.0.0 says.
//
// 2xx is taken, everything else a failure. 410 ends the outlet, 429, 502 and
// 504 slow it down. A client error is tried again, unlike at PagerDuty: the
// receiver is somebody's own program, and gets repaired.
type webhook struct {
	url    string
	keys   sign.Keys
	client *http.Client
}

// Bounds of webhooks.
const (
	webhookBody = 20 << 10
	webhookPace = 60 // a minute
	slowDown    = 5 * time.Second
)

func newWebhook(o *OutletSettings, config Config) (*webhook, error) {
	address, err := secret(o.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("url: %w", err)
	case !webPage(address):
		return nil, errors.New("url is missing, or no address of the web")
	case len(o.Secrets) == 0:
		return nil, errors.New("secrets is missing: whsec_ and the base64 of 24 to 64 random bytes, or whsk_ and that of an ed25519 key")
	case len(o.Secrets) > 2:
		return nil, errors.New("secrets: at most two, the new one first")
	}
	w := &webhook{url: address, client: guardedClient(config.Transport)}
	if o.AllowPrivate {
		w.client = plainClient(config.Transport)
	}
	for _, s := range o.Secrets {
		text, err := secret(s)
		if err != nil {
			return nil, fmt.Errorf("secrets: %w", err)
		}
		if err := w.keys.Add(text); err != nil {
			return nil, fmt.Errorf("secrets: %w", err)
		}
	}
	return w, nil
}

// webhookEvent is the body.
type webhookEvent struct {
	Type      string      `json:"type"`
	Timestamp string      `json:"timestamp"`
	Data      webhookData `json:"data"`
}

type webhookData struct {
	Key       string   `json:"key"`
	Severity  Severity `json:"severity,omitempty"`
	Summary   string   `json:"summary"`
	Component string   `json:"component,omitempty"`
	Group     string   `json:"group,omitempty"`
	Class     string   `json:"class,omitempty"`
	By        string   `json:"by,omitempty"`
	Test      bool     `json:"test,omitempty"`
	Details   []Detail `json:"details,omitempty"`
	Links     []Link   `json:"links,omitempty"`
	AckURL    string   `json:"acknowledge_url,omitempty"`
}

// webhookTypes are the names of events.
var webhookTypes = map[Kind]string{
	Trigger: "alert.opened", Update: "alert.updated", Remind: "alert.reminded", Acknowledge: "alert.acknowledged", Resolve: "alert.resolved", Change: "change",
}

func (w *webhook) Takes(Kind) bool { return true }
func (w *webhook) Pace() int       { return webhookPace }

func (w *webhook) Send(ctx context.Context, n Notice) (Receipt, error) {
	body, err := w.body(n)
	if err != nil {
		return Receipt{}, &Refusal{Words: err.Error(), Permanent: true}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return Receipt{}, &Refusal{Words: err.Error(), Permanent: true}
	}
	now := time.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "cyan-watchtower")
	req.Header.Set("Webhook-Id", n.ID)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", w.keys.Header(n.ID, now, body))
	said, err := ask(w.client, req)
	if err != nil {
		if errors.Is(err, ErrPrivate) {
			return Receipt{}, &Refusal{Words: err.Error(), Permanent: true}
		}
		return Receipt{}, err
	}
	receipt, err := said.receipt(time.Now())
	if no, ok := errors.AsType[*Refusal](err); ok {
		no.Gone = said.status == http.StatusGone
		no.Permanent = no.Gone
		switch said.status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusGatewayTimeout:
			no.RetryAfter = max(no.RetryAfter, slowDown)
		}
	}
	return receipt, err
}

// body writes the event, without details if it would be too long with them.
func (w *webhook) body(n Notice) ([]byte, error) {
	e := webhookEvent{cmp.Or(n.Event, webhookTypes[n.Kind]), n.At.UTC().Format(time.RFC3339Nano), webhookData{
		n.Key, n.Severity, n.Summary, n.Component, n.Group, n.Class, n.By, n.Test, n.Details, n.Links, n.AckURL,
	}}
	body, err := json.Marshal(e)
	if err == nil && len(body) > webhookBody {
		e.Data.Details, e.Data.Links = nil, nil
		body, err = json.Marshal(e)
	}
	return body, err
}
