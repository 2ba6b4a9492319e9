// Package account is the vocabulary of people and their tokens. It holds
// types and rules and does no I/O.
package account

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/fault"
)

// ID is an account's identity: 24 hex digits.
type ID string

// User is a person, or a program with a name of its own.
type User struct {
	ID       ID
	Username string // an e-mail address, compared without case
	Admin    bool
	// PasswordHash is the encoded argon2id hash; empty means that the user
	// cannot log in with a password.
	PasswordHash string
	Created      time.Time
	Info         Info
	// MFA says that a login needs a second factor besides the password.
	MFA bool
}

// Info is what a user may have told of himself.
type Info struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Company   string `json:"company_name,omitempty"`
	Business  bool   `json:"business_account"`
}

// MaxInfo is how long each text of an Info may be, in bytes.
const MaxInfo = 200

// Service is a program that acts for a user, with a name and rights of its
// own. It has tokens and no password.
type Service struct {
	ID      string // 24 hex digits
	Owner   ID     // whose devices it may reach
	Name    string
	Scopes  []Scope // never empty
	Created time.Time
}

// MaxService is how long a service account's name may be, in bytes.
const MaxService = 100

// Normalize gives the form under which a username is stored and compared.
func Normalize(username string) string { return strings.ToLower(strings.TrimSpace(username)) }

// CheckUsername tells what is wrong with a new username, or nil.
func CheckUsername(username string) error {
	name, domain, ok := strings.Cut(Normalize(username), "@")
	if !ok || name == "" || domain == "" || len(username) > 254 || strings.ContainsAny(username, " \t\r\n") {
		return fault.Errorf(fault.Invalid, "username must be an email address")
	}
	return nil
}

// CheckPassword tells what is wrong with a new password, or nil.
func CheckPassword(password string) error {
	if len(password) < 8 {
		return fault.Errorf(fault.Invalid, "password must have at least 8 characters")
	}
	if len(password) > 1024 {
		return fault.Errorf(fault.Invalid, "password must have at most 1024 characters")
	}
	return nil
}

// TokenHash is all that is stored of a token.
type TokenHash [sha256.Size]byte

// HashToken gives the hash under which a token is stored. Tokens are 160
// random bits, so a plain hash is enough.
func HashToken(token string) TokenHash { return sha256.Sum256([]byte(token)) }

// Token is the record of an access token; the token itself is shown once.
type Token struct {
	Hash     TokenHash
	User     ID
	Client   string // the OAuth client that asked for it, as it named itself
	Created  time.Time
	Expires  time.Time // zero: never
	LastUsed time.Time // zero: never used
	Scopes   []Scope   // empty: all that the user may do
	Service  string    // the service account whose it is; empty: the user's own
}

// Expired tells whether the token is no longer good.
func (t *Token) Expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// Allows tells whether the token covers the scope.
func (t *Token) Allows(s Scope) bool {
	return len(t.Scopes) == 0 || slices.Contains(t.Scopes, s)
}

// AllowsAll tells whether who has the token may give those scopes to another
// token. No scopes are all of them.
func (t *Token) AllowsAll(scopes []Scope) bool {
	if len(scopes) == 0 {
		return len(t.Scopes) == 0
	}
	for _, s := range scopes {
		if !t.Allows(s) {
			return false
		}
	}
	return true
}
