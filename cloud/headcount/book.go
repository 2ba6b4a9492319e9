package headcount

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// book keeps blocks. It is a file of its own: what is in it is dispensable, and
// what stands in the store is not.
type book struct{ write, read *sql.DB }

func openBook(ctx context.Context, path string) (b book, err error) {
	b.write, b.read, err = sqlite.Open(ctx, sqlite.Config{Path: path, Migrations: migrations})
	if err != nil {
		return book{}, fault.E(fault.KindOf(err), "open the history of how many devices are connected", err)
	}
	return b, nil
}

// close closes the writer last: the last connection folds the write-ahead log
// into the file.
func (b book) close() error {
	if b.read == b.write {
		return b.write.Close()
	}
	return errors.Join(b.read.Close(), b.write.Close())
}

// save writes a node's blocks of an hour.
func (b book) save(ctx context.Context, node string, hour int64, blocks map[account.ID]*block) (err error) {
	tx, err := b.write.BeginTx(ctx, nil)
	if err != nil {
		return unavailable("write", err)
	}
	defer func() {
		if err != nil {
			err = unavailable("write", errors.Join(err, tx.Rollback()))
		}
	}()
	stmt, err := tx.PrepareContext(ctx, `INSERT INTO hours (owner, hour, node, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (owner, hour, node) DO UPDATE SET body = excluded.body`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for owner, block := range blocks {
		if _, err := stmt.ExecContext(ctx, string(owner), hour, node, block.encode()); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// saved gives what a node has written of an hour.
func (b book) saved(ctx context.Context, node string, hour int64) (map[account.ID]*block, error) {
	blocks := map[account.ID]*block{}
	err := b.each(ctx, func(e entry) { blocks[e.owner] = e.block },
		`SELECT owner, hour, node, body FROM hours WHERE hour = $1 AND node = $2`, hour, node)
	return blocks, err
}

// entry is a block with whose it is.
type entry struct {
	owner account.ID
	hour  int64
	node  string
	block *block
}

// between gives an owner's blocks and everybody's from one hour to another, of
// all nodes.
func (b book) between(ctx context.Context, owner account.ID, from, to int64) (list []entry, err error) {
	err = b.each(ctx, func(e entry) { list = append(list, e) }, `SELECT owner, hour, node, body FROM hours
		WHERE owner IN ($1, $2) AND hour BETWEEN $3 AND $4 ORDER BY hour, node`, string(owner), string(Everybody), from, to)
	return list, err
}

func (b book) each(ctx context.Context, yield func(entry), query string, args ...any) error {
	rows, err := b.read.QueryContext(ctx, query, args...)
	if err != nil {
		return unavailable("read", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		var body []byte
		if err := rows.Scan(&e.owner, &e.hour, &e.node, &body); err != nil {
			return unavailable("read", err)
		}
		if e.block, err = decodeBlock(body); err != nil {
			return unavailable("read", fmt.Errorf("hour %d of node %q: %w", e.hour, e.node, err))
		}
		yield(e)
	}
	if err := rows.Err(); err != nil {
		return unavailable("read", err)
	}
	return nil
}

// prune drops what is from before the hour.
func (b book) prune(ctx context.Context, before int64) error {
	if _, err := b.write.ExecContext(ctx, `DELETE FROM hours WHERE hour < $1`, before); err != nil {
		return unavailable("prune", err)
	}
	return nil
}

// unavailable is the failure of the book to do what.
func unavailable(what string, err error) error {
	return fault.E(fault.Unavailable, "the history of how many devices are connected does not answer", fmt.Errorf("%s: %w", what, err))
}
