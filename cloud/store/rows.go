package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store/sqlite"
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

// collect reads all rows of a query.
func collect[T any](rows *sql.Rows, err error, what string, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, fail(what, err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, fail(what, rows.Err())
}

// oneRow is NotFound, with the sentence, when a statement changed nothing.
func oneRow(res sql.Result, err error, missing string) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return fault.Errorf(fault.NotFound, "%s", missing)
	}
	return err
}

// fail turns an error of the database into the house's words. What says what
// was being done.
func fail(what string, err error) error { return sqlite.Fail(what, err) }

// lookup is fail for a query of one row: missing is the sentence for when
// there is none.
func lookup(what, missing string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.E(fault.NotFound, missing, nil)
	}
	return fail(what, err)
}

func kindOf(err error) fault.Kind { return sqlite.KindOf(err) }

// rowFault tells whether only this row is at fault: the database is well and
// the transaction can go on without it.
func rowFault(err error) bool { return kindOf(err) != fault.Unavailable }
