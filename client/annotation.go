package client

import (
	"context"
	"net/url"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// Annotations lists what was done to the cloud itself since the time, newest
// first.
func (c *Client) Annotations(ctx context.Context, since time.Time) (rest.Annotations, error) {
	query := url.Values{"since": {since.UTC().Format(time.RFC3339)}, "limit": {"1000"}}
	var a rest.Annotations
	err := c.get(ctx, rest.PathAnnotations+"?"+query.Encode(), &a)
	return a, err
}
