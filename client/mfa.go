package client

import (
	"context"
	"net/http"
)

// The paths of the second factor.
const (
	pathMFAEnable  = "/v1/user/mfa-enable"
	pathMFADisable = "/v1/user/mfa-disable"
)

// Enrolment is what a person puts into an authenticator app.
type Enrolment struct {
	Token  string `json:"mfa_token"` // for FinishMFA
	Secret string `json:"secret"`    // in base32, for typing
	URL    string `json:"qr_url"`    // otpauth://…, for a QR code
}

// StartMFA begins to set up a second factor for the user. Nothing changes
// before FinishMFA.
func (c *Client) StartMFA(ctx context.Context) (Enrolment, error) {
	var e Enrolment
	err := c.get(ctx, pathMFAEnable, &e)
	return e, err
}

// FinishMFA proves by a code that the authenticator has the secret: from then
// on logins want a code. It gives recovery codes, which are shown this once:
// each is good for one login without the authenticator.
func (c *Client) FinishMFA(ctx context.Context, token, code string) (recovery []string, err error) {
	var done struct {
		Recovery []string `json:"recovery_codes"`
	}
	err = c.do(ctx, http.MethodPost, pathMFAEnable, map[string]string{"mfa_token": token, "otp": code}, &done)
	return done.Recovery, err
}

// EndMFA ends the second factor; the password shows that it is the user.
func (c *Client) EndMFA(ctx context.Context, password string) error {
	return c.do(ctx, http.MethodPut, pathMFADisable, map[string]string{"current_password": password}, nil)
}
