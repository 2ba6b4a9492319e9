package store

import (
	"context"
	"math/bits"
	"strconv"
	"strings"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
)

// Holder is the device that holds a key, and whose it is.
type Holder struct {
	Device device.ID  // zero: no device holds the key
	Owner  account.ID // empty: nobody's
}

// holdersAtOnce is how many keys one query asks for. Most of what a look-up
// costs is the query around it.
const holdersAtOnce = 64

// selectHolders are the queries for 1, 2, 4 … holdersAtOnce keys: each is
// prepared once a connection.
var selectHolders = holderQueries()

func holderQueries() (queries []string) {
	for n := 1; n <= holdersAtOnce; n *= 2 {
		places := make([]string, n)
		for i := range places {
			places[i] = "$" + strconv.Itoa(i+1)
		}
		queries = append(queries, `SELECT k.fingerprint, k.device, COALESCE(d.owner, '')
			FROM device_keys k JOIN devices d ON d.id = k.device
			WHERE k.retired = 0 AND k.fingerprint IN (`+strings.Join(places, ", ")+`)`)
	}
	return queries
}

// Holders tells of each of the keys, which are given by their fingerprints,
// which device holds it now. Every handshake asks: many at once cost little
// more than one.
func (s *Store) Holders(ctx context.Context, keys []device.Fingerprint) ([]Holder, error) {
	all := make([]Holder, len(keys))
	for at := 0; at < len(keys); at += holdersAtOnce {
		end := min(at+holdersAtOnce, len(keys))
		if err := s.holders(ctx, keys[at:end], all[at:end]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// holders fills into with the holders of at most holdersAtOnce keys.
func (s *Store) holders(ctx context.Context, keys []device.Fingerprint, into []Holder) error {
	size := bits.Len(uint(len(keys) - 1))
	args := make([]any, 1<<size)
	for i := range args {
		args[i] = keys[min(i, len(keys)-1)][:] // the last as often as it takes
	}
	rows, err := s.rows(ctx, selectHolders[size], args...)
	if err != nil {
		return fail("find the devices of the keys", err)
	}
	defer rows.Close()
	for rows.Next() {
		var f device.Fingerprint
		var h Holder
		if err := rows.Scan(bytesInto(f[:]), bytesInto(h.Device[:]), &h.Owner); err != nil {
			return fail("find the devices of the keys", err)
		}
		for i := range keys { // few, and mostly in the order of the question
			if keys[i] == f {
				into[i] = h
			}
		}
	}
	return fail("find the devices of the keys", rows.Err())
}
