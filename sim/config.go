package sim

import (
	"encoding/hex"
	"errors"
	"time"
)

// ID is a device's identity: 12 bytes, shown as 24 hexadecimal digits.
type ID [12]byte

// ErrID says that a text is not 24 hexadecimal digits.
var ErrID = errors.New("sim: a device id is 24 hexadecimal digits")

// ParseID reads an id of either case.
func ParseID(text string) (id ID, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(id) {
		return ID{}, ErrID
	}
	copy(id[:], b)
	return id, nil
}

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Transport is how a device reaches the cloud.
type Transport uint8

// The two transports of Device OS.
const (
	UDP Transport = iota // DTLS, port 5684
	TCP                  // RSA handshake and AES frames, port 5683
)

func (t Transport) String() string { return nameOf([]string{"udp", "tcp"}, uint8(t)) }

// Config says what device it is.
type Config struct {
	ID        ID
	Transport Transport // zero: UDP
	Profile   Profile   // generation of Device OS; zero: the newest that is known

	// Keys as a device's flash holds them. Key is its private key in DER: SEC1
	// P-256 on UDP, PKCS #1 RSA-1024 on TCP. ServerKey is the cloud's public
	// key, SPKI in DER: P-256 or RSA-2048.
	Key       []byte
	ServerKey []byte

	// Server is where the device connects to, as one text. A session that was
	// made with another server is not resumed.
	Server string

	Application    Application
	ProductID      uint16 // zero: the platform id
	ProductVersion uint16 // zero: 65535, which stands for none
	PlatformID     uint16 // zero: 3, the platform that Device OS calls gcc

	KeepAlive time.Duration // silence before a ping; zero: 15 s on TCP, 25 s on UDP

	// Failed is how many tries in a row have failed already when it is switched
	// on: how far it is in its back-off.
	Failed int

	Behaviour Behaviour     // zero: it does what Device OS does
	Delay     time.Duration // of the behaviours that have one; zero: 40 s

	Trace bool // also notes every message

	// Seed is where all chance comes from: handshake randoms and keys, the
	// spread of retransmissions, the first token. On a real network it has to
	// be secret and used for one run only.
	Seed [32]byte

	// Memory is what Memory returned at the last Keep of an earlier run of the
	// same device: with it the device resumes its session. Nil, or of another device or
	// server: it begins with a handshake.
	Memory []byte
}

const gccPlatform = 3

func (c Config) withDefaults() Config {
	if c.Profile.Name == "" {
		c.Profile = Newest()
	}
	if c.ProductVersion == 0 {
		c.ProductVersion = 0xffff
	}
	if c.PlatformID == 0 {
		c.PlatformID = gccPlatform
	}
	if c.ProductID == 0 {
		c.ProductID = c.PlatformID
	}
	if c.Delay == 0 {
		c.Delay = 40 * time.Second
	}
	return c
}

// Behaviour is a way to misbehave.
type Behaviour uint8

// What virtual devices can do wrong. The ones with a time take Config.Delay.
const (
	WellBehaved       Behaviour = iota
	Blocks                      // every function keeps the application busy for Delay; the device is deaf meanwhile
	AckThenHang                 // acknowledges requests, and never answers them
	Slow                        // answers every request, but only after Delay
	WrongDeviceKey              // its private key is not the one on file
	WrongServerKey              // it expects another server key
	Silent                      // says nothing once the handshake is done
	Deaf                        // sends, and hears nothing once it is connected: its way back is cut
	TruncateHandshake           // stops in the middle of its second flight (UDP) or its blob (TCP)
)

var behaviours = []string{
	"well-behaved", "blocks", "ack-then-hang", "slow", "wrong-device-key", "wrong-server-key",
	"silent", "deaf", "truncate-handshake",
}

func (b Behaviour) String() string { return nameOf(behaviours, uint8(b)) }

// ErrBehaviour says that there is no behaviour of that name.
var ErrBehaviour = errors.New("sim: no such behaviour")

// Behaviours returns the names of all behaviours.
func Behaviours() []string { return append([]string(nil), behaviours...) }

// ParseBehaviour finds a behaviour by its name; "" is the good one.
func ParseBehaviour(name string) (Behaviour, error) {
	for i, known := range behaviours {
		if name == known {
			return Behaviour(i), nil
		}
	}
	if name == "" {
		return WellBehaved, nil
	}
	return 0, ErrBehaviour
}
