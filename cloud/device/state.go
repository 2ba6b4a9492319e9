package device

import "time"

// Word is a device's state in one word.
type Word uint8

// The states of a device.
const (
	NeverSeen  Word = iota // registered, no contact yet
	Offline                // no session; since when and why is in the State
	Connecting             // a handshake or start-up is running
	Online                 // a session that works; Proven tells how sure we are
	Limbo                  // a session that does not answer
	Asleep                 // said so, expected back
	Refused                // it knocks and is not let in: wrong key …
	Unknown                // we cannot see it just now
)

var wordNames = [...]string{
	NeverSeen: "never seen", Offline: "offline", Connecting: "connecting", Online: "online",
	Limbo: "limbo", Asleep: "asleep", Refused: "refused", Unknown: "unknown",
}

// String gives the word as people and the HTTP API see it.
func (w Word) String() string {
	if int(w) < len(wordNames) {
		return wordNames[w]
	}
	return "unknown"
}

// State is what we know of a device now: one word, since when, why, and the
// proof.
type State struct {
	Word     Word      `json:"word"`
	Since    time.Time `json:"since"`
	Reason   Reason    `json:"reason,omitempty"`
	LastSeen time.Time `json:"last_seen"` // newest authenticated record from the device; zero: none

	// ProvenAt is when the device last showed that it hears us: it answered a
	// message of ours. Zero: not in this session.
	ProvenAt time.Time `json:"proven_at"`
	// KeepAlive is the longest silence to expect from a healthy device on
	// this transport. Zero: unknown.
	KeepAlive time.Duration `json:"keep_alive"`
	// Transport is "tcp" or "udp", Address the device's, both of the session.
	Transport string `json:"transport,omitempty"`
	Address   string `json:"address,omitempty"`
	// Until is when the device is expected back (asleep), zero if unknown.
	Until time.Time `json:"until"`
}

// Connected tells whether calls can be sent to the device: the one meaning
// of `connected` everywhere.
func (s State) Connected() bool { return s.Word == Online || s.Word == Limbo }

// Proven tells whether, within two keep-alives before now, the device showed
// that it hears us.
func (s State) Proven(now time.Time) bool {
	return s.Word == Online && !s.ProvenAt.IsZero() && s.KeepAlive > 0 && now.Sub(s.ProvenAt) <= 2*s.KeepAlive
}
