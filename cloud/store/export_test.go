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
