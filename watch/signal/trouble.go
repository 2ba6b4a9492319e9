package signal

import "time"

// Trouble is something that is wrong with the watchtower's own canaries, and
// not with the cloud: a ticket for those who run it, and no outage.
type Trouble struct {
	Key      string    // the same from its begin to its end
	At       time.Time // it was found, or found to be over
	Since    time.Time // of the first failure
	Over     bool
	What     string // one sentence: what is wrong
	Remedy   string // another: what helps
	Evidence string // what was seen
}
