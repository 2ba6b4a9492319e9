package notify

import "time"

// Journal is where a pipeline writes what it is about to do. An implementation
// gives back on Replay, in order, what was appended and synced before; a
// watch/journal of Records is one.
type Journal interface {
	Append(Record) error
	Sync() error
	Replay(func(Record) error) error
}

// Record is an entry of the journal: the ledger is the sum of its records.
type Record struct {
	At     time.Time `json:"at"`
	Did    Deed      `json:"did"`
	Notice *Notice   `json:"notice,omitempty"` // of Noted
	ID     string    `json:"id,omitempty"`     // of the notice, in what follows
	Key    string    `json:"key,omitempty"`
	Outlet string    `json:"outlet,omitempty"`
	Stage  int       `json:"stage,omitempty"` // of Escalated: that is called, from 1

	Receipt *Receipt      `json:"receipt,omitempty"` // of Accepted
	Words   string        `json:"words,omitempty"`   // of Refused
	Final   bool          `json:"final,omitempty"`   // of Refused: never again with this notice
	Gone    bool          `json:"gone,omitempty"`    // of Refused: never again with this outlet
	Wait    time.Duration `json:"wait_ns,omitempty"` // of Refused: at least
}

// Deed is what a record tells.
type Deed string

// The deeds.
const (
	Noted    Deed = "noted"    // a notice is to be delivered
	Tried    Deed = "tried"    // an outlet is about to be asked
	Accepted Deed = "accepted" // it took the notice
	Refused  Deed = "refused"  // it did not
	// Escalated is that nobody has said in time that they have an alert.
	Escalated Deed = "escalated"
)
