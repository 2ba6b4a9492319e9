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
