package device

// Remedy is what is tried with a device that holds a session and does not
// answer, from the gentlest to the last.
type Remedy uint8

// The rungs of the ladder.
const (
	NoRemedy    Remedy = iota
	AskPing            // ask for a round trip
	AskDescribe        // ask what it offers: a longer way through the device
	StartOver          // tell it to start over: an encrypted reset on UDP, the end of the stream on TCP
	Restart            // have it reset its network or itself, where its owner wants that
	Listed             // nothing more can be done from here: somebody has to go there
)

// String gives the remedy's name, as in metrics and logs.
func (r Remedy) String() string {
	return [...]string{"none", "ping", "describe", "start_over", "restart", "listed"}[min(r, Listed)]
}

// Restarting is how far the owner of a device lets us go when its application
// does not answer: the device may be an oven.
type Restarting string

// What the owner allows.
const (
	RestartNever   Restarting = ""
	RestartNetwork Restarting = "network" // reset its network interfaces
	RestartDevice  Restarting = "reboot"  // reset the device
)

// ParseRestarting reads what an owner allows: off, network or reboot.
func ParseRestarting(s string) (Restarting, bool) {
	switch r := Restarting(s); r {
	case RestartNetwork, RestartDevice:
		return r, true
	}
	return RestartNever, s == "" || s == "off"
}
