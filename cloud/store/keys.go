package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// KeyRecord is a key that a device has or had.
type KeyRecord struct {
	device.Key
	Retired time.Time // zero: it is in force
}

// Provision registers a device with its key. An unknown device is created,
// an unclaimed one becomes owner's, and the key takes the place of the one
// before, which stays in the history; the session that was made with the old
// key is forgotten. An empty owner leaves the device unclaimed.
//
// Denied if the device is somebody else's, Conflict if the key is another
// device's, NotFound if there is no such owner. The key's Added is the time
// of all this; zero means now.
func (s *Store) Provision(ctx context.Context, id device.ID, key device.Key, owner account.ID) error {
	if err := checkKey(id, key); err != nil {
		return err
	}
	if key.Added.IsZero() {
		key.Added = time.Now()
	}
	return s.update(ctx, "provision the device", func(tx *sql.Tx) error {
		has, err := ownerOf(ctx, tx, id)
		switch {
		case fault.KindOf(err) == fault.NotFound:
			err = insertDevice(ctx, tx, id, owner, key.Added)
		case err == nil && has == "" && owner != "":
			_, err = tx.ExecContext(ctx, `UPDATE devices SET owner = $2 WHERE id = $1`, id[:], string(owner))
		case err == nil && has != owner:
			err = fault.Errorf(fault.Denied, "the device belongs to another account")
		}
		if err != nil {
			if kindOf(err) == fault.NotFound {
				return fault.E(fault.NotFound, noUser, err)
			}
			return err
		}
		return replaceKey(ctx, tx, id, key)
	})
}

// TrustFirstUse registers a device that introduced itself, with the key that
// it proved to hold and without an owner. To do it again with the same key is
// fine. Conflict if the device has another key, or the key is another
// device's: a key on file is never replaced this way.
func (s *Store) TrustFirstUse(ctx context.Context, id device.ID, key device.Key) error {
	if err := checkKey(id, key); err != nil {
		return err
	}
	if key.Added.IsZero() {
		key.Added = time.Now()
	}
	return s.add(ctx, "trust the device on first use", func(tx *sql.Tx) error {
		_, err := ownerOf(ctx, tx, id)
		if err == nil {
			current, err := currentKey(ctx, tx, id)
			if err == nil && bytes.Equal(current.SPKI, key.SPKI) {
				return nil
			}
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			return fault.Errorf(fault.Conflict, "the device is registered with another key")
		}
		if fault.KindOf(err) != fault.NotFound {
			return err
		}
		if err := insertDevice(ctx, tx, id, "", key.Added); err != nil {
			return err
		}
		return replaceKey(ctx, tx, id, key)
	})
}

// KeyOf gives the device's key in force. NotFound if the device is not
// registered.
func (s *Store) KeyOf(ctx context.Context, id device.ID) (device.Key, error) {
	key, err := scanKey(s.row(ctx, selectKey, id[:]))
	return key, lookup("find the device's key", noDevice, err)
}

// KeysOf gives every key that the device has or had, newest first.
func (s *Store) KeysOf(ctx context.Context, id device.ID) ([]KeyRecord, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT algorithm, spki, added, retired FROM device_keys
		WHERE device = $1 ORDER BY CASE WHEN retired = 0 THEN 0 ELSE 1 END, retired DESC`, id[:])
	return collect(rows, err, "list the device's keys", func(row scanner) (k KeyRecord, err error) {
		err = row.Scan(&k.Algorithm, &k.SPKI, timeInto{&k.Added}, timeInto{&k.Retired})
		return k, fail("read the device's key", err)
	})
}

func checkKey(id device.ID, key device.Key) error {
	switch {
	case id.IsZero():
		return fault.Errorf(fault.Invalid, "the device id is missing")
	case len(key.SPKI) == 0 || len(key.SPKI) > 4096:
		return fault.Errorf(fault.Invalid, "the public key has %d bytes", len(key.SPKI))
	}
	return nil
}

func insertDevice(ctx context.Context, tx *sql.Tx, id device.ID, owner account.ID, now time.Time) error {
	var by any // null for nobody
	if owner != "" {
		by = string(owner)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO devices (id, owner, created) VALUES ($1, $2, $3)`, id[:], by, nanos(now))
	return err
}

