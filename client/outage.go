package client

import (
	"context"
	"net/url"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// Signals gives what the cloud counted in the last full minute.
func (c *Client) Signals(ctx context.Context) (rest.Signals, error) {
	var s rest.Signals
	err := c.get(ctx, rest.PathSignals, &s)
	return s, err
}

// SignalsSince gives the same, and how many devices are missing since a time.
func (c *Client) SignalsSince(ctx context.Context, since time.Time) (rest.Signals, error) {
	var s rest.Signals
	err := c.get(ctx, rest.PathSignalsSince(since.UTC().Format(time.RFC3339)), &s)
	return s, err
}

// Recoveries tells how devices come back after disconnects that hit many, and
// which of the caller's own are missing since; with everyone, which of all, for
// administrators.
func (c *Client) Recoveries(ctx context.Context, everyone bool) (rest.Recoveries, error) {
	var v rest.Recoveries
	path := rest.PathRecoveries
	if everyone {
		path += "?everyone=true"
	}
	err := c.get(ctx, path, &v)
	return v, err
}

// ImpactOf tells which of the caller's devices an incident hit.
func (c *Client) ImpactOf(ctx context.Context, incident string) (rest.Impact, error) {
	return c.impact(ctx, url.Values{"incident": {incident}})
}

// ImpactBetween tells which were hit in a stretch of time; a zero until is now.
func (c *Client) ImpactBetween(ctx context.Context, from, until time.Time) (rest.Impact, error) {
	query := url.Values{"from": {from.UTC().Format(time.RFC3339)}}
	if !until.IsZero() {
		query.Set("until", until.UTC().Format(time.RFC3339))
	}
	return c.impact(ctx, query)
}

func (c *Client) impact(ctx context.Context, query url.Values) (rest.Impact, error) {
	var v rest.Impact
	err := c.get(ctx, rest.PathImpact+"?"+query.Encode(), &v)
	return v, err
}
