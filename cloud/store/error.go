package store

import (
	"database/sql"
	"errors"

	"github.com/cyan-cloud/cyan/cloud/fault"
)

// fail turns an error of the database into the house's words. What says what
// was being done. An error that already is one of ours passes unchanged.
func fail(what string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.E(kindOf(err), what, err)
}

// lookup is fail for a query of one row: missing is the sentence for when
// there is none.
func lookup(what, missing string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.E(fault.NotFound, missing, nil)
	}
	return fail(what, err)
}

func kindOf(err error) fault.Kind {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.NotFound
	}
	return kindOfSQLite(err)
}

// rowFault tells whether only this row is at fault: the database is well and
// the transaction can go on without it.
func rowFault(err error) bool { return kindOf(err) != fault.Unavailable }
