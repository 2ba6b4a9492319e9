package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
)

const (
	// writeUsesEvery is how long the last uses of tokens are kept in memory
	// before they are written down: every request has one.
	writeUsesEvery = time.Minute
	// maxUses is how many tokens' last uses are kept so. A token beyond that
	// seems to have been used less lately than it was.
	maxUses = 1 << 14
)

// uses are last uses of tokens that have not been written down yet.
type uses struct {
	mu sync.Mutex
	at map[account.TokenHash]time.Time // guarded by mu
}

func (u *uses) note(hash account.TokenHash, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	before, ok := u.at[hash]
	switch {
	case !ok && len(u.at) >= maxUses:
	case u.at == nil:
		u.at = map[account.TokenHash]time.Time{hash: now}
	case before.Before(now):
		u.at[hash] = now
	}
}

// last completes what the database says of a token.
func (u *uses) last(t *account.Token) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if at := u.at[t.Hash]; at.After(t.LastUsed) {
		t.LastUsed = at.UTC()
	}
}

// copy gives all uses, which stay until they are forgotten.
func (u *uses) copy() map[account.TokenHash]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return maps.Clone(u.at)
}

// forget drops what was written down and is not newer by now.
func (u *uses) forget(written map[account.TokenHash]time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for hash, at := range written {
		if u.at[hash].Equal(at) {
			delete(u.at, hash)
		}
	}
}

// UseToken gives the record of a token, expired or not, and notes that it was
// used now, which is written down within a minute or so. NotFound as Token.
func (s *Store) UseToken(ctx context.Context, hash account.TokenHash, now time.Time) (account.Token, error) {
	t, err := s.Token(ctx, hash)
	if err == nil && !t.Expired(now) {
		s.uses.note(hash, now)
	}
	return t, err
}

// writeUses writes down which tokens were used. What cannot be written waits
// for the next time.
func (s *Store) writeUses(ctx context.Context) error {
	uses := s.uses.copy()
	if len(uses) == 0 {
		return nil
	}
	err := s.add(ctx, "note the uses of tokens", func(tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, `UPDATE tokens SET last_used = $2 WHERE hash = $1 AND last_used < $2`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for hash, at := range uses {
			if _, err := stmt.ExecContext(ctx, hash[:], nanos(at)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		// What is known of these tokens has their last use from before.
		s.memory.tokens.forget(slices.Collect(maps.Keys(uses))...)
		s.uses.forget(uses)
	}
	return err
}
