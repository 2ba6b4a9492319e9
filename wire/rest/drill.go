package rest

import "net/url"

// PathDrills is the path of drills: faults on purpose, of an ingress that only
// canaries use.
const PathDrills = "/v1/drills"

// PathDrill is the path of one.
func PathDrill(id string) string { return PathDrills + "/" + url.PathEscape(id) }

// BeginDrill is the body of POST /v1/drills.
type BeginDrill struct {
	Kind    string `json:"kind"`              // new-connections
	Seconds int    `json:"seconds,omitempty"` // after which it ends by itself; zero: 180
}

// Drills is the answer to GET /v1/drills, newest first.
type Drills struct {
	Drills []Drill `json:"drills"`
}

// Drill is a fault on purpose.
type Drill struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Author Text   `json:"author"`
	Began  Time   `json:"began"`
	Until  Time   `json:"until"` // when it ends by itself
	Ended  Time   `json:"ended"` // null: it goes on
	// Ago is for how many seconds it has been, by this server's clock.
	Ago float64 `json:"began_s_ago"`
}
