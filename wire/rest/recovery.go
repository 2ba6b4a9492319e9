package rest

// PathRecoveries is the path of how devices come back after a disconnect that
// hit many.
const PathRecoveries = "/v1/recoveries"

// Recoveries is the answer to it: the newest disconnect first, and the caller's
// own devices that are missing since one of them.
type Recoveries struct {
	Recoveries []Recovery  `json:"recoveries"`
	Stragglers []Straggler `json:"stragglers"` // missing for the longest first
	Unlisted   int         `json:"unlisted"`   // stragglers beyond what is listed at once
}

// The kinds of disconnect.
const (
	DisconnectStart    = "start"      // the cloud was stopped, and started again
	DisconnectCrash    = "crash"      // it did not stop by itself
	DisconnectDrain    = "drain"      // devices were sent away because a node is to stop
	DisconnectTogether = "disconnect" // many lost their connection at once, and the cloud went on
)

// Recovery is how devices come back, everybody's. Connected is not callable: a
// device is back when it has answered since.
type Recovery struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	At   Time   `json:"at"`   // when the connections ended
	Up   Time   `json:"up"`   // when the cloud served again; the same as at, if it did all the while
	Over Time   `json:"over"` // null: it goes on

	Affected  int  `json:"affected"`
	Owners    int  `json:"owners"`
	Connected int  `json:"connected"` // of affected: they have a session
	Answering int  `json:"answering"` // of connected: they have answered since
	Missing   int  `json:"missing"`   // of affected: they have no session
	Listed    int  `json:"listed"`    // of those that do not answer: their own clock should have brought them back, so that something else keeps them away
	GivenUp   int  `json:"given_up"`  // were not back within a day
	Until     Time `json:"until"`     // by when the others should be back; null: there are none

	// Seconds from up until so many of affected were back; null: they are not.
	P50S *float64 `json:"p50_s"`
	P95S *float64 `json:"p95_s"`
	P99S *float64 `json:"p99_s"`

	Curve []RecoveryPoint `json:"curve"`
}

// RecoveryPoint is a point of the curve of those that are back.
type RecoveryPoint struct {
	AfterS   float64 `json:"after_s"` // since up
	Back     int     `json:"back"`
	Expected int     `json:"expected"` // by the back-off of Device OS
}

// Straggler is a device that is not back.
type Straggler struct {
	Device    string `json:"device"`
	Name      Text   `json:"name"`
	Recovery  string `json:"recovery"` // the id of the disconnect
	Since     Time   `json:"since"`
	State     string `json:"state"` // one of the words of a device's state
	Reason    Text   `json:"reason"`
	Transport string `json:"transport"`
	Expected  Time   `json:"expected"` // by when its own clock should bring it back
	Late      bool   `json:"late"`     // that has passed
	// LastTry is the latest connection attempt since the disconnect; null: none
	// has reached the cloud.
	LastTry Time `json:"last_try"`
}
