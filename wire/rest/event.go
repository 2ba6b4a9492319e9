package rest

// Event is the data of a frame in an event stream; the event's name stands
// in the frame itself.
type Event struct {
	Data        *string `json:"data"` // null: the event has none
	TTL         int     `json:"ttl"`  // seconds
	PublishedAt Time    `json:"published_at"`
	CoreID      string  `json:"coreid"` // the device's id, api, or particle-internal
	Public      bool    `json:"public,omitempty"`
}

// Publish is the body that publishes an event.
type Publish struct {
	Name string  `json:"name"`
	Data *string `json:"data"`
	// Private is true unless the publisher says otherwise.
	Private *bool `json:"private,omitempty"`
	TTL     int   `json:"ttl,omitempty"` // seconds; 0: 60
}

// Header stands in the first comment of a stream: what it is subscribed to.
type Header struct {
	Scope  string `json:"scope"` // one of the Scope constants
	Device string `json:"device,omitempty"`
	Prefix string `json:"prefix,omitempty"`
}

// The scopes of event streams.
const (
	ScopeMine   = "mine"   // all devices of the caller, and what the caller publishes
	ScopeDevice = "device" // one device
	ScopeAll    = "all"    // the caller's events, and everybody's public ones
)

// StreamEnd says why a stream ends that the server itself ends: the last thing
// in it. It stands in a comment, which stock clients pass over, or, in a
// stream that can be resumed, in an event named EventStreamEnd.
type StreamEnd struct {
	End     string `json:"end"`     // one of the End constants
	Message string `json:"message"` // for people
	// Missed is how many events the reader did not get by then.
	Missed int `json:"missed,omitempty"`
}

// Why a stream ends.
const (
	EndSlow         = "slow_reader"       // its reader did not read
	EndShutdown     = "shutdown"          // the server stops
	EndTokenRevoked = "token_revoked"     // the token that it was opened with
	EndTokenExpired = "token_expired"     // likewise
	EndUserDeleted  = "user_deleted"      // the account is no more
	EndDeviceGone   = "device_gone"       // the device is not the reader's any more
	EndBus          = "bus_unavailable"   // nothing can be heard from the other parts of the cloud
	EndLost         = "events_lost"       // on their way to the server; connect again
	EndStore        = "store_unavailable" // the history cannot be read
)

// StreamGap says that a resumed stream does not go on where the reader left
// it. It is the data of an event named EventStreamGap, ahead of those that
// there are.
type StreamGap struct {
	After   string `json:"after"` // the id that the reader named
	Gap     string `json:"gap"`   // one of the Gap constants
	Message string `json:"message"`
}

// Why there is a gap.
const (
	GapTooOld  = "too_old" // the history has dropped events of the reader since then
	GapUnknown = "unknown" // the history has no such event: it is another server's, or an older backup is in use
)

// What the server says in a stream that can be resumed. Nobody else can
// publish such names.
const (
	EventStreamEnd = "spark/stream/end"
	EventStreamGap = "spark/stream/gap"
)

// ResumeNow is the value of the parameter `resume` that asks for a stream
// with ids, from now on; any other value is the id to go on after.
const ResumeNow = "1"
