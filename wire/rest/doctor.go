package rest

// WordDoctor stands below a device in a path.
const WordDoctor = "doctor"

// PathDoctor is the path of the verdict on a device.
func PathDoctor(device string) string { return PathDevice(device) + "/" + WordDoctor }

// Verdict is why a device can, or cannot, be reached.
type Verdict struct {
	Device     string   `json:"device"` // id, or what was asked for
	Name       Text     `json:"name"`
	Verdict    string   `json:"verdict"`    // ok, cloud, network, keys, firmware, asleep, not_provisioned, unknown
	ExitCode   int      `json:"exit_code"`  // of a command that prints this: 0, 10 to 15, 20
	Reason     Text     `json:"reason"`     // the reason code that decided; null: none did
	Confidence string   `json:"confidence"` // certain, likely, guess
	Says       string   `json:"says"`       // one sentence
	Next       string   `json:"next"`       // what to do
	Evidence   []string `json:"evidence"`   // what was seen
	At         Time     `json:"at"`
}
