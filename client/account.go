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

// Tokens lists the tokens of a user, newest first.
func (c *Client) Tokens(ctx context.Context, username, password string) ([]rest.ListedToken, error) {
	var list []rest.ListedToken
	other := *c
	other.cfg.Token, other.user, other.password = "", username, password
	err := other.get(ctx, rest.PathTokens, &list)
	return list, err
}

// RevokeToken ends a token, by itself or by what Tokens calls it.
func (c *Client) RevokeToken(ctx context.Context, token string) error {
	return c.do(ctx, http.MethodDelete, rest.PathTokens+"/"+url.PathEscape(token), nil, nil)
}

// RevokeTokens ends all of the user's tokens, the client's own among them.
func (c *Client) RevokeTokens(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, rest.PathTokens, nil, nil)
}

// SetPassword changes the user's password. With endTokens all tokens end, the
// client's own among them.
func (c *Client) SetPassword(ctx context.Context, current, password string, endTokens bool) error {
	return c.do(ctx, http.MethodPut, rest.PathUser, rest.UpdateUser{
		Password: password, CurrentPassword: current, InvalidateTokens: endTokens,
	}, nil)
}

// SignUp makes an account, where strangers may.
func (c *Client) SignUp(ctx context.Context, username, password string) error {
	return c.do(ctx, http.MethodPost, rest.PathUsers, rest.SignUp{Username: username, Password: password}, nil)
}

// User gives the account that the client's token belongs to.
func (c *Client) User(ctx context.Context) (rest.User, error) {
	var u rest.User
	err := c.get(ctx, rest.PathUser, &u)
	return u, err
}
