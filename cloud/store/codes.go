package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// maxClaimCodes is how many codes one user may have that are still good.
const maxClaimCodes = 100

const noClaimCode = "there is no such claim code"

// AddClaimCode keeps a code, by its hash, that makes the device that sends it
// before it expires the owner's. NotFound if there is no such user, Busy if he
// has too many of them.
func (s *Store) AddClaimCode(ctx context.Context, code account.TokenHash, owner account.ID, now, expires time.Time) error {
	return s.add(ctx, "keep the claim code", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM claim_codes WHERE expires <= $1`, nanos(now)); err != nil {
			return err
		}
		var n int
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM claim_codes WHERE owner = $1`, string(owner)).Scan(&n)
		if err != nil {
			return err
		}
		if n >= maxClaimCodes {
			return fault.Errorf(fault.Busy, "%d claim codes wait to be used: use one of them, or wait until they expire", n)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO claim_codes (hash, owner, expires) VALUES ($1, $2, $3)`,
			code[:], string(owner), nanos(expires))
		if err != nil && kindOf(err) == fault.NotFound {
			return fault.E(fault.NotFound, noUser, err)
		}
		return err
	})
}

// ClaimByCode makes the device its owner's who got the code, which is used up,
// and says who that is. NotFound if there is no such code or device, which
// writes nothing; Denied if the device is somebody else's.
func (s *Store) ClaimByCode(ctx context.Context, id device.ID, code account.TokenHash, now time.Time) (owner account.ID, err error) {
	const find = `SELECT owner FROM claim_codes WHERE hash = $1 AND expires > $2`
	if err := s.row(ctx, find, code[:], nanos(now)).Scan(&owner); err != nil {
		return "", lookup("find the claim code", noClaimCode, err)
	}
	err = s.update(ctx, "claim the device by a code", func(tx *sql.Tx) error {
		// Somebody may have been faster.
		if err := tx.QueryRowContext(ctx, find, code[:], nanos(now)).Scan(&owner); err != nil {
			return lookup("find the claim code", noClaimCode, err)
		}
		has, err := ownerOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if has != "" && has != owner {
			return fault.Errorf(fault.Denied, "the device belongs to another account")
		}
		if _, err := tx.ExecContext(ctx, `UPDATE devices SET owner = $2 WHERE id = $1`, id[:], string(owner)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM claim_codes WHERE hash = $1`, code[:])
		return err
	})
	if err != nil {
		return "", err
	}
	return owner, nil
}

// maxTransfers is how many devices one user may be asking for at a time.
const maxTransfers = 50

const noTransfer = "there is no such transfer"

// AskForDevice keeps the wish of t.Wants to have the device of t.Owner, and
// gives the transfer that there is then: an older one of the same device and
// wish goes on. Busy if he asks for too many.
func (s *Store) AskForDevice(ctx context.Context, t device.Transfer) (device.Transfer, error) {
	err := s.add(ctx, "keep the transfer", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM transfers WHERE expires <= $1 OR
			owner <> COALESCE((SELECT owner FROM devices WHERE id = transfers.device), '')`, nanos(t.Created)); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM transfers WHERE wants = $1`, string(t.Wants)).Scan(&n); err != nil {
			return err
		}
		if n >= maxTransfers {
			return fault.Errorf(fault.Busy, "you are asking for %d devices: wait for their owners", n)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO transfers (id, device, owner, wants, created, expires)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (device, wants) DO NOTHING`,
			t.ID, t.Device[:], string(t.Owner), string(t.Wants), nanos(t.Created), nanos(t.Expires)); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT id, created, expires FROM transfers WHERE device = $1 AND wants = $2`,
			t.Device[:], string(t.Wants)).Scan(&t.ID, timeInto{&t.Created}, timeInto{&t.Expires})
	})
	return t, err
}

const selectTransfer = `SELECT t.id, t.device, d.name, t.owner, t.wants, u.username, t.created, t.expires
	FROM transfers t JOIN devices d ON d.id = t.device AND d.owner = t.owner JOIN users u ON u.id = t.wants WHERE t.expires > $2`

// Transfers lists the transfers that wait, of the user's devices and of those
// that he asks for, newest first.
func (s *Store) Transfers(ctx context.Context, user account.ID, now time.Time) ([]device.Transfer, error) {
	rows, err := s.rows(ctx, selectTransfer+` AND (t.owner = $1 OR t.wants = $1) ORDER BY t.created DESC, t.id`, string(user), nanos(now))
	return collect(rows, err, "list the transfers", scanTransfer)
}

func scanTransfer(row scanner) (t device.Transfer, err error) {
	err = row.Scan(&t.ID, bytesInto(t.Device[:]), &t.Name, &t.Owner, &t.Wants, &t.Asker, timeInto{&t.Created}, timeInto{&t.Expires})
	return t, lookup("read the transfer", noTransfer, err)
}

// Hand gives the device of a transfer to who asked for it, and ends all
// transfers of it. NotFound unless it waits for the owner's answer.
func (s *Store) Hand(ctx context.Context, id string, owner account.ID, now time.Time) (t device.Transfer, err error) {
	err = s.update(ctx, "hand the device over", func(tx *sql.Tx) error {
		t, err = scanTransfer(tx.QueryRowContext(ctx, selectTransfer+` AND t.id = $1 AND t.owner = $3`, id, nanos(now), string(owner)))
		if err != nil {
			return err
		}
		// The name is the giver's; it may be in use at the taker's.
		if _, err := tx.ExecContext(ctx, `UPDATE devices SET owner = $2, name = '', name_key = '', notes = '', restart = '' WHERE id = $1`, t.Device[:], string(t.Wants)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM transfers WHERE device = $1`, t.Device[:])
		return err
	})
	return t, err
}

// EndTransfer ends a transfer of the user's, be he the owner who refuses or
// the one who asked. NotFound if there is none.
func (s *Store) EndTransfer(ctx context.Context, id string, user account.ID) error {
	return s.add(ctx, "end the transfer", func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM transfers WHERE id = $1 AND (owner = $2 OR wants = $2)`, id, string(user))
		return oneRow(res, err, noTransfer)
	})
}
