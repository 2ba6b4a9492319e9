package signal

import "time"

// Traffic is what the cloud counted in a stretch of time, as GET /v1/signals
// gives it. It comes from what is watched, so it never acquits: it can only
// add to what the canaries see.
type Traffic struct {
	From, Until time.Time
	Connected   int // devices with a session
	Limbo       int // of these, those that do not answer
	Stored      int // devices that calls find, those that sleep among them: the second source of Connected
	Lost        int // sessions whose keys were lost
	Attempts    []Slice
	Calls       Tally
	API         Tally
	Logins      Tally
	Restarts    int // of the cloud's processes
}

// Tally counts what went well and what did not. Failed counts only failures
// that are the cloud's.
type Tally struct{ OK, Failed int }

// Total is how many there were.
func (t Tally) Total() int { return t.OK + t.Failed }

// Slice is connection attempts of devices that have something in common.
// Devices are counted, not tries: one that tries for ever is one.
type Slice struct {
	Gateway, Transport, Product, Firmware, Network, Account string
	Tally
}
