package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// DeviceUpdate is what was last seen of a device. Fields that are zero or nil
// leave what is stored.
type DeviceUpdate struct {
	Device    device.ID
	Heard     time.Time // newest authenticated record
	Handshake time.Time // newest completed handshake
	Address   string
	Hello     *HelloFacts
	Describe  *device.Describe
	Described time.Time
}

// HelloFacts is what a device says of itself in its Hello.
type HelloFacts struct {
	ProductID, PlatformID, Firmware, System uint16
}

const updateSeen = `UPDATE devices SET
	last_heard = CASE WHEN last_heard < $2 THEN $2 ELSE last_heard END,
	last_handshake = CASE WHEN last_handshake < $3 THEN $3 ELSE last_handshake END,
	last_address = COALESCE($4, last_address),
	product = COALESCE($5, product), platform = COALESCE($6, platform),
	firmware = COALESCE($7, firmware), system = COALESCE($8, system),
	offers = COALESCE($9, offers), described = COALESCE($10, described)
	WHERE id = $1`

// Seen notes what was seen of a device and returns at once. Updates of one
// device are merged, and written with the next commit or a moment later. The
// note may be lost in a crash; false means that the queue is full and it is
// lost now. A device that is not registered is passed over.
func (s *Store) Seen(u DeviceUpdate) bool { return s.writer.see(u) }

// merge puts what is newer over u.
func (u *DeviceUpdate) merge(newer DeviceUpdate) {
	if newer.Heard.After(u.Heard) {
		u.Heard = newer.Heard
	}
	if newer.Handshake.After(u.Handshake) {
		u.Handshake = newer.Handshake
	}
	if newer.Address != "" {
		u.Address = newer.Address
	}
	if newer.Hello != nil {
		u.Hello = newer.Hello
	}
	if newer.Describe != nil {
		u.Describe, u.Described = newer.Describe, newer.Described
	}
}

// apply writes the update within a batch.
func (u *DeviceUpdate) apply(ctx context.Context, stmt *sql.Stmt) error {
	args := []any{u.Device[:], nanos(u.Heard), nanos(u.Handshake), nil, nil, nil, nil, nil, nil, nil}
	if u.Address != "" {
		args[3] = u.Address
	}
	if h := u.Hello; h != nil {
		args[4], args[5], args[6], args[7] = int64(h.ProductID), int64(h.PlatformID), int64(h.Firmware), int64(h.System)
	}
	if u.Describe != nil {
		offers, err := json.Marshal(u.Describe)
		if err != nil {
			return err
		}
		args[8], args[9] = string(offers), nanos(u.Described)
	}
	_, err := stmt.ExecContext(ctx, args...)
	return err
}
