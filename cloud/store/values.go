package store

import (
	"fmt"
	"time"
)

// scanner is a row to read from: *sql.Row or *sql.Rows.
type scanner interface {
	Scan(dest ...any) error
}

// nanos is a time as a column holds it.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// fromNanos is the time that a column holds, in UTC.
func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// timeInto reads a time column.
type timeInto struct{ t *time.Time }

// Scan implements sql.Scanner.
func (d timeInto) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time column holds a %T", src)
	}
	*d.t = fromNanos(n)
	return nil
}

// bytesInto reads a column of exactly as many bytes as the slice has.
type bytesInto []byte

// Scan implements sql.Scanner.
func (d bytesInto) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok || len(b) != len(d) {
		return fmt.Errorf("a column of %d bytes holds %T of %d", len(d), src, len(b))
	}
	copy(d, b)
	return nil
}
