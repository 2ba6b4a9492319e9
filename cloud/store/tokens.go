package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

const selectToken = `SELECT hash, user_id, client, created, expires, last_used, scopes, COALESCE(service, '') FROM tokens`

// AddToken stores the record of a token that was handed out. NotFound if its
// user does not exist.
func (s *Store) AddToken(ctx context.Context, t account.Token) error {
	return s.add(ctx, "store the token", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO tokens (hash, user_id, client, created, expires, scopes, service)
			VALUES ($1, $2, $3, $4, $5, $6, NULLIF($7, ''))`,
			t.Hash[:], string(t.User), t.Client, nanos(t.Created), nanos(t.Expires), joinScopes(t.Scopes), t.Service)
		if err != nil && kindOf(err) == fault.NotFound {
			return fault.E(fault.NotFound, noUser, err)
		}
		return err
	})
}

// Token gives the record of a token, expired or not. NotFound if it was never
// handed out, or was revoked. Its scopes must not be changed.
func (s *Store) Token(ctx context.Context, hash account.TokenHash) (account.Token, error) {
	now := time.Now()
	t, ok := s.memory.tokens.get(hash, now)
	var err error
	if !ok {
		t, err = s.lookAtToken(ctx, hash, now)
	}
	if err == nil {
		s.uses.last(&t)
	}
	return t, err
}

func (s *Store) lookAtToken(ctx context.Context, hash account.TokenHash, now time.Time) (account.Token, error) {
	return s.memory.tokens.look(hash, now, func() (account.Token, error) {
		return scanToken(s.row(ctx, selectToken+` WHERE hash = $1`, hash[:]))
	})
}

// TokensOf lists a user's own tokens, newest first, and not those of his
// service accounts.
func (s *Store) TokensOf(ctx context.Context, user account.ID) ([]account.Token, error) {
	return s.tokens(ctx, selectToken+` WHERE user_id = $1 AND service IS NULL ORDER BY created DESC, hash`, string(user))
}

// TokensOfService lists a service account's tokens, newest first.
func (s *Store) TokensOfService(ctx context.Context, service string) ([]account.Token, error) {
	return s.tokens(ctx, selectToken+` WHERE service = $1 ORDER BY created DESC, hash`, service)
}

func (s *Store) tokens(ctx context.Context, query, whose string) ([]account.Token, error) {
	rows, err := s.read.QueryContext(ctx, query, whose)
	return collect(rows, err, "list the tokens", func(row scanner) (account.Token, error) {
		t, err := scanToken(row)
		if err == nil {
			s.uses.last(&t)
		}
		return t, err
	})
}

// RevokeToken ends a token. NotFound if there is no such token; to say so
// writes nothing, because strangers may ask.
func (s *Store) RevokeToken(ctx context.Context, hash account.TokenHash) error {
	if _, err := s.Token(ctx, hash); err != nil {
		return err
	}
	return s.update(ctx, "revoke the token", func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE hash = $1`, hash[:])
		return oneRow(res, err, "there is no such token")
	})
}

// RevokeTokens ends all of a user's own tokens, and none of his service
// accounts'.
func (s *Store) RevokeTokens(ctx context.Context, user account.ID) error {
	return s.update(ctx, "revoke the tokens", func(tx *sql.Tx) error { return revokeAll(ctx, tx, user) })
}

func revokeAll(ctx context.Context, tx *sql.Tx, user account.ID) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE user_id = $1 AND service IS NULL`, string(user))
	return err
}

func scanToken(row scanner) (t account.Token, err error) {
	var scopes string
	err = row.Scan(bytesInto(t.Hash[:]), &t.User, &t.Client, timeInto{&t.Created}, timeInto{&t.Expires}, timeInto{&t.LastUsed}, &scopes, &t.Service)
	t.Scopes = splitScopes(scopes)
	return t, lookup("find the token", "there is no such token", err)
}

func splitScopes(text string) (scopes []account.Scope) {
	for word := range strings.FieldsSeq(text) {
		scopes = append(scopes, account.Scope(word))
	}
	return scopes
}

func joinScopes(scopes []account.Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, " ")
}
