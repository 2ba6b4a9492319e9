package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// Welcome is what the first start has to say, once.
type Welcome struct {
	Username string
	Password string
}

// admit makes the administrator if there is no user yet. The password is
// random, kept only as a hash, and returned this one time.
func admit(ctx context.Context, s *store.Store, username string) (*Welcome, error) {
	n, err := s.Users(ctx)
	if err != nil || n > 0 {
		return nil, err
	}
	var salt [account.SaltSize]byte
	var id [12]byte
	_, _ = rand.Read(salt[:]) // never fails
	_, _ = rand.Read(id[:])
	w := &Welcome{Username: account.Normalize(username), Password: rand.Text()}
	err = s.CreateUser(ctx, account.User{
		ID: account.ID(hex.EncodeToString(id[:])), Username: w.Username, Admin: true,
		PasswordHash: account.HashPassword(w.Password, salt), Created: time.Now().UTC(),
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}
