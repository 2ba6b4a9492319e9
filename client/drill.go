package client

import (
	"context"
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// BeginDrill breaks, on purpose, an ingress that only canaries use, for at most
// so long; zero: three minutes.
func (c *Client) BeginDrill(ctx context.Context, kind string, most time.Duration) (rest.Drill, error) {
	var d rest.Drill
	err := c.do(ctx, http.MethodPost, rest.PathDrills, rest.BeginDrill{Kind: kind, Seconds: int(most.Seconds())}, &d)
	return d, err
}

// EndDrill ends a drill before its time.
func (c *Client) EndDrill(ctx context.Context, id string) (rest.Drill, error) {
	var d rest.Drill
	err := c.do(ctx, http.MethodDelete, rest.PathDrill(id), nil, &d)
	return d, err
}

// Drills lists the drills that the server knows of, newest first.
func (c *Client) Drills(ctx context.Context) (rest.Drills, error) {
	var list rest.Drills
	err := c.get(ctx, rest.PathDrills, &list)
	return list, err
}
