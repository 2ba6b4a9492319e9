package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

const noUser = "there is no such user"

const selectUser = `SELECT id, username, admin, password_hash, created, info,
	EXISTS (SELECT 1 FROM second_factors WHERE user_id = users.id) FROM users`

// CreateUser adds a user. Conflict if the username or the id is taken.
func (s *Store) CreateUser(ctx context.Context, u account.User) error {
	const what = "create the user"
	return s.update(ctx, what, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO users (id, username, admin, password_hash, created) VALUES ($1, $2, $3, $4, $5)`,
			string(u.ID), account.Normalize(u.Username), u.Admin, u.PasswordHash, nanos(u.Created))
		if err != nil && kindOf(err) == fault.Conflict {
			return fault.E(fault.Conflict, "there is already a user of that name", err)
		}
		return err
	})
}

// User gives the user of that id. NotFound if there is none.
func (s *Store) User(ctx context.Context, id account.ID) (account.User, error) {
	return scanUser(s.row(ctx, selectUser+` WHERE id = $1`, string(id)))
}

// UserByName gives the user of that name, whatever its case. NotFound if
// there is none.
func (s *Store) UserByName(ctx context.Context, username string) (account.User, error) {
	return scanUser(s.row(ctx, selectUser+` WHERE username = $1`, account.Normalize(username)))
}

func scanUser(row scanner) (u account.User, err error) {
	var info string
	err = row.Scan(&u.ID, &u.Username, &u.Admin, &u.PasswordHash, timeInto{&u.Created}, &info, &u.MFA)
	if err == nil && info != "" {
		err = json.Unmarshal([]byte(info), &u.Info)
	}
	return u, lookup("find the user", noUser, err)
}

// Users tells how many users there are: none means the first start.
func (s *Store) Users(ctx context.Context) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM users`).Scan(&n)
	return n, fail("count the users", err)
}

// SetPassword replaces the user's password hash; an empty one forbids to log
// in with a password. The user's tokens end with the old password if endTokens
// says so. NotFound if there is no such user.
func (s *Store) SetPassword(ctx context.Context, id account.ID, hash string, endTokens bool) error {
	return s.update(ctx, "set the password", func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE users SET password_hash = $2 WHERE id = $1`, string(id), hash)
		if err := oneRow(res, err, noUser); err != nil || !endTokens {
			return err
		}
		return revokeAll(ctx, tx, id)
	})
}

// SetUsername gives the user another name. Conflict if it is taken, NotFound
// if there is no such user.
func (s *Store) SetUsername(ctx context.Context, id account.ID, username string) error {
	return s.add(ctx, "set the username", func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE users SET username = $2 WHERE id = $1`, string(id), account.Normalize(username))
		if err != nil && kindOf(err) == fault.Conflict {
			return fault.E(fault.Conflict, "there is already a user of that name", err)
		}
		return oneRow(res, err, noUser)
	})
}

// SetInfo keeps what the user tells of himself. NotFound if there is no such
// user.
func (s *Store) SetInfo(ctx context.Context, id account.ID, info account.Info) error {
	text, err := json.Marshal(info)
	if err != nil {
		return fail("write what the user tells", err)
	}
	return s.add(ctx, "set what the user tells", func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE users SET info = $2 WHERE id = $1`, string(id), string(text))
		return oneRow(res, err, noUser)
	})
}

// DeleteUser removes a user and his tokens; his devices are nobody's from
// then on, as after Release. NotFound if there is no such user, Conflict if he
// is the only administrator.
func (s *Store) DeleteUser(ctx context.Context, id account.ID) error {
	return s.update(ctx, "delete the user", func(tx *sql.Tx) error {
		var admin bool
		var others int
		err := tx.QueryRowContext(ctx, `SELECT admin, (SELECT COUNT(*) FROM users WHERE admin AND id <> $1) FROM users WHERE id = $1`,
			string(id)).Scan(&admin, &others)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return fault.Errorf(fault.NotFound, "%s", noUser)
		case err != nil:
			return err
		case admin && others == 0:
			return fault.Errorf(fault.Conflict, "the only administrator cannot be deleted")
		}
		if _, err := tx.ExecContext(ctx, releaseDevices+` WHERE owner = $1`, string(id)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM users WHERE id = $1`, string(id))
		return err
	})
}

// maxServices is how many service accounts a user may have.
const maxServices = 100

const noService = "there is no such service account"

// AddService adds a service account. Conflict if its owner has one of that
// name, Busy if he has too many.
func (s *Store) AddService(ctx context.Context, v account.Service) error {
	return s.add(ctx, "add the service account", func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM services WHERE owner = $1`, string(v.Owner)).Scan(&n); err != nil {
			return err
		}
		if n >= maxServices {
			return fault.Errorf(fault.Busy, "there are %d service accounts: delete one of them first", n)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO services (id, owner, name, scopes, created) VALUES ($1, $2, $3, $4, $5)`,
			v.ID, string(v.Owner), v.Name, joinScopes(v.Scopes), nanos(v.Created))
		if err != nil && kindOf(err) == fault.Conflict {
			return fault.E(fault.Conflict, "there is already a service account of that name", err)
		}
		return err
	})
}

// Services lists a user's service accounts, by name.
func (s *Store) Services(ctx context.Context, owner account.ID) ([]account.Service, error) {
	rows, err := s.rows(ctx, `SELECT id, owner, name, scopes, created FROM services WHERE owner = $1 ORDER BY name`, string(owner))
	return collect(rows, err, "list the service accounts", func(row scanner) (v account.Service, err error) {
		var scopes string
		err = row.Scan(&v.ID, &v.Owner, &v.Name, &scopes, timeInto{&v.Created})
		v.Scopes = splitScopes(scopes)
		return v, fail("read the service account", err)
	})
}

// DeleteService ends a user's service account and its tokens. NotFound if he
// has none of that id.
func (s *Store) DeleteService(ctx context.Context, owner account.ID, id string) error {
	return s.update(ctx, "delete the service account", func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM services WHERE id = $1 AND owner = $2`, id, string(owner))
		return oneRow(res, err, noService)
	})
}
