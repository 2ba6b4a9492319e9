package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/hours"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
)

// Client speaks to a desk.
type Client struct {
	URL string // of the watchtower
	Key string
}

// RefusalError is what a desk answers to what it doesn't do.
type RefusalError struct {
	Status int
	Words  string
}

// Error gives the desk's words.
func (e *RefusalError) Error() string { return e.Words }

// Incidents lists the incidents, newest first.
func (c *Client) Incidents(ctx context.Context) (list []incident.Incident, err error) {
	return list, c.do(ctx, http.MethodGet, "incidents", nil, &list)
}

// Incident gives one, by id or number.
func (c *Client) Incident(ctx context.Context, id string) (i incident.Incident, err error) {
	return i, c.do(ctx, http.MethodGet, "incidents/"+url.PathEscape(id), nil, &i)
}

// Ask does say, worsen, dispute or ack. Without an id it opens an incident.
func (c *Client) Ask(ctx context.Context, id, verb string, a Ask) (i incident.Incident, err error) {
	path := "incidents"
	if id != "" {
		path += "/" + url.PathEscape(id) + "/" + verb
	}
	return i, c.do(ctx, http.MethodPost, path, a, &i)
}

// Windows lists the windows, the newest start first.
func (c *Client) Windows(ctx context.Context) (list []maintenance.Window, err error) {
	return list, c.do(ctx, http.MethodGet, "maintenance", nil, &list)
}

// Quiet proposes times for a window, the one with the fewest people in its way
// first; none: nothing has been counted yet.
func (c *Client) Quiet(ctx context.Context, ask hours.Ask) (list []hours.Proposal, err error) {
	q := url.Values{"after": {ask.After.UTC().Format(time.RFC3339)}, "for": {ask.Length.String()}}
	for _, e := range ask.Effects {
		q.Add("touches", string(e))
	}
	return list, c.do(ctx, http.MethodGet, "maintenance/quiet?"+q.Encode(), nil, &list)
}

// Plan adds a window.
func (c *Client) Plan(ctx context.Context, plan maintenance.Window) (w maintenance.Window, err error) {
	return w, c.do(ctx, http.MethodPost, "maintenance", plan, &w)
}

// AskWindow does cancel or finish.
func (c *Client) AskWindow(ctx context.Context, id, verb string, a Ask) (w maintenance.Window, err error) {
	return w, c.do(ctx, http.MethodPost, "maintenance/"+url.PathEscape(id)+"/"+verb, a, &w)
}

const (
	patience   = 10 * time.Second
	answerMost = 64 << 20 // bytes
)

func (c *Client) do(ctx context.Context, method, path string, ask, into any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+"/admin/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.Key)
	r.Header.Set("Content-Type", "application/json")
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer w.Body.Close()
	limited := io.LimitReader(w.Body, answerMost)
	if w.StatusCode != http.StatusOK {
		var no Refusal
		if json.NewDecoder(limited).Decode(&no) != nil || no.Description == "" {
			no.Description = fmt.Sprintf("desk: %s answered %s", c.URL, w.Status)
		}
		return &RefusalError{w.StatusCode, no.Description}
	}
	return json.NewDecoder(limited).Decode(into)
}
