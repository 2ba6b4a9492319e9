package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// ExecOnWriter runs a statement on the connection that writes, so that tests
// can put the database into a bad way.
func ExecOnWriter(s *Store, query string) error {
	_, err := s.write.ExecContext(context.Background(), query)
	return err
}

// QueryOnWriter gives the one value of a query on the connection that writes.
func QueryOnWriter(s *Store, query string) (v string, err error) {
	err = s.write.QueryRowContext(context.Background(), query).Scan(&v)
	return v, err
}

// The bounds of the queues and of a batch.
const (
	MaxSessionQueue = maxSessionQueue
	MaxAttemptQueue = maxAttemptQueue
	MaxSeenQueue    = maxSeenQueue
	BatchSessions   = batchSessions
)

// How long, and how many, tokens and devices are known.
const (
	KnownFor     = knownFor
	KnownWithout = knownWithout
	MaxKnown     = maxKnown
)

// LetPass makes all that is known older.
func LetPass(s *Store, d time.Duration) {
	age(&s.memory.tokens, d)
	age(&s.memory.devices, d)
	age(&s.memory.names, d)
}

func age[K comparable, V any](k *known[K, V], d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, r := range k.all {
		r.at = r.at.Add(-d)
		k.all[key] = r
	}
}

// BreakReading has every read fail, as when the disk is gone.
func BreakReading(s *Store) { _ = s.read.Close() }

// Known is what is known of strings.
type Known struct{ known[string, string] }

// Get gives what is known.
func (k *Known) Get(key string) (string, bool) { return k.get(key, time.Now()) }

// Look looks anew.
func (k *Known) Look(key string, read func() (string, error)) (string, error) {
	return k.look(key, time.Now(), read)
}

// Forget forgets one.
func (k *Known) Forget(key string) { k.forget(key) }

// Len tells how many are known.
func (k *Known) Len() int { return len(k.all) }

// InsertDevices registers devices without keys, in one transaction.
func InsertDevices(s *Store, ids []device.ID) error {
	ctx := context.Background()
	return s.update(ctx, "insert the devices", func(tx *sql.Tx) error {
		for _, id := range ids {
			if err := insertDevice(ctx, tx, id, "", time.Unix(1, 0)); err != nil {
				return err
			}
		}
		return nil
	})
}
