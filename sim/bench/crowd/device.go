package crowd

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// Phase is where a device of a crowd is on its way.
type Phase uint8

// The phases, in order.
const (
	off     Phase = iota
	failed        // was given up
	shaking       // in its handshake
	Shaken        // has a session, and has said nothing
	Greeted       // its Hello was acknowledged
	Settled       // all that it has to say at the start was acknowledged
)

// device is a virtual device without a life: it answers, and pings. It has no
// pointers, so that a million of them cost the collector nothing.
type device struct {
	session  dtls.Session
	phase    Phase
	step     uint8  // of the start-up: what was said last
	tries    uint8  // how often that was repeated
	token    byte   // of the latest request
	lastID   uint16 // of the latest message
	waitID   uint16 // of the message of the start-up that is not acknowledged yet
	pingID   uint16
	calledID uint16 // of the call that it was asked for last; 0: none
	pinging  bool   // the latest ping is not answered yet
}

// system is a generation of Device OS, as its Hello and messages tell.
const system = 6200

// firstAddress is where device 0 is: far from where servers are.
const firstAddress = 127<<24 | 1<<16

// mostDevices fit into 127.0.0.0/8 behind firstAddress.
const mostDevices = 1<<24 - 1<<16 - 1

func addressOf(i int) netip.Addr {
	a := uint32(firstAddress + i)
	return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
}

// indexOf is addressOf's inverse; negative: nobody's.
func indexOf(a netip.Addr) int {
	b := a.As4()
	return int(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3])) - firstAddress
}

// nextID is not zero.
func (d *device) nextID() uint16 {
	if d.lastID++; d.lastID == 0 {
		d.lastID++ // zero stands for none
	}
	return d.lastID
}

// FunctionName is the function that every device of a crowd has: it returns the
// length of its argument.
const FunctionName = "echo"

// Kinds is how many devices have the same application: one describe in ten is
// distinct.
const Kinds = 10

// speech is what a device says at its start, in the order of Device OS 6.2; each
// message waits for the acknowledgement of the one before. (A real device sends
// them at once, which is one burst for a server, and the same work.)
var speech = []func(dst []byte, i int, id uint16, token byte) ([]byte, error){
	sayHello,
	func(dst []byte, _ int, id uint16, token byte) ([]byte, error) {
		part := spark.DescribePart{
			Flags: spark.DescribeSystem, Binary: true, Token: token, HasToken: true,
			Payload: spark.AppendSystem(nil, &spark.System{Modules: []spark.Module{
				{Type: spark.ModuleBootloader, Version: 1000, Size: 64 << 10, MaxSize: 64 << 10},
				{Type: spark.ModuleMono, Version: system, Size: 2 << 20, MaxSize: 4 << 20},
			}}),
		}
		return part.AppendPost(dst, id)
	},
	func(dst []byte, _ int, id uint16, token byte) ([]byte, error) {
		return spark.AppendTimeRequest(dst, id, token), nil
	},
	saySystemEvent(spark.EventUpdatesEnabled, "true"),
	saySystemEvent(spark.EventUpdatesForced, "false"),
	func(dst []byte, i int, id uint16, token byte) ([]byte, error) {
		part := spark.DescribePart{
			Flags: spark.DescribeApplication, Token: token, HasToken: true,
			Payload: spark.AppendApplication(nil, &spark.Describe{
				HasApplication: true,
				Functions:      []string{FunctionName, "setpitf", fmt.Sprintf("kind%d", i/Kinds)},
				Variables:      []spark.Variable{{Name: "pit", Type: spark.TypeDouble}, {Name: "temps", Type: spark.TypeString}},
			}),
		}
		return part.AppendPost(dst, id)
	},
	saySubscription("particle"),
	saySubscription("spark"),
	saySubscription("bench/orders"),
}

func sayHello(dst []byte, i int, id uint16, _ byte) ([]byte, error) {
	var who Identities
	return spark.AppendHello(dst, coap.Confirmable, id, &spark.Hello{
		ProductID: 3, ProductVersion: 0xffff, Flags: 0x36, PlatformID: 3, DeviceID: who.ID(i), HasDeviceID: true,
		SystemVersion: system, MaxMessage: 1152, MaxBinary: 10 << 20, ChunkSize: 512, Size: 32,
	})
}

func saySystemEvent(name, data string) func([]byte, int, uint16, byte) ([]byte, error) {
	return func(dst []byte, _ int, id uint16, _ byte) ([]byte, error) {
		e := &spark.Event{Name: name, Data: []byte(data), HasData: true, TTL: spark.DefaultTTL}
		return spark.AppendEvent(dst, coap.Confirmable, id, e, spark.PublishLayout(system))
	}
}

func saySubscription(prefix string) func([]byte, int, uint16, byte) ([]byte, error) {
	return func(dst []byte, _ int, id uint16, _ byte) ([]byte, error) {
		s := &spark.Subscription{Prefix: prefix, Scope: spark.ScopeMine}
		return spark.AppendSubscription(dst, coap.Confirmable, id, s, system)
	}
}

// repeatAfter is how long a message of the start-up waits for its
// acknowledgement, and mostTries how often it is said.
const (
	repeatAfter = 4 * time.Second
	mostTries   = 4
)
