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

// The paths of how many of one's devices are connected: now and at three times
// before, over time, and as a stream of events.
const (
	PathHeadcount        = "/v1/headcount"
	PathHeadcountHistory = "/v1/headcount/history"
	PathHeadcountLive    = "/v1/headcount/live"
)

// EventHeadcount is the name of the events of PathHeadcountLive; their data is a
// Headcount.
const EventHeadcount = "headcount"

// Headcounts is the answer of PathHeadcount. What was not counted is null.
type Headcounts struct {
	Now     Headcount  `json:"now"`
	HourAgo *Headcount `json:"hour_ago"`
	DayAgo  *Headcount `json:"day_ago"`
	WeekAgo *Headcount `json:"week_ago"`
}

// Headcount counts devices that have a session. The maps count those that are
// connected, and have at most a hundred words each; the rest is "other".
type Headcount struct {
	At        Time `json:"at"`
	Connected int  `json:"connected"`
	Limbo     int  `json:"limbo"`   // of these, those that do not answer
	Unheard   int  `json:"unheard"` // beside these: taken up behind a crash, and not heard since

	Products   map[string]int `json:"products"` // by number
	Transports map[string]int `json:"transports"`
	Firmwares  map[string]int `json:"firmwares"` // product/version
	DeviceOS   map[string]int `json:"device_os"`
}

// HeadcountHistory is the answer of PathHeadcountHistory, the oldest point first.
type HeadcountHistory struct {
	Since  Time             `json:"since"`
	Until  Time             `json:"until"`
	StepS  int              `json:"step_s"`
	Points []HeadcountPoint `json:"points"`
}

// HeadcountPoint is how many were connected in the time from At to the next
// point: the last count, the least and the most. Null: nobody counted, because
// the cloud was down, or the time is yet to come.
type HeadcountPoint struct {
	At        Time `json:"at"`
	Connected *int `json:"connected"`
	Min       *int `json:"min"`
	Max       *int `json:"max"`
}
