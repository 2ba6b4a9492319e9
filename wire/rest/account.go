package rest

// Token answers a login: the only time that a token is shown.
type Token struct {
	TokenType   string `json:"token_type"` // bearer
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"` // seconds; 0: never
}

// CurrentToken describes the token that a request came with.
type CurrentToken struct {
	ExpiresAt Time     `json:"expires_at"` // null: never
	Client    string   `json:"client"`     // the OAuth client; older programs read client, newer client_id
	ClientID  string   `json:"client_id"`
	Scopes    []string `json:"scopes"` // empty: everything that its user may do
	Orgs      []string `json:"orgs"`
}

// ListedToken is one of a user's tokens in a list.
type ListedToken struct {
	// Token names it for DELETE /v1/access_tokens/{token}: the SHA-256 of the
	// token in hex. The token itself is not kept and cannot be shown.
	Token     string   `json:"token"`
	Client    string   `json:"client"`
	CreatedAt Time     `json:"created_at"`
	ExpiresAt Time     `json:"expires_at"` // null: never
	LastUsed  Time     `json:"last_used"`  // to about a minute; null: never
	Scopes    []string `json:"scopes"`     // empty: everything that its user may do
}

// User is the account that a token belongs to. Programs need Username; the
// rest is there because they were written for clouds that have it.
type User struct {
	Username        string      `json:"username"`
	SubscriptionIDs []string    `json:"subscription_ids"`
	AccountInfo     AccountInfo `json:"account_info"`
	TOS             int         `json:"tos"`
	MFA             MFA         `json:"mfa"`
	Memberships     []string    `json:"memberships"`
	SCIM            bool        `json:"scim_provisioned"`
	NoPassword      bool        `json:"no_password"`
	WiFiDevices     int         `json:"wifi_device_count"`
	CellularDevices int         `json:"cellular_device_count"`
}

// AccountInfo is what a user may have told of himself.
type AccountInfo struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Company   string `json:"company_name,omitempty"`
	Business  bool   `json:"business_account"`
}

// MFA tells whether the user logs in with a second factor.
type MFA struct {
	Enabled bool `json:"enabled"`
}

// Identity is who a token belongs to, in short.
type Identity struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// Enrolment is what a person puts into an authenticator.
type Enrolment struct {
	Token  string `json:"mfa_token"` // to be sent back with a code
	Secret string `json:"secret"`    // in base32, for typing
	URL    string `json:"qr_url"`    // otpauth://…, for a QR code
}

// Enrolled is the answer of an enrolment. The recovery codes are shown this
// once; each is good for one login without the authenticator.
type Enrolled struct {
	OK            bool     `json:"ok"`
	Enrolled      bool     `json:"enrolled"`
	RecoveryCodes []string `json:"recovery_codes"`
	Tokens        []string `json:"tokens"` // always empty; programs look for it
}

// UpdateUser is the body that changes the caller's password.
type UpdateUser struct {
	Password         string `json:"password"`
	CurrentPassword  string `json:"current_password"`
	InvalidateTokens bool   `json:"invalidate_tokens,omitempty"` // all tokens end, the caller's among them
}

// SignUp is the body that makes a new account, or with the password alone ends
// the caller's.
type SignUp struct {
	Username string `json:"username,omitempty"`
	Password string `json:"password"`
}

// Done is the answer of what is told in a sentence.
type Done struct {
	OK      bool   `json:"ok"`
	Message string `json:"message"`
}

// OK is the answer of what has nothing else to say.
type OK struct {
	OK bool `json:"ok"`
}
