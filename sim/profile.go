package sim

import (
	"errors"
	"strings"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// Profile is a generation of Device OS: everything in which it differs on the
// wire from the others. The generations are those whose exchanges were
// recorded, and one from before devices described themselves.
type Profile struct {
	Name          string
	SystemVersion uint16           // of the system module, 6200 for 6.2.0; 0 before 3.0, which does not say it
	Flags         spark.HelloFlags // of every Hello
	HelloUDP      int              // bytes of the Hello payload
	HelloTCP      int
	MaxMessage    int // largest CoAP message, in bytes

	ConnectionID   bool // DTLS with a connection id, records 253 on resume; without: records 254
	AwaitsStartup  bool // on UDP, connected only when every start-up message is acknowledged
	DescribeTokens bool // describes carry a token and may come in blocks
	SinglePart     bool // system and application are described one at a time, the system as a protobuf
	AcksOnTCP      bool // asks for acknowledgements of subscriptions on TCP too
	Piggyback      bool // a variable's value comes in the acknowledgement
	HardwareEvents bool // publishes spark/hardware/… because its Hello has no room for it
	TimeFirst      bool // asks for the time before it publishes its flags, not after
}

// profiles are all generations, newest first.
var profiles = []Profile{
	{
		Name: "os-6.2", SystemVersion: 6200, Flags: 0x36, HelloUDP: 32, HelloTCP: 20, MaxMessage: 1152,
		ConnectionID: true, AwaitsStartup: true, DescribeTokens: true, SinglePart: true, TimeFirst: true,
	},
	{
		Name: "os-2.3", Flags: 0x36, HelloUDP: 22, HelloTCP: 8, MaxMessage: 800,
		AcksOnTCP: true, HardwareEvents: true,
	},
	{
		Name: "os-1.4", Flags: 0x06, HelloUDP: 22, HelloTCP: 8, MaxMessage: 800,
		AcksOnTCP: true, HardwareEvents: true, Piggyback: true,
	},
}

// ErrProfile says that no generation has that name.
var ErrProfile = errors.New("sim: no such generation of Device OS")

// Newest returns the newest generation that is known.
func Newest() Profile { return profiles[0] }

// Profiles returns all generations, newest first.
func Profiles() []Profile { return append([]Profile(nil), profiles...) }

// FindProfile finds a generation by name: "os-2.3", "2.3", or only its first
// number, as in "os-1.x".
func FindProfile(name string) (Profile, error) {
	want := strings.TrimSuffix(strings.TrimPrefix(name, "os-"), ".x")
	for _, p := range profiles {
		version := strings.TrimPrefix(p.Name, "os-")
		if want == version || want == version[:1] {
			return p, nil
		}
	}
	return Profile{}, ErrProfile
}

// describes reports whether the device describes itself unasked.
func (p *Profile) describes() bool { return p.Flags&spark.HelloDescribes != 0 }

// ordinary is the type of what a device says of its own accord: UDP devices
// ask for an acknowledgement, TCP devices trust the stream.
func ordinary(t Transport) coap.Type {
	if t == UDP {
		return coap.Confirmable
	}
	return coap.NonConfirmable
}

// subscribing is the type of a subscription.
func (p *Profile) subscribing(t Transport) coap.Type {
	if p.AcksOnTCP {
		return coap.Confirmable
	}
	return ordinary(t)
}

// hello is what the device says of itself at the start of a session.
func (p *Profile) hello(cfg *Config) spark.Hello {
	h := spark.Hello{
		ProductID: cfg.ProductID, ProductVersion: cfg.ProductVersion, Flags: p.Flags, PlatformID: cfg.PlatformID,
		SystemVersion: p.SystemVersion, MaxMessage: uint16(p.MaxMessage), MaxBinary: maxBinary, ChunkSize: chunkSize,
		Size: p.HelloTCP,
	}
	if cfg.Transport == UDP {
		h.DeviceID, h.HasDeviceID, h.Size = cfg.ID, true, p.HelloUDP
	}
	return h
}

// What the gcc platform says of its firmware store, in bytes.
const (
	maxBinary = 10 << 20
	oldBinary = 100 << 10 // before 3.0
	chunkSize = 512
)

// system is what the device says of its firmware: on the gcc platform, a
// bootloader and one big module since 5.5, and nothing before.
func (p *Profile) system(platform uint16) *spark.System {
	s := &spark.System{PlatformID: platform}
	if !p.SinglePart {
		return s
	}
	const checks = spark.CheckIntegrity | spark.CheckDependencies | spark.CheckRange | spark.CheckPlatform
	boot := spark.Module{
		Type: spark.ModuleBootloader, Version: 1000, MaxSize: maxBinary, Size: maxBinary + 4,
		Checked: checks, Passed: checks,
	}
	mono := boot
	mono.Type, mono.Version = spark.ModuleMono, uint32(p.SystemVersion)
	mono.Dependencies = []spark.Dependency{{Type: spark.ModuleBootloader, Version: boot.Version}}
	s.Modules = []spark.Module{boot, mono}
	return s
}
