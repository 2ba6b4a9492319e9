package people

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// gate stands before the passwords: it bounds how many are checked at once,
// because each costs 19 MiB and some 20 ms, and makes who guesses wait.
//
// Guesses are counted by account and source together, so that nobody can lock
// somebody else out, and by source alone with a wider bound, so that nobody
// tries one password on every account.
type gate struct {
	// Set at newGate.
	max     int // in a row for one account from one source
	lockout time.Duration
	decoy   string        // checked in place of a user's who does not exist
	slots   chan struct{} // one token for each password being checked

	mu      sync.Mutex
	sources map[string]*guesses // guarded by mu; at most maxSources
}

// guesses is how often logins failed in a row.
type guesses struct {
	failed int
	last   time.Time
}

// sourceFactor is how many times as many guesses a source has for all accounts
// together as for one.
const sourceFactor = 10

// maxSources bounds what is remembered. When it is reached, those
// that may try again are forgotten; if there are none, newcomers wait.
const maxSources = 1 << 14

// maxQueue is how long a login waits for its turn.
const maxQueue = 5 * time.Second

func newGate(cfg *Config) *gate {
	n := cfg.Hashers
	if n <= 0 {
		n = max(1, runtime.GOMAXPROCS(0)/2)
	}
	var salt [account.SaltSize]byte
	rand.Read(salt[:]) // never fails
	return &gate{
		max: cfg.MaxLogins, lockout: cfg.LoginLockout, decoy: account.HashPassword(string(salt[:]), salt),
		slots: make(chan struct{}, n), sources: make(map[string]*guesses),
	}
}

// enter lets a login for the account from the source in, or tells it to wait.
// It counts as failed until passed is called: tries at the same time are
// tries, too.
func (g *gate) enter(from, username string, now time.Time) error {
	if g.max < 0 {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	all, err := g.look(from, g.max*sourceFactor, now)
	if err != nil {
		return err
	}
	one, err := g.look(pair(from, username), g.max, now)
	if err != nil {
		return err
	}
	for _, s := range []*guesses{all, one} {
		s.failed++
		s.last = now
	}
	return nil
}

// pair names an account and a source together. No username is longer.
func pair(from, username string) string { return from + " " + username[:min(len(username), 254)] }

// look finds what was counted under the key, or refuses. Caller holds mu.
func (g *gate) look(key string, bound int, now time.Time) (*guesses, error) {
	s := g.sources[key]
	if s == nil {
		if len(g.sources) >= maxSources {
			g.forget(now)
		}
		if len(g.sources) >= maxSources {
			return nil, tooMany(g.lockout)
		}
		s = new(guesses)
		g.sources[key] = s
	}
	if now.Sub(s.last) >= g.lockout {
		s.failed = 0
	}
	if s.failed >= bound {
		return nil, tooMany(s.last.Add(g.lockout).Sub(now))
	}
	return s, nil
}

func tooMany(wait time.Duration) error {
	wait = max(wait.Round(time.Second), time.Second)
	return &web.Problem{
		Cause: fault.E(fault.Busy, fmt.Sprintf("too many failed logins from your address; try again in %v", wait), nil).
			WithCode(rest.CodeTooManyLogins),
		RetryAfter: wait,
	}
}

// passed forgets the failures for an account from a source that knew its
// password, and takes its own try from the source's. Those for other accounts
// stay: who has an account of his own could guess at them for ever.
func (g *gate) passed(from, username string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sources, pair(from, username))
	if s := g.sources[from]; s != nil {
		if s.failed--; s.failed <= 0 {
			delete(g.sources, from)
		}
	}
}

// forget drops the sources that may try again. Caller holds mu.
func (g *gate) forget(now time.Time) {
	for from, s := range g.sources {
		if now.Sub(s.last) >= g.lockout {
			delete(g.sources, from)
		}
	}
}

// hash hashes a new password.
func (g *gate) hash(ctx context.Context, password string) (string, error) {
	leave, err := g.queue(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	var salt [account.SaltSize]byte
	rand.Read(salt[:]) // never fails
	return account.HashPassword(password, salt), nil
}

// check compares the password with the hash. Without a hash it works as long
// and says no.
func (g *gate) check(ctx context.Context, hash, password string) (bool, error) {
	leave, err := g.queue(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	if hash == "" {
		account.PasswordMatches(g.decoy, password)
		return false, nil
	}
	return account.PasswordMatches(hash, password), nil
}

// queue waits for the right to hash a password; leave gives it back.
func (g *gate) queue(ctx context.Context) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, maxQueue)
	defer cancel()
	select {
	case g.slots <- struct{}{}:
		return func() { <-g.slots }, nil
	case <-ctx.Done():
		return nil, fault.Errorf(fault.Busy, "too many logins at once").WithCode(rest.CodeOverloaded)
	}
}
