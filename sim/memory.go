package sim

import (
	"encoding/json"
	"hash/crc32"

	"github.com/cyan-cloud/cyan/wire/dtls"
)

// maxUses is how often a session is resumed without an answer before the
// device gives it up.
const maxUses = 3

// memory is what a device keeps over a reset: the session, its counters, and
// what the server is known to know. A TCP device keeps nothing.
type memory struct {
	Session dtls.Session
	Keys    uint32 // checksum of the keys that the session was made with
	Server  string // and of whom with
	LastID  uint16 // CoAP message id
	Uses    int    // resumptions since the last record that was received

	// Digests of what the server has acknowledged; 0: nothing.
	Hello, System, Application, Subscriptions uint32
}

// stored is how memory is written down.
type stored struct {
	Version       int    `json:"version"`
	Device        string `json:"device"`
	Session       []byte `json:"session"`
	Keys          uint32 `json:"keys"`
	Server        string `json:"server"`
	LastID        uint16 `json:"last_id"`
	Uses          int    `json:"uses"`
	Hello         uint32 `json:"hello"`
	System        uint32 `json:"system"`
	Application   uint32 `json:"application"`
	Subscriptions uint32 `json:"subscriptions"`
}

const memoryVersion = 1

// encode writes the memory down, or returns nil.
func (m *memory) encode(id ID) []byte {
	if m == nil {
		return nil
	}
	session, err := m.Session.MarshalBinary()
	if err != nil {
		return nil
	}
	b, err := json.Marshal(stored{
		memoryVersion, id.String(), session, m.Keys, m.Server, m.LastID, m.Uses,
		m.Hello, m.System, m.Application, m.Subscriptions,
	})
	if err != nil {
		return nil
	}
	return b
}

// recall reads what encode wrote. What is not this device's is as good as
// nothing: a handshake will do.
func (d *Device) recall(b []byte) *memory {
	var s stored
	if d.cfg.Transport == TCP || json.Unmarshal(b, &s) != nil ||
		s.Version != memoryVersion || s.Device != d.cfg.ID.String() {
		return nil
	}
	session, err := dtls.UnmarshalSession(s.Session)
	if err != nil || session.Server {
		return nil
	}
	return &memory{
		Session: session, Keys: s.Keys, Server: s.Server, LastID: s.LastID, Uses: s.Uses,
		Hello: s.Hello, System: s.System, Application: s.Application, Subscriptions: s.Subscriptions,
	}
}

// remember begins a memory with a new session.
func (d *Device) remember(s dtls.Session) *memory {
	d.memory = &memory{
		Session: s, Keys: d.keys.checksum, Server: d.cfg.Server, LastID: d.talk.ids.Current(),
	}
	d.kept = true
	return d.memory
}

// forget discards the session.
func (d *Device) forget() {
	d.kept = d.kept || d.memory != nil
	d.memory = nil
}

// resumable reports whether there is a session to go on with, and discards one
// that is not.
func (d *Device) resumable() bool {
	m := d.memory
	switch {
	case m == nil:
		return false
	case m.Keys != d.keys.checksum || m.Server != d.cfg.Server:
		d.note(Info, "session is of other keys or another server: discarded")
	case m.Uses >= maxUses:
		d.note(Info, "session has expired after %d uses", m.Uses)
	default:
		return true
	}
	d.forget()
	return false
}

// resume goes on with the stored session as if nothing had been: no handshake,
// and no Hello unless something about the device has changed.
func (d *Device) resume() {
	m := d.memory
	m.Uses++
	m.Session.Resume(d.cfg.ID)
	d.talk.link = &datagramLink{memory: m}
	d.note(Info, "session resumed, use %d of %d", m.Uses, maxUses)
	d.resumed()
}

// digests of what the device is now, to compare with what the server knows.
func (d *Device) helloDigest() uint32 {
	h := d.cfg.Profile.hello(&d.cfg)
	return crc32.ChecksumIEEE(h.Append(nil))
}

func (d *Device) systemDigest() uint32 { return crc32.ChecksumIEEE(d.systemPayload()) }
