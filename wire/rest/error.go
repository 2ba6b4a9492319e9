package rest

// Error is the body of every answer that is not 2xx.
//
// Stock clients print only parts of it: `particle get` prints error and
// nothing else, `particle call` prints error_description and nothing else. So
// each of the two tells the whole truth by itself, and error begins with the
// words that scripts look for ("Timed out."). The words "access token" stand
// only in errors about one, because clients take any text with them for that.
type Error struct {
	OK          bool   `json:"ok"`    // always false
	Message     string `json:"error"` // known words first, then the truth; for OAuth failures one of OAuth's words
	Description string `json:"error_description"`
	Code        string `json:"code"`           // one of the Code constants, or the kind of failure
	Info        string `json:"info,omitempty"` // words that stock clients compare
	RequestID   string `json:"request_id"`

	// Device and Stage are there when a device was to answer; Cloud tells
	// whether the cloud believes itself to be well.
	Device *DeviceState `json:"device,omitempty"`
	Stage  string       `json:"stage,omitempty"` // how far the call came: not_connected, sent_no_ack …
	Cloud  *CloudState  `json:"cloud,omitempty"`
	// Incident is the open incident that this failure is likely to be of.
	Incident *Incident `json:"incident,omitempty"`

	// Candidates are the devices that an ambiguous name could mean.
	Candidates []Candidate `json:"candidates,omitempty"`

	// MFAToken is what a login goes on with that wants a second factor.
	MFAToken string `json:"mfa_token,omitempty"`
}

// DeviceState is what the cloud knows of a device when it gives an error.
type DeviceState struct {
	ID         string `json:"id"`
	Name       Text   `json:"name"`
	Connected  bool   `json:"connected"`
	State      string `json:"state"`       // online, offline, limbo, asleep …
	StateSince Time   `json:"state_since"` // null: not known
	Reason     Text   `json:"reason"`      // why it is in the state: peer_closed, keepalive_missed …
	ProvenAt   Time   `json:"proven_at"`   // when it last showed that it hears us
	LastHeard  Time   `json:"last_heard"`
}

// CloudState is what the cloud thinks of itself.
type CloudState struct {
	Status string `json:"status"` // ok or degraded
	// Unwatched is since when the watchtower is dead, so that nobody but the cloud
	// itself knows how it is.
	Unwatched Time `json:"unwatched_since,omitzero"`
	// Maintenance is the window in which this failure was announced as possible.
	Maintenance *Maintenance `json:"maintenance,omitempty"`
}

// The values of CloudState.Status.
const (
	CloudOK       = "ok"
	CloudDegraded = "degraded"
	// CloudUnwatched and CloudMaintenance stand in HeaderCloudStatus only.
	CloudUnwatched   = "unwatched"
	CloudMaintenance = "maintenance"
)

// Candidate is a device that an ambiguous name could mean.
type Candidate struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// The words that stock clients and scripts compare.
const (
	WordsTimedOut         = "Timed out."
	WordsPermissionDenied = "Permission Denied"
	WordsDeviceNotFound   = "Device not found"
	WordsVariableNotFound = "Variable not found"
	WordsNotRecognized    = "I didn't recognize that device name or ID"
	WordsSomeoneElse      = "belongs to someone else" // after a claim: "That belongs to someone else." with nothing between
)

// The words that OAuth 2 (RFC 6749 §5.2, RFC 6750 §3.1) prescribes for error.
const (
	OAuthInvalidToken   = "invalid_token"
	OAuthExpiredToken   = "expired_token"
	OAuthInvalidRequest = "invalid_request"
	OAuthInvalidGrant   = "invalid_grant"
	OAuthUnsupported    = "unsupported_grant_type"
	OAuthScope          = "insufficient_scope"
	OAuthMFARequired    = "mfa_required" // not of a standard: what stock clients know
)
