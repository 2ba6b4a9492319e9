package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// Login gives a token for a password. The client itself goes on with the
// token that it was made with.
func (c *Client) Login(ctx context.Context, username, password string) (rest.Token, error) {
	var t rest.Token
	err := c.do(ctx, http.MethodPost, rest.PathLogin, url.Values{
		"grant_type": {"password"}, "username": {username}, "password": {password},
		"client_id": {c.cfg.UserAgent}, "client_secret": {c.cfg.UserAgent},
	}, &t)
	return t, err
}

// Logout revokes the client's token.
func (c *Client) Logout(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, rest.PathCurrentToken, nil, nil)
}

// CurrentToken describes the client's token.
func (c *Client) CurrentToken(ctx context.Context) (rest.CurrentToken, error) {
	var t rest.CurrentToken
	err := c.get(ctx, rest.PathCurrentToken, &t)
	return t, err
}

// User gives the account that the client's token belongs to.
func (c *Client) User(ctx context.Context) (rest.User, error) {
	var u rest.User
	err := c.get(ctx, rest.PathUser, &u)
	return u, err
}
