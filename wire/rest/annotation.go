package rest

// PathAnnotations is the path of what was done to the cloud itself.
const PathAnnotations = "/v1/annotations"

// Annotations is the answer to them, newest first.
type Annotations struct {
	Annotations []Annotation `json:"annotations"`
}

// Annotation is something that was done to the cloud, and what it cost the
// devices. Counts are null where nobody counted.
type Annotation struct {
	ID       string  `json:"id"`
	At       Time    `json:"at"`
	Kind     string  `json:"kind"` // start, stop, crash, upgrade, drain, recovery, drill
	Node     string  `json:"node"`
	Author   Text    `json:"author"`
	From     Text    `json:"from_version"`
	To       Text    `json:"to_version"`
	Sessions *int    `json:"sessions"`    // of devices, that went on
	Ended    *int    `json:"disconnects"` // that did not
	FreezeMS float64 `json:"freeze_ms"`   // in which nobody served
	Detail   Text    `json:"detail"`      // one sentence for people
}
