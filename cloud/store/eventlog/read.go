package eventlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/cyan-cloud/cyan/cloud/event"
)

// End gives where the log ends now.
func (l *Log) End(context.Context) (event.Position, error) { return *l.head.Load(), nil }

// Has tells whether the event with that id is at the position, or was, as far
// as the numbers tell.
func (l *Log) Has(ctx context.Context, p event.Position) (bool, error) {
	if p.Seq == 0 {
		return p.ID == "", nil
	}
	var body []byte
	err := l.read.QueryRowContext(ctx, `SELECT body FROM events WHERE seq = $1`, p.Seq).Scan(&body)
	if err == nil {
		e, err := event.Parse(body)
		return err == nil && e.ID == p.ID, nil
	}
	var dropped uint64
	if errors.Is(err, sql.ErrNoRows) {
		err = l.read.QueryRowContext(ctx, `SELECT COALESCE(MIN(seq) - 1, $1) FROM events`, l.head.Load().Seq).Scan(&dropped)
	}
	if err != nil {
		return false, unavailable("look for an event in the history", err)
	}
	return p.Seq <= dropped, nil
}

// After reads on from a position: what the filter lets through of the owner's
// next events, and of all public ones if it wants those. It looks at limit of
// them at most.
func (l *Log) After(ctx context.Context, f *event.Filter, seq uint64, limit int) (event.Page, error) {
	if l.head.Load().Seq <= seq {
		return event.Page{}, nil
	}
	tx, err := l.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // one view of events and marks
	if err != nil {
		return event.Page{}, unavailable("read the history of events", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	page, err := readPage(ctx, tx, f, seq, limit)
	if err != nil {
		return event.Page{}, unavailable("read the history of events", err)
	}
	return page, nil
}

func readPage(ctx context.Context, tx *sql.Tx, f *event.Filter, seq uint64, limit int) (event.Page, error) {
	query, mark := `SELECT seq, body FROM events WHERE owner = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
		`SELECT COALESCE(MAX(seq), 0) FROM dropped WHERE owner = $1`
	if f.Public {
		query = `SELECT seq, body FROM events WHERE seq > $2 AND (owner = $1 OR public) ORDER BY seq LIMIT $3`
		mark = `SELECT COALESCE(MAX(seq), 0) FROM dropped WHERE owner IN ($1, '` + anybody + `')`
	}
	var dropped uint64
	if err := tx.QueryRowContext(ctx, mark, string(f.Owner)).Scan(&dropped); err != nil {
		return event.Page{}, err
	}
	page := event.Page{Gap: dropped > seq}
	rows, err := tx.QueryContext(ctx, query, string(f.Owner), seq, limit)
	if err != nil {
		return event.Page{}, err
	}
	defer rows.Close()
	seen := 0
	for ; rows.Next(); seen++ {
		var body []byte
		if err := rows.Scan(&page.To.Seq, &body); err != nil {
			return event.Page{}, err
		}
		e, err := event.Parse(body)
		if err != nil {
			return event.Page{}, fmt.Errorf("event %d: %w", page.To.Seq, err)
		}
		page.To.ID = e.ID
		if f.Match(&e) {
			page.Events = append(page.Events, event.Kept{At: page.To, Event: e})
		}
	}
	page.More = seen == limit
	return page, rows.Err()
}
