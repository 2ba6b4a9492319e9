package rest

// Attempts is the answer to a device's attempts, newest first.
type Attempts struct {
	Device   string    `json:"device"`
	Attempts []Attempt `json:"attempts"`
}

// Attempt is one try of a device to reach the cloud.
type Attempt struct {
	ID        string  `json:"id"`
	Device    Text    `json:"device"`
	Claimed   bool    `json:"claimed"` // the device id is only what the peer said; no key proved it
	Transport string  `json:"transport"`
	Source    string  `json:"source"`  // address and port
	Gateway   string  `json:"gateway"` // the node that took it
	Started   Time    `json:"started"`
	Ended     Time    `json:"ended"` // null: still going
	Stages    []Stage `json:"stages"`
	Outcome   string  `json:"outcome"` // pending, succeeded, failed
	Reason    Text    `json:"reason"`  // a code: unknown_device, key_mismatch …
	Fault     Text    `json:"fault"`   // cloud, device, network; null: nobody's, or not known
	Detail    Text    `json:"detail"`  // one sentence for people
}

// Stage is a point that an attempt reached.
type Stage struct {
	Stage string `json:"stage"`
	At    Time   `json:"at"`
}
