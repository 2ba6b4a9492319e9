package spark

import "strings"

// Names of events that Device OS publishes or reacts to by itself.
const (
	EventMaxBinary      = "spark/hardware/max_binary"       // device: largest image, decimal (≤ 2.x)
	EventChunkSize      = "spark/hardware/ota_chunk_size"   // device: update chunk, decimal (≤ 2.x)
	EventClaimCode      = "spark/device/claim/code"         // device: the 64 characters of a claim code
	EventIdent          = "spark/device/ident/0"            // device (≤ 1.x)
	EventLastReset      = "spark/device/last_reset"         // device: "panic, hard_fault"
	EventSafeMode       = "spark/device/safemode"           // device: runs without its application
	EventKeyError       = "spark/device/key/error"          // device: its keys were damaged
	EventUpdatesEnabled = "particle/device/updates/enabled" // device, at each connect: "true" or "false"
	EventUpdatesForced  = "particle/device/updates/forced"  // both: "true" or "false"
	EventUpdatesPending = "particle/device/updates/pending" // to the device: "true" or "false"
	EventReset          = "spark/device/reset"              // to the device: one of the Reset… words
	EventClaimed        = "spark/device/claim/"             // to the device, as prefix: forget the claim code
	EventKeyRestore     = "spark/device/key/restore"        // to the device, as prefix: see Forbidden
	EventDeviceName     = "particle/device/name"            // device asks, an event of the same name answers
	EventDeviceIP       = "particle/device/ip"              // likewise
	EventDeviceRandom   = "particle/device/random"          // likewise: random bytes
)

// What EventReset may carry.
const (
	ResetSafeMode = "safe mode"
	ResetDFU      = "dfu"
	ResetReboot   = "reboot"
	ResetNetwork  = "network" // reconnect the network (6.2)
)

// Reserved reports whether an event's name belongs to the cloud and the system:
// it begins with "spark" or "particle", in whatever case. Applications and
// people may not publish it.
func Reserved(name string) bool {
	return hasPrefixFold(name, "spark") || hasPrefixFold(name, "particle")
}

// Forbidden reports whether an event must never reach a device, whoever
// published it: spark/device/key/restore, and what begins so, makes a device go
// back to the factory's server key and address, and thus leave us for good.
func Forbidden(name string) bool {
	return hasPrefixFold(name, EventKeyRestore)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
