package rest

import "net/url"

// PathSignals is the path of what the cloud counted, for the watchtower.
const PathSignals = "/v1/signals"

// Signals is what this process of the cloud counted in the last full minute.
// From and Until are null in a process's first minute: nothing is counted yet.
type Signals struct {
	From  Time   `json:"from"`
	Until Time   `json:"until"`
	Node  string `json:"node"`

	Sessions SessionCount `json:"sessions"` // now
	Lost     int          `json:"sessions_lost"`
	Restarts int          `json:"restarts"` // of this process, within the minute

	Attempts []AttemptSlice `json:"attempts"`
	// Coarse names what is left out of the slices because there would be too
	// many: account, network, firmware.
	Coarse []string `json:"coarse,omitempty"`
	// Uncounted are attempts of devices beyond what is counted in a minute.
	Uncounted int `json:"uncounted,omitempty"`

	// Recoveries are the disconnects from which devices come back now, and those
	// that ended within the hour.
	Recoveries []Recovery `json:"recoveries,omitempty"`

	Calls  SignalTally `json:"calls"`
	API    SignalTally `json:"api"`
	Logins SignalTally `json:"logins"`
}

// SessionCount counts devices with a session.
type SessionCount struct {
	Connected int `json:"connected"`
	Limbo     int `json:"limbo"`  // of these, those that do not answer
	Routed    int `json:"routed"` // devices that a call finds: another count of Connected
	// Stored are the sessions in the database, those of absent devices among
	// them; null: it does not answer.
	Stored *int `json:"stored"`
	// Missing are the devices that this process lost since the time that was
	// asked about and that are not back: they fell silent, or are taken up and
	// have not answered yet; those that said goodbye are not among them. Listed
	// are those in limbo for which nothing more can be done from here: their
	// owners see each by name, with the reason. Null: nobody asked since when.
	Missing *int `json:"missing,omitempty"`
	Listed  *int `json:"listed,omitempty"`
}

// PathSignalsSince is the path of what was counted, with the devices that are
// missing since a time of the form 2026-01-31T12:00:00Z.
func PathSignalsSince(since string) string { return PathSignals + "?since=" + url.QueryEscape(since) }

// SignalTally counts what went well, and what failed through the cloud. What
// failed through the other side is neither.
type SignalTally struct {
	OK     int `json:"ok"`
	Failed int `json:"failed"`
}

// AttemptSlice counts devices, not tries, that have all of this in common. An
// empty word is not known.
type AttemptSlice struct {
	Gateway   string `json:"gateway"`
	Transport string `json:"transport"`
	Product   string `json:"product,omitempty"`
	Firmware  string `json:"firmware,omitempty"`
	Network   string `json:"network,omitempty"` // a /16 of IPv4, a /32 of IPv6
	Account   string `json:"account,omitempty"`
	SignalTally
}
