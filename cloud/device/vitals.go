package device

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Vitals are what a device said of its health.
type Vitals struct {
	At      time.Time
	Payload []byte // JSON, as VitalsPayload writes it
}

// Metric is a number that a device tells about itself.
type Metric struct {
	ID     uint16
	Failed bool // Value is the error code with which the device failed to read it
	Value  int32
}

// vitalsPaths says where in the payload a metric stands. What is not here is
// shown by its number, under raw.
var vitalsPaths = map[uint16]string{
	6:  "system.uptime", // seconds
	25: "system.memory.total",
	26: "system.memory.used",
	10: "cloud.connection.status",
	13: "cloud.connection.error",
	14: "cloud.connection.disconnects",
	29: "cloud.connection.attempts",
	30: "cloud.connection.disconnect_reason",
	20: "cloud.publish.rate_limited",
	21: "cloud.coap.retransmit",
	22: "cloud.coap.unack",
	23: "cloud.coap.transmit",
	31: "cloud.coap.round_trip", // milliseconds
	24: "power.source",
}

// VitalsPayload is the metrics as Particle's clients read them: a tree of
// names, in which a number that the device could not read is {"err": code}.
func VitalsPayload(metrics []Metric) []byte {
	tree := map[string]any{}
	for _, m := range metrics {
		path, ok := vitalsPaths[m.ID]
		if !ok {
			path = "raw." + strconv.Itoa(int(m.ID))
		}
		at := tree
		parts := strings.Split(path, ".")
		for _, part := range parts[:len(parts)-1] {
			next, ok := at[part].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[part] = next
			}
			at = next
		}
		var value any = m.Value
		if m.Failed {
			value = map[string]any{"err": m.Value}
		}
		at[parts[len(parts)-1]] = value
	}
	text, _ := json.Marshal(map[string]any{ // numbers and names can always be written
		"device":  tree,
		"service": map[string]any{"device": map[string]any{"status": "ok"}},
	})
	return text
}
