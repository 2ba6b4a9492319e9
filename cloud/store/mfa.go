package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// maxTickets is how many of a user's logins and enrolments may wait for a
// code at a time.
const maxTickets = 5

const (
	noTicket = "the login has waited too long for its code, or was tried too often"
	noFactor = "the user has no second factor"
)

// AddTicket keeps what waits for a code. Busy if too many of the user's do.
func (s *Store) AddTicket(ctx context.Context, t account.Ticket, now time.Time) error {
	return s.add(ctx, "keep the ticket", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM tickets WHERE expires <= $1`, nanos(now)); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM tickets WHERE user_id = $1`, string(t.User)).Scan(&n); err != nil {
			return err
		}
		if n >= maxTickets {
			return fault.Errorf(fault.Busy, "%d logins wait for a code: give it to one of them, or wait some minutes", n)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO tickets (hash, user_id, secret, lifetime, scopes, client, expires)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			t.Hash[:], string(t.User), t.Secret, int64(t.Lifetime), joinScopes(t.Scopes), t.Client, nanos(t.Expires))
		return err
	})
}

// TryTicket counts a try and gives the ticket. NotFound if there is none, it
// has expired, or this is a try too many; to say so writes nothing, because
// strangers may ask.
func (s *Store) TryTicket(ctx context.Context, hash account.TokenHash, now time.Time) (t account.Ticket, err error) {
	const find = `SELECT user_id, secret, lifetime, scopes, client, expires FROM tickets WHERE hash = $1 AND expires > $2 AND tries < $3`
	scan := func(row scanner) error {
		var scopes string
		err := row.Scan(&t.User, &t.Secret, &t.Lifetime, &scopes, &t.Client, timeInto{&t.Expires})
		t.Hash, t.Scopes = hash, splitScopes(scopes)
		return lookup("find the ticket", noTicket, err)
	}
	if err := scan(s.row(ctx, find, hash[:], nanos(now), account.TicketTries)); err != nil {
		return account.Ticket{}, err
	}
	err = s.add(ctx, "count the try", func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE tickets SET tries = tries + 1 WHERE hash = $1 AND tries < $2`, hash[:], account.TicketTries)
		return oneRow(res, err, noTicket)
	})
	if err != nil {
		return account.Ticket{}, err
	}
	return t, nil
}

// EndTicket makes a ticket good no more. NotFound if somebody was faster.
func (s *Store) EndTicket(ctx context.Context, hash account.TokenHash) error {
	return s.add(ctx, "end the ticket", func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM tickets WHERE hash = $1`, hash[:])
		return oneRow(res, err, noTicket)
	})
}

// Enrol gives the user of the ticket a second factor, which replaces one that
// there was, and ends the ticket. step is the one whose code has confirmed it.
func (s *Store) Enrol(ctx context.Context, t account.Ticket, step int64, recovery []account.TokenHash, now time.Time) error {
	return s.add(ctx, "enrol the second factor", func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM tickets WHERE hash = $1`, t.Hash[:])
		if err := oneRow(res, err, noTicket); err != nil {
			return err
		}
		if err := endFactor(ctx, tx, t.User); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO second_factors (user_id, secret, last_step, created) VALUES ($1, $2, $3, $4)`,
			string(t.User), t.Secret, step, nanos(now)); err != nil {
			return err
		}
		for _, hash := range recovery {
			if _, err := tx.ExecContext(ctx, `INSERT INTO recovery_codes (user_id, hash) VALUES ($1, $2)`, string(t.User), hash[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// SecondFactor gives the user's. NotFound if he has none.
func (s *Store) SecondFactor(ctx context.Context, user account.ID) (f account.SecondFactor, err error) {
	err = s.row(ctx, `SELECT secret, last_step, (SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1) FROM second_factors WHERE user_id = $1`,
		string(user)).Scan(&f.Secret, &f.LastStep, &f.Recovery)
	return f, lookup("find the second factor", noFactor, err)
}

// UseStep notes that the code of that step was used. NotFound if that step, or
// a later one, was used before.
func (s *Store) UseStep(ctx context.Context, user account.ID, step int64) error {
	return s.add(ctx, "use the code", func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2`, string(user), step)
		return oneRow(res, err, "the code was used before")
	})
}

// UseRecovery uses a recovery code up. NotFound if it is none of the user's;
// to say so writes nothing.
func (s *Store) UseRecovery(ctx context.Context, user account.ID, hash account.TokenHash) error {
	const none = "there is no such recovery code"
	var found int
	err := s.row(ctx, `SELECT 1 FROM recovery_codes WHERE user_id = $1 AND hash = $2`, string(user), hash[:]).Scan(&found)
	if err != nil {
		return lookup("find the recovery code", none, err)
	}
	return s.add(ctx, "use the recovery code", func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2`, string(user), hash[:])
		return oneRow(res, err, none)
	})
}

// EndSecondFactor ends the user's second factor, if he has one.
func (s *Store) EndSecondFactor(ctx context.Context, user account.ID) error {
	return s.add(ctx, "end the second factor", func(tx *sql.Tx) error { return endFactor(ctx, tx, user) })
}

func endFactor(ctx context.Context, tx *sql.Tx, user account.ID) error {
	for _, query := range []string{`DELETE FROM second_factors WHERE user_id = $1`, `DELETE FROM recovery_codes WHERE user_id = $1`} {
		if _, err := tx.ExecContext(ctx, query, string(user)); err != nil {
			return err
		}
	}
	return nil
}
