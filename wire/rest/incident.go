package rest

// HeaderCloudStatus stands on every answer while an incident is open:
// `degraded; incident=ID`; and while the watchtower is dead: `unwatched;
// since=TIME`. In a window of maintenance there is one, or one more, that says
// `maintenance; window=ID; until=TIME`. Without it nothing is claimed.
const HeaderCloudStatus = "X-Cloud-Status"

// Maintenance is a window in which the cloud is worked on, as the watchtower's
// page announced it.
type Maintenance struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	URL    string `json:"url"`
	Starts Time   `json:"starts"`
	Ends   Time   `json:"ends"`
}

// Incident is an open incident, as the watchtower's page has it.
type Incident struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	URL   string `json:"url"`
	Since Time   `json:"since"`
}

// PathImpact is the path of the question which of one's devices an outage hit.
const PathImpact = "/v1/impact"

// Impact is the answer to it.
type Impact struct {
	Incident *Incident   `json:"incident"` // null: asked by time
	From     Time        `json:"from"`
	Until    Time        `json:"until"` // the time of the answer while it goes on
	Devices  int         `json:"devices"`
	Hit      int         `json:"hit"`
	Back     int         `json:"back"` // of those hit
	Hits     []ImpactHit `json:"hits"`
	// Truncated: there were more attempts than are looked at.
	Truncated bool `json:"truncated,omitempty"`
}

// ImpactHit is a device that was hit.
type ImpactHit struct {
	Device string `json:"device"`
	Name   Text   `json:"name"`
	From   Time   `json:"from"`
	Until  Time   `json:"until"`  // null: not back yet
	Failed int    `json:"failed"` // tries that failed through the cloud
	Reason string `json:"reason"` // of the first of them, or of the end of its session
	Back   string `json:"back"`   // session, handshake, not_yet
	Proof  Time   `json:"proof"`  // when it last answered, after it came back
}

// The ways in which a device comes back.
const (
	BackSession   = "session"   // by itself, within the session that it had
	BackHandshake = "handshake" // with a new handshake
	BackNotYet    = "not_yet"
)
