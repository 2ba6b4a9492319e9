package roster

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// believed is how long after a planned stop what was stored then is taken for
// exact. What is older may be a backup that somebody has put back.
const believed = 15 * time.Minute

// RowOf gives a session's record as it is stored.
func RowOf(r *session.Record, now time.Time) store.SessionRow {
	return store.SessionRow{
		Device: r.Device, Origin: r.Origin, CID: r.CID, Transport: "udp", Generation: r.Generation, Blob: r.Blob, Updated: now.UTC(),
	}
}

// TakeUp gives the lane that takes a stored session up, and what that is told:
// the session is believed in every bit if a planned stop has stored it and
// nothing can have happened since.
func TakeUp(row *store.SessionRow, lanes int, seed uint64, now time.Time) (at int, in lane.In) {
	record := session.Record{Device: row.Device, Origin: row.Origin, CID: row.CID, Generation: row.Generation, Blob: row.Blob}
	return LaneOf(row.Device, row.CID, lanes), lane.In{Kind: lane.Restore, Row: &lane.Restored{
		Record: record, Owner: row.Owner, How: session.Restoration{
			Generation: row.Generation, Exact: record.IsLast(row.Stored) && now.Sub(row.Updated) < believed, Seed: seed, Now: now,
		},
	}}
}
