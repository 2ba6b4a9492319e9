package rest

import (
	"encoding/json"
	"net/url"
)

// Diagnostics is what a device said of its health: battery, memory, signal and
// its connection, as far as it speaks of them.
type Diagnostics struct {
	UpdatedAt Time            `json:"updated_at"`
	DeviceID  string          `json:"deviceID"`
	Payload   json.RawMessage `json:"payload"` // of two parts, device and service
}

// LastDiagnostics is the newest of them.
type LastDiagnostics struct {
	Diagnostics Diagnostics `json:"diagnostics"`
}

// DiagnosticsHistory is all of a time, newest first.
type DiagnosticsHistory struct {
	Diagnostics []Diagnostics `json:"diagnostics"`
}

// PathDiagnostics is the path of a device's diagnostics; below it are last and
// update.
func PathDiagnostics(device string) string { return "/v1/diagnostics/" + url.PathEscape(device) }
