package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// Services lists the user's service accounts.
func (c *Client) Services(ctx context.Context) ([]rest.ServiceAccount, error) {
	var list rest.ServiceAccounts
	err := c.get(ctx, rest.PathServices, &list)
	return list.ServiceAccounts, err
}

// Service gives a service account, by id or name, with its tokens.
func (c *Client) Service(ctx context.Context, service string) (rest.ServiceAccount, error) {
	var v rest.ServiceAccount
	err := c.get(ctx, pathService(service), &v)
	return v, err
}

// AddService makes a service account, which may do what the scopes say, and its
// first token. That is good for life; zero: for ever.
func (c *Client) AddService(ctx context.Context, name string, scopes []string, life time.Duration) (rest.ServiceToken, error) {
	var t rest.ServiceToken
	err := c.do(ctx, http.MethodPost, rest.PathServices, rest.AddService{
		Name: name, Scopes: scopes, ExpiresIn: int64(life / time.Second),
	}, &t)
	return t, err
}

// AddServiceToken makes another token of a service account, by id or name.
func (c *Client) AddServiceToken(ctx context.Context, service string, life time.Duration) (rest.ServiceToken, error) {
	var t rest.ServiceToken
	err := c.do(ctx, http.MethodPost, pathService(service)+"/tokens", map[string]int64{"expires_in": int64(life / time.Second)}, &t)
	return t, err
}

// DeleteService ends a service account, by id or name, and its tokens.
func (c *Client) DeleteService(ctx context.Context, service string) error {
	return c.do(ctx, http.MethodDelete, pathService(service), nil, nil)
}

func pathService(service string) string { return rest.PathServices + "/" + url.PathEscape(service) }
