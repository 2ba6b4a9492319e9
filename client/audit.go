package client

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// AuditQuery says which part of the audit log to read. The zero value is the
// newest that is about the user.
type AuditQuery struct {
	Since  time.Time // not what is older; zero: everything
	Before string    // an AuditPage's Next: what follows on that page
	Limit  int       // entries on a page; zero: the API's choice
	All    bool      // of everybody, for an administrator
}

// Audit reads a page of the audit log, newest first.
func (c *Client) Audit(ctx context.Context, q AuditQuery) (rest.AuditPage, error) {
	query := url.Values{}
	if !q.Since.IsZero() {
		query.Set("since", q.Since.UTC().Format(time.RFC3339))
	}
	if q.Before != "" {
		query.Set("before", q.Before)
	}
	if q.Limit > 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.All {
		query.Set("all", "true")
	}
	var page rest.AuditPage
	err := c.get(ctx, rest.PathAudit+"?"+query.Encode(), &page)
	return page, err
}
