package rest

// Device is a device in a list or alone.
type Device struct {
	ID              string            `json:"id"`
	Name            Text              `json:"name"`
	Owner           Text              `json:"owner"`
	LastIPAddress   Text              `json:"last_ip_address"`
	LastHeard       Time              `json:"last_heard"`
	LastHandshakeAt Time              `json:"last_handshake_at"`
	ProductID       int               `json:"product_id"`
	PlatformID      int               `json:"platform_id"`
	Connected       bool              `json:"connected"` // calls can be sent to it; always equal to online
	Online          bool              `json:"online"`
	Functions       []string          `json:"functions"` // null: it never said
	Variables       map[string]string `json:"variables"` // name to type: bool, int32, double, string; null: it never said

	// DescribedAt is when the device said what it can do; Stale is true while
	// it is not connected and so may no longer be able to.
	DescribedAt Time `json:"described_at"`
	Stale       bool `json:"stale"`

	// State is one word for what the device is in: never seen, offline,
	// connecting, online, limbo (a session that does not answer), asleep,
	// refused, unknown (the cloud is blind).
	State      string `json:"state"`
	StateSince Time   `json:"state_since"`
	Reason     Text   `json:"reason"`    // why, as a code: peer_closed, keepalive_missed …
	ProvenAt   Time   `json:"proven_at"` // when it last showed that it hears us; null: not in this session
	Proven     bool   `json:"proven"`    // that was within two keep-alives
	Transport  Text   `json:"transport"` // tcp or udp, while connected

	Status   string `json:"status"` // normal or safe_mode
	Cellular bool   `json:"cellular"`
	Notes    Text   `json:"notes"`
	// Restart is how far the cloud may go when the device's application does not
	// answer: off, network (reset its network), reboot.
	Restart               string           `json:"restart_when_silent"`
	SerialNumber          Text             `json:"serial_number"`
	MobileSecret          Text             `json:"mobile_secret"`
	SystemFirmwareVersion Text             `json:"system_firmware_version"`
	CurrentBuildTarget    Text             `json:"current_build_target"`
	DefaultBuildTarget    Text             `json:"default_build_target"`
	PinnedBuildTarget     Text             `json:"pinned_build_target"`
	UpdatesEnabled        bool             `json:"firmware_updates_enabled"`
	UpdatesForced         bool             `json:"firmware_updates_forced"`
	LastApp               string           `json:"last_app"`
	Protection            DeviceProtection `json:"device_protection"`

	// What belongs to products.
	FirmwareVersion   *int     `json:"firmware_version"`
	FirmwareProductID *int     `json:"firmware_product_id"`
	DesiredVersion    *int     `json:"desired_firmware_version"`
	TargetedVersion   *int     `json:"targeted_firmware_release_version"`
	Groups            []string `json:"groups"`
	Development       bool     `json:"development"`
	Quarantined       bool     `json:"quarantined"`
	Denied            bool     `json:"denied"`
}

// DeviceProtection tells whether a device accepts only signed firmware.
type DeviceProtection struct {
	Status string `json:"status"` // disabled
}

// UpdateDevice is the body that changes a device: what is nil stays.
type UpdateDevice struct {
	Name  *string `json:"name,omitempty"`
	Notes *string `json:"notes,omitempty"`
	// Restart is off, network or reboot.
	Restart *string `json:"restart_when_silent,omitempty"`
	// Signal makes the device show itself by its light ("1") or stop ("0").
	Signal *string `json:"signal,omitempty"`
}

// DeviceUpdated is the answer to UpdateDevice: what has changed.
type DeviceUpdated struct {
	ID        string  `json:"id"`
	Name      *string `json:"name,omitempty"`
	Notes     *string `json:"notes,omitempty"`
	Restart   *string `json:"restart_when_silent,omitempty"`
	Connected *bool   `json:"connected,omitempty"` // the device took the signal
	Signaling *bool   `json:"signaling,omitempty"`
	UpdatedAt Time    `json:"updated_at,omitzero"` // not where only the signal was sent
}

// Renamed is the answer to an UpdateDevice that has a name and nothing else.
type Renamed struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	UpdatedAt Time   `json:"updated_at"`
}

// Variable is the answer to reading a variable.
type Variable struct {
	Command  string   `json:"cmd"` // VarReturn
	Name     string   `json:"name"`
	Result   any      `json:"result"` // a number, string or boolean, after the variable's type
	CoreInfo CoreInfo `json:"coreInfo"`
}

// CommandVarReturn is the value of Variable.Command.
const CommandVarReturn = "VarReturn"

// CoreInfo is what stands beside a variable's value about its device.
type CoreInfo struct {
	Name            Text   `json:"name"`
	DeviceID        string `json:"deviceID"`
	Connected       bool   `json:"connected"`
	LastHeard       Time   `json:"last_heard"`
	LastHandshakeAt Time   `json:"last_handshake_at"`
	LastApp         string `json:"last_app"`
	ProductID       int    `json:"product_id"`
}

// FunctionCall is the body of a function call; clients send args, people arg.
type FunctionCall struct {
	Argument  *string `json:"arg,omitempty"`
	Arguments *string `json:"args,omitempty"`
	Format    string  `json:"format,omitempty"` // raw: the answer is the bare number
}

// FunctionResult is the answer to a function call.
type FunctionResult struct {
	ID          string `json:"id"`
	Name        Text   `json:"name"`
	LastApp     string `json:"last_app"`
	Connected   bool   `json:"connected"`
	ReturnValue int32  `json:"return_value"`
}

// Ping is the answer to a ping.
type Ping struct {
	OK     bool `json:"ok"`
	Online bool `json:"online"` // the device answered
	// Connected is what lists and calls say, too: there is a session.
	Connected bool `json:"connected"`
	// RoundTripMS is how long its answer took, in milliseconds.
	RoundTripMS float64 `json:"round_trip_ms,omitempty"`
	State       string  `json:"state"`
	StateSince  Time    `json:"state_since"`
	Reason      Text    `json:"reason"`
}

// FormatRaw asks for a bare value instead of JSON around it.
const FormatRaw = "raw"

// Restarted is the answer to PUT /v1/devices/{device}/restart: the device was
// told.
type Restarted struct {
	OK      bool   `json:"ok"`
	ID      string `json:"id"`
	Restart string `json:"restart"` // network or reboot
}
