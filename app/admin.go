package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
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

// Reset is another way into an account, for who has the data folder.
type Reset struct {
	Username     string
	Password     string // empty: one is made
	SecondFactor bool   // it ends, too
}

// ResetPassword gives an account of a cloud that is stopped another password,
// and ends its tokens. It is on record in the audit log, as done from the data
// folder: who did it, only the machine knows. It gives the password back.
//
// A cloud that runs is in the way: it has the folder, and an administrator who
// can still log in does it through the API.
func ResetPassword(ctx context.Context, o Options, r Reset) (password string, err error) {
	o = o.WithDefaults()
	if password = r.Password; password == "" {
		password = rand.Text()
	} else if err := account.CheckPassword(password); err != nil {
		return "", err
	}
	if _, err := os.Stat(o.Database); err != nil {
		return "", fault.E(fault.NotFound, "there is no cloud in the data folder "+o.Data, err)
	}
	_, unlock, err := lock(o.Data)
	if err != nil {
		return "", fault.E(fault.Conflict, err.Error(), err)
	}
	s, err := store.Open(ctx, store.Config{
		Path: o.Database, Logger: slog.New(slog.DiscardHandler), Audit: store.AuditBounds{Age: time.Duration(o.AuditDays) * 24 * time.Hour},
	})
	if err == nil {
		err = errors.Join(reset(ctx, s, r, password), s.Close())
	}
	return password, errors.Join(err, unlock())
}

func reset(ctx context.Context, s *store.Store, r Reset, password string) error {
	u, err := s.UserByName(ctx, account.Normalize(r.Username))
	if err != nil {
		return err
	}
	var salt [account.SaltSize]byte
	var id [6]byte
	_, _ = rand.Read(salt[:]) // never fails
	_, _ = rand.Read(id[:])
	if err := s.SetPassword(ctx, u.ID, account.HashPassword(password, salt), true); err != nil {
		return err
	}
	if r.SecondFactor {
		if err := s.EndSecondFactor(ctx, u.ID); err != nil {
			return err
		}
	}
	now := time.Now().UTC()
	return s.AddEntries(ctx, []account.Entry{{
		ID: account.EntryID(now, id), At: now, User: u.ID, Source: "the data folder", Action: "user.reset",
		Object: "user " + string(u.ID), Outcome: account.OutcomeOK,
	}})
}
