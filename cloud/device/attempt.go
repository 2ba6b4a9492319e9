package device

import "time"

// Attempt is one try by a device to reach us.
type Attempt struct {
	ID     string // sortable by time
	Device ID     // zero while nobody has said who it is
	// Claimed is true when Device is only what the peer said and its key
	// did not prove it.
	Claimed   bool
	Transport string // "tcp" or "udp"
	Source    string // address and port it came from
	Gateway   string // the node that took it
	Started   time.Time
	Ended     time.Time
	Stages    []Stage
	Outcome   Outcome
	Reason    Reason // why it failed, or how it went ("resumed")
	Detail    string // one sentence for people
}

// Stage is a point that an attempt reached.
type Stage struct {
	Name string    `json:"stage"`
	At   time.Time `json:"at"`
}

// The stages of an attempt, in the order in which they are reached. Not
// every transport has all of them.
const (
	StageSocket        = "socket"        // tcp: accepted; udp: cookie verified
	StageKeyExchange   = "key_exchange"  // the peer's key is known and its signature or nonce good
	StageSession       = "session"       // keys agreed and, where they are to last, stored
	StageHello         = "hello"         // the device said who it is
	StageDescribe      = "describe"      // it said what it can do
	StageSubscriptions = "subscriptions" // it said what it wants to hear
	StageOnline        = "online"        // start-up complete
)

// Outcome is how an attempt ended.
type Outcome uint8

// The outcomes of an attempt.
const (
	Pending   Outcome = iota // still going
	Succeeded                // the device is online
	Failed                   // it is not
)

// String gives the outcome's name.
func (o Outcome) String() string {
	return [...]string{"pending", "succeeded", "failed"}[min(o, Failed)]
}

// Party is who a failure is laid at: the maker's next step depends on it.
type Party string

// The parties. A failure whose cause we cannot see is nobody's.
const (
	Nobody  Party = ""
	Cloud   Party = "cloud"
	Hand    Party = "device"
	Network Party = "network"
)

// Reason is why an attempt or a session ended, as a stable code.
type Reason string

// The reasons for an end. The comment names the party at fault.
const (
	ReasonNone Reason = ""

	// Attempts.
	UnknownDevice       Reason = "unknown_device"         // device: nobody registered it
	KeyMismatch         Reason = "key_mismatch"           // device: another key than the one on file
	BadSignature        Reason = "bad_signature"          // device: it does not hold the key that it showed
	WrongServerKey      Reason = "wrong_server_key"       // device: it was given another server's key
	WrongProtocol       Reason = "wrong_protocol"         // device: not our protocol on this port
	Unsupported         Reason = "unsupported"            // device: our protocol, but nothing in common
	TimeoutWaiting      Reason = "timeout_waiting_device" // network: the device fell silent half-way
	PeerClosed          Reason = "peer_closed"            // network: the connection was closed by the other end
	NoHello             Reason = "no_hello"               // device: handshake done, then silence
	StartupIncomplete   Reason = "startup_incomplete"     // device: some start-up message never came
	ServerInternal      Reason = "server_internal"        // cloud: our defect
	KeyStoreUnavailable Reason = "key_store_unavailable"  // cloud: keys could not be read or written
	BusUnavailable      Reason = "bus_unavailable"        // cloud: nobody could have reached it
	Overloaded          Reason = "overloaded"             // cloud: too many at once
	Resumed             Reason = "resumed"                // nobody: came back within its stored session

	// Ends of sessions.
	Superseded      Reason = "superseded"       // nobody: a newer session of the same device
	DeviceGoodbye   Reason = "goodbye"          // nobody: the device said goodbye
	DeviceSleep     Reason = "sleep"            // nobody: it said goodbye to sleep
	KeepAliveMissed Reason = "keepalive_missed" // network: silence past the keep-alive
	NoAnswer        Reason = "no_answer"        // network: it did not answer our messages
	Malformed       Reason = "malformed"        // device: it sent what cannot be decoded
	ServerShutdown  Reason = "server_shutdown"  // cloud: we stopped
	ServerRestart   Reason = "server_restart"   // cloud: we restarted
	KeyReplaced     Reason = "key_replaced"     // nobody: its owner gave it another key
	NotRestored     Reason = "not_restored"     // cloud: the session could not be restored
	SessionLost     Reason = "session_lost"     // cloud: the device goes on with a session whose keys we do not have

	// Why a session does not answer (see Remedy).
	ApplicationSilent Reason = "application_silent" // device: its system answers and its application does not
	NeedsHands        Reason = "needs_hands"        // nobody: all that could be tried from here was
	DoubleIdentity    Reason = "double_identity"    // device: two that share one key
)

// ReasonsOf lists the reasons that are laid at the party.
func ReasonsOf(p Party) []string {
	var list []string
	for _, r := range []Reason{
		UnknownDevice, KeyMismatch, BadSignature, WrongServerKey, WrongProtocol, Unsupported, TimeoutWaiting, PeerClosed, NoHello,
		StartupIncomplete, ServerInternal, KeyStoreUnavailable, BusUnavailable, Overloaded, Superseded, KeepAliveMissed, NoAnswer, Malformed,
		ServerShutdown, ServerRestart, NotRestored, SessionLost, ApplicationSilent, DoubleIdentity,
	} {
		if r.Fault() == p {
			list = append(list, string(r))
		}
	}
	return list
}

// Fault tells whom the reason is laid at. A reason that is ours is never
// laid at the device's keys, and the other way round.
func (r Reason) Fault() Party {
	switch r {
	case UnknownDevice, KeyMismatch, BadSignature, WrongServerKey, WrongProtocol, Unsupported, NoHello,
		StartupIncomplete, Malformed, ApplicationSilent, DoubleIdentity:
		return Hand
	case TimeoutWaiting, PeerClosed, KeepAliveMissed, NoAnswer:
		return Network
	case ServerInternal, KeyStoreUnavailable, BusUnavailable, Overloaded, ServerShutdown, ServerRestart, NotRestored, SessionLost:
		return Cloud
	default:
		return Nobody
	}
}
