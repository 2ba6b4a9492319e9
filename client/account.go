package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// Login gives a token for a password, with the lifetime that the API gives by
// itself. The client itself goes on with the token that it was made with.
func (c *Client) Login(ctx context.Context, username, password string) (rest.Token, error) {
	return c.Grant(ctx, Grant{Username: username, Password: password})
}

// Grant is what a token is asked for with.
type Grant struct {
	Username, Password string
	ExpiresIn          time.Duration // how long it shall be good; zero: the API's choice
	Endless            bool          // it shall never expire
	Scopes             []string      // what it shall be limited to; none: everything that the user may do
}

// Grant gives a token. If the user has a second factor, the error's MFAToken
// is what GrantOTP needs beside the code.
func (c *Client) Grant(ctx context.Context, g Grant) (rest.Token, error) {
	form := url.Values{"grant_type": {"password"}, "username": {g.Username}, "password": {g.Password}}
	switch {
	case g.Endless:
		form.Set("expires_in", "0")
	case g.ExpiresIn > 0:
		form.Set("expires_in", strconv.FormatInt(int64(g.ExpiresIn/time.Second), 10))
	}
	if len(g.Scopes) > 0 {
		form.Set("scope", strings.Join(g.Scopes, " "))
	}
	return c.grant(ctx, form)
}

// GrantOTP goes on with a Grant that wants a second factor: token is the
// error's MFAToken, code what the user's authenticator shows.
func (c *Client) GrantOTP(ctx context.Context, token, code string) (rest.Token, error) {
	return c.grant(ctx, url.Values{"grant_type": {"urn:custom:mfa-otp"}, "mfa_token": {token}, "otp": {code}})
}

func (c *Client) grant(ctx context.Context, form url.Values) (rest.Token, error) {
	form.Set("client_id", c.cfg.UserAgent)
	form.Set("client_secret", c.cfg.UserAgent)
	var t rest.Token
	err := c.do(ctx, http.MethodPost, rest.PathLogin, form, &t)
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

// Tokens lists the tokens of a user, newest first. A user with a second factor
// gives its code too; else it is empty.
func (c *Client) Tokens(ctx context.Context, username, password, code string) ([]rest.ListedToken, error) {
	var list []rest.ListedToken
	other := *c
	other.cfg.Token, other.user, other.password = "", username, password
	path := rest.PathTokens
	if code != "" {
		path += "?" + url.Values{"otp": {code}}.Encode()
	}
	err := other.get(ctx, path, &list)
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
