package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

const noDevice = "the device is not registered"

const selectDevice = `SELECT id, name, notes, restart, COALESCE(owner, ''), product, platform, firmware, system,
	created, last_heard, last_handshake, last_address, offers, described FROM devices`

// Device gives the device of that id. NotFound if it is not registered. What
// it says of itself must not be changed.
func (s *Store) Device(ctx context.Context, id device.ID) (device.Device, error) {
	now := time.Now()
	if d, ok := s.memory.devices.get(id, now); ok {
		return d, nil
	}
	return s.lookAtDevice(ctx, id, now)
}

func (s *Store) lookAtDevice(ctx context.Context, id device.ID, now time.Time) (device.Device, error) {
	return s.memory.devices.look(id, now, func() (device.Device, error) {
		return scanDevice(s.row(ctx, selectDevice+` WHERE id = $1`, id[:]))
	})
}

// DeviceByName gives the owner's device of that name, whatever its case.
// NotFound if there is none; there are never two.
func (s *Store) DeviceByName(ctx context.Context, owner account.ID, name string) (device.Device, error) {
	if name == "" {
		return device.Device{}, fault.E(fault.NotFound, noDevice, nil)
	}
	now, key := time.Now(), nickname{owner, nameKey(name)}
	find := func() (d device.ID, err error) {
		err = s.row(ctx, `SELECT id FROM devices WHERE owner = $1 AND name_key = $2`, string(owner), key.name).Scan(bytesInto(d[:]))
		return d, lookup("find the device", noDevice, err)
	}
	for {
		id, known := s.memory.names.get(key, now)
		if !known {
			var err error
			if id, err = s.memory.names.look(key, now, find); err != nil {
				return device.Device{}, err
			}
		}
		d, err := s.Device(ctx, id)
		if err != nil || d.Owner == owner && nameKey(d.Name) == key.name {
			return d, err
		}
		s.memory.names.forget(key) // one of them is out of date
		s.memory.devices.forget(id)
	}
}

// DevicesOf lists the owner's devices, by id.
func (s *Store) DevicesOf(ctx context.Context, owner account.ID) ([]device.Device, error) {
	rows, err := s.read.QueryContext(ctx, selectDevice+` WHERE owner = $1 ORDER BY id`, string(owner))
	return collect(rows, err, "list the devices", scanDevice)
}

// DevicesByID gives those of the devices that are registered, in no order.
func (s *Store) DevicesByID(ctx context.Context, ids []device.ID) ([]device.Device, error) {
	const page = 500
	var all []device.Device
	for batch := range slices.Chunk(ids, page) {
		args := make([]any, len(batch))
		for i := range batch {
			args[i] = batch[i][:]
		}
		rows, err := s.read.QueryContext(ctx, selectDevice+` WHERE id IN (?`+strings.Repeat(",?", len(batch)-1)+`)`, args...)
		list, err := collect(rows, err, "read the devices", scanDevice)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// Claim makes owner the device's owner. Claiming one's own device again is
// fine. NotFound if the device is not registered, Denied if it is somebody
// else's.
func (s *Store) Claim(ctx context.Context, id device.ID, owner account.ID) error {
	return s.update(ctx, "claim the device", func(tx *sql.Tx) error {
		has, err := ownerOf(ctx, tx, id)
		if err != nil || has == owner {
			return err
		}
		if has != "" {
			return fault.Errorf(fault.Denied, "the device belongs to another account")
		}
		_, err = tx.ExecContext(ctx, `UPDATE devices SET owner = $2 WHERE id = $1`, id[:], string(owner))
		if err != nil && kindOf(err) == fault.NotFound {
			return fault.E(fault.NotFound, noUser, err)
		}
		return err
	})
}

// releaseDevices makes devices nobody's.
const releaseDevices = `UPDATE devices SET owner = NULL, name = '', name_key = '', notes = '', restart = ''`

// Release gives the owner's device up; it loses the name, the notes and
// the leave to restart it that its owner gave, and keeps its key. NotFound if the device is not registered, Denied if
// it is not the owner's.
func (s *Store) Release(ctx context.Context, id device.ID, owner account.ID) error {
	return s.update(ctx, "release the device", func(tx *sql.Tx) error {
		if err := mustOwn(ctx, tx, id, owner); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, releaseDevices+` WHERE id = $1`, id[:])
		return err
	})
}

// Rename names the owner's device. Invalid if the name cannot be one, Conflict
// if another of the owner's devices has it, NotFound and Denied as Release.
func (s *Store) Rename(ctx context.Context, id device.ID, owner account.ID, name string) error {
	if !device.ValidName(name) {
		return fault.Errorf(fault.Invalid, "a device name has 1 to 100 characters, no slashes, and is not itself a device id")
	}
	return s.update(ctx, "rename the device", func(tx *sql.Tx) error {
		if err := mustOwn(ctx, tx, id, owner); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE devices SET name = $2, name_key = $3 WHERE id = $1`, id[:], name, nameKey(name))
		if err != nil && kindOf(err) == fault.Conflict {
			return fault.E(fault.Conflict, "another of your devices has that name", err)
		}
		return err
	})
}

// Annotate keeps the owner's notes about the device in place of those before.
// NotFound and Denied as Release.
func (s *Store) Annotate(ctx context.Context, id device.ID, owner account.ID, notes string) error {
	return s.update(ctx, "keep the notes", func(tx *sql.Tx) error {
		if err := mustOwn(ctx, tx, id, owner); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE devices SET notes = $2 WHERE id = $1`, id[:], notes)
		return err
	})
}

// AllowRestart keeps how far the owner lets us go when the device does not
// answer. NotFound and Denied as Release.
func (s *Store) AllowRestart(ctx context.Context, id device.ID, owner account.ID, what device.Restarting) error {
	return s.update(ctx, "keep what the owner allows", func(tx *sql.Tx) error {
		if err := mustOwn(ctx, tx, id, owner); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE devices SET restart = $2 WHERE id = $1`, id[:], string(what))
		return err
	})
}

// nameKey is the form under which names are compared.
func nameKey(name string) string { return strings.ToLower(name) }

// ownerOf tells who owns a device, empty if nobody. NotFound if the device is
// not registered.
func ownerOf(ctx context.Context, tx *sql.Tx, id device.ID) (owner account.ID, err error) {
	err = tx.QueryRowContext(ctx, `SELECT COALESCE(owner, '') FROM devices WHERE id = $1`, id[:]).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) {
		err = fault.E(fault.NotFound, noDevice, nil)
	}
	return owner, err
}

func mustOwn(ctx context.Context, tx *sql.Tx, id device.ID, owner account.ID) error {
	has, err := ownerOf(ctx, tx, id)
	if err == nil && (has != owner || owner == "") {
		err = fault.Errorf(fault.Denied, "the device is not yours")
	}
	return err
}

func scanDevice(row scanner) (d device.Device, err error) {
	var offers string
	err = row.Scan(bytesInto(d.ID[:]), &d.Name, &d.Notes, &d.Restart, &d.Owner, &d.ProductID, &d.PlatformID, &d.Firmware, &d.System,
		timeInto{&d.Created}, timeInto{&d.LastHeard}, timeInto{&d.LastHandshake}, &d.LastAddress, &offers, timeInto{&d.DescribedAt})
	if err == nil && offers != "" {
		err = json.Unmarshal([]byte(offers), &d.Describe)
	}
	return d, lookup("find the device", noDevice, err)
}
