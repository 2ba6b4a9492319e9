// Package identify tells whose a key is that somebody has proven to hold, or
// whether it is the device's that it claims to be, as far as the store knows.
// It asks and decides, and has no clock and no goroutine of its own.
package identify

import (
	"bytes"
	"context"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// Keys is what the store is asked about keys.
type Keys interface {
	// Holders tells of each key which device holds it; the zero Holder: none.
	Holders(ctx context.Context, keys []device.Fingerprint) ([]store.Holder, error)
	KeyOf(ctx context.Context, id device.ID) (device.Key, error)
	Device(ctx context.Context, id device.ID) (device.Device, error)
	TrustFirstUse(ctx context.Context, id device.ID, key device.Key) error
}

// Whose tells of each key whose it is, with one question to the store.
func Whose(ctx context.Context, keys Keys, asked []*lane.Lookup) ([]lane.Found, error) {
	found := make([]lane.Found, len(asked))
	prints := make([]device.Fingerprint, len(asked))
	for i, q := range asked {
		prints[i] = device.FingerprintOf(q.SPKI)
	}
	holders, err := keys.Holders(ctx, prints)
	if err != nil {
		return found, err
	}
	for i, h := range holders {
		if !h.Device.IsZero() {
			found[i] = lane.Found{Device: h.Device, Owner: h.Owner, Known: true}
		}
	}
	return found, nil
}

// Claim tells whether the key is the claimed device's, and has it kept if the
// device may be trusted on first use: first.
func Claim(ctx context.Context, keys Keys, q *lane.Lookup, now time.Time) (found lane.Found, first bool, err error) {
	key, err := keys.KeyOf(ctx, q.Claim)
	switch {
	case err == nil && bytes.Equal(key.SPKI, q.SPKI):
		found, err = known(ctx, keys, q.Claim)
		return found, false, err
	case err == nil:
		return lane.Found{Other: true}, false, nil
	case fault.KindOf(err) != fault.NotFound:
		return lane.Found{}, false, err
	case !q.Trust:
		return lane.Found{}, false, nil
	}
	err = keys.TrustFirstUse(ctx, q.Claim, device.Key{Algorithm: q.Algorithm, SPKI: q.SPKI, Added: now.UTC()})
	if fault.KindOf(err) == fault.Conflict {
		return lane.Found{Other: true}, false, nil
	}
	if err != nil {
		return lane.Found{}, false, err
	}
	found, err = known(ctx, keys, q.Claim)
	return found, true, err
}

func known(ctx context.Context, keys Keys, id device.ID) (lane.Found, error) {
	d, err := keys.Device(ctx, id)
	if err != nil {
		return lane.Found{}, err
	}
	return lane.Found{Device: id, Owner: d.Owner, Known: true}, nil
}

// Sound asks the store what it is asked for every device on TCP, and tells
// whether it answers.
func Sound(ctx context.Context, keys Keys) bool {
	_, err := keys.KeyOf(ctx, device.ID{})
	if err == nil || fault.KindOf(err) == fault.NotFound {
		_, err = keys.Device(ctx, device.ID{})
	}
	return err == nil || fault.KindOf(err) == fault.NotFound
}
