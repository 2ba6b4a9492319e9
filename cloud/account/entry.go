package account

import (
	"fmt"
	"time"
)

// Entry is a line of the audit log: who did what to what, and whether it
// went well. It holds no secret.
type Entry struct {
	ID      string // sorts by time
	At      time.Time
	User    ID     // empty: nobody knows who it was
	Service string // the service account that acted for the user; empty: the user
	Token   string // the first digits of the token's hash; empty: there was none
	Source  string // address
	Action  string // such as device.claim
	Object  string // what it was done to: a device's id, an account's …
	Outcome string // OutcomeOK, or the code of the error
	Request string // the request's id
}

// EntryID makes the id of an entry of that time.
func EntryID(at time.Time, random [6]byte) string {
	return fmt.Sprintf("%016x%x", at.UnixNano(), random)
}

// OutcomeOK is the outcome of what went well.
const OutcomeOK = "ok"

// AuditQuery says which entries are asked for.
type AuditQuery struct {
	User   ID        // whose; empty: everybody's
	Before string    // only entries older than the one with this id; empty: from the newest on
	Since  time.Time // zero: from the oldest on
	Limit  int       // how many at most
}
