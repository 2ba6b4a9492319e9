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