// replaceKey puts the key in force, retires the one before, and forgets the
// session that was made with that.
func replaceKey(ctx context.Context, tx *sql.Tx, id device.ID, key device.Key) error {
	current, err := currentKey(ctx, tx, id)
	if err == nil && bytes.Equal(current.SPKI, key.SPKI) {
		return nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE device_keys SET retired = $2 WHERE device = $1 AND retired = 0`, id[:], nanos(key.Added)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE device = $1`, id[:]); err != nil {
		return err
	}
	f := key.Fingerprint()
	_, err = tx.ExecContext(ctx, `INSERT INTO device_keys (device, fingerprint, algorithm, spki, added) VALUES ($1, $2, $3, $4, $5)`,
		id[:], f[:], string(key.Algorithm), key.SPKI, nanos(key.Added))
	if err != nil && kindOf(err) == fault.Conflict {
		return fault.E(fault.Conflict, "the key belongs to another device", err)
	}
	return err
}

// querier is a connection or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// selectKey finds the device's key in force.
const selectKey = `SELECT algorithm, spki, added FROM device_keys WHERE device = $1 AND retired = 0`

// currentKey gives the device's key in force, or sql.ErrNoRows.
func currentKey(ctx context.Context, q querier, id device.ID) (device.Key, error) {
	return scanKey(q.QueryRowContext(ctx, selectKey, id[:]))
}

func scanKey(row scanner) (k device.Key, err error) {
	err = row.Scan(&k.Algorithm, &k.SPKI, timeInto{&k.Added})
	return k, err
}

// Holder is the device that holds a key, and whose it is.
type Holder struct {
	Device device.ID  // zero: no device holds the key
	Owner  account.ID // empty: nobody's
}

// holdersAtOnce is how many keys one query asks for. Most of what a look-up
// costs is the query around it.
const holdersAtOnce = 64

// selectHolders gives the queries for 1, 2, 4 … holdersAtOnce keys: each is
// prepared once a connection.
func selectHolders() (queries []string) {
	for n := 1; n <= holdersAtOnce; n *= 2 {
		places := make([]string, n)
		for i := range places {
			places[i] = "$" + strconv.Itoa(i+1)
		}
		queries = append(queries, `SELECT k.fingerprint, k.device, COALESCE(d.owner, '')
			FROM device_keys k JOIN devices d ON d.id = k.device
			WHERE k.retired = 0 AND k.fingerprint IN (`+strings.Join(places, ", ")+`)`)
	}
	return queries
}

// Holders tells of each of the keys, which are given by their fingerprints,
// which device holds it now. Every handshake asks: many at once cost little
// more than one.
func (s *Store) Holders(ctx context.Context, keys []device.Fingerprint) ([]Holder, error) {
	all := make([]Holder, len(keys))
	for at := 0; at < len(keys); at += holdersAtOnce {
		end := min(at+holdersAtOnce, len(keys))
		if err := s.holders(ctx, keys[at:end], all[at:end]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// holders fills into with the holders of at most holdersAtOnce keys.
func (s *Store) holders(ctx context.Context, keys []device.Fingerprint, into []Holder) error {
	size := bits.Len(uint(len(keys) - 1))
	args := make([]any, 1<<size)
	for i := range args {
		args[i] = keys[min(i, len(keys)-1)][:] // the last as often as it takes
	}
	rows, err := s.rows(ctx, s.selectHolders[size], args...)
	if err != nil {
		return fail("find the devices of the keys", err)
	}
	defer rows.Close()
	for rows.Next() {
		var f device.Fingerprint
		var h Holder
		if err := rows.Scan(bytesInto(f[:]), bytesInto(h.Device[:]), &h.Owner); err != nil {
			return fail("find the devices of the keys", err)
		}
		for i := range keys { // few, and mostly in the order of the question
			if keys[i] == f {
				into[i] = h
			}
		}
	}
	return fail("find the devices of the keys", rows.Err())
}
