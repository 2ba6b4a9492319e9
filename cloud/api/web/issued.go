package web

import (
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
)

const (
	// freshFor is how long a token is fresh: to refuse it then is our defect.
	freshFor = time.Minute
	// maxIssued bounds how many fresh tokens are remembered; those beyond are
	// not watched.
	maxIssued = 1 << 14
)

// Issued remembers the tokens that this server has given out within the
// minute. The zero value remembers none.
type Issued struct {
	mu     sync.Mutex
	tokens map[account.TokenHash]freshToken // guarded by mu
}

type freshToken struct {
	user account.ID
	ends time.Time // of being fresh
}

// Add remembers a token that was given out.
func (i *Issued) Add(t *account.Token) {
	fresh := freshToken{user: t.User, ends: t.Created.Add(freshFor)}
	if !t.Expires.IsZero() && t.Expires.Before(fresh.ends) {
		fresh.ends = t.Expires
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.tokens == nil {
		i.tokens = make(map[account.TokenHash]freshToken)
	}
	if len(i.tokens) >= maxIssued {
		for hash, old := range i.tokens {
			if !t.Created.Before(old.ends) {
				delete(i.tokens, hash)
			}
		}
	}
	if len(i.tokens) < maxIssued {
		i.tokens[t.Hash] = fresh
	}
}

// good tells whether the token must be good: it is fresh, and was not revoked
// here.
func (i *Issued) good(hash account.TokenHash, now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	fresh, ok := i.tokens[hash]
	return ok && now.Before(fresh.ends)
}

// Forget drops a token that was revoked.
func (i *Issued) Forget(hash account.TokenHash) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.tokens, hash)
}

// ForgetUser drops all of a user's.
func (i *Issued) ForgetUser(user account.ID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for hash, fresh := range i.tokens {
		if fresh.user == user {
			delete(i.tokens, hash)
		}
	}
}
