package spark

import "github.com/cyan-cloud/cyan/wire/coap"

// GoodbyeFlags say which fields a Goodbye has.
type GoodbyeFlags uint32

// Fields of a Goodbye, in the order in which they follow the flags.
const (
	GoodbyeCloudReason   GoodbyeFlags = 1 << iota // why the device leaves the cloud
	GoodbyeResetReason                            // why it resets
	GoodbyeSleep                                  // how long it sleeps
	GoodbyeNetworkReason                          // why it leaves the network
)

// Goodbye is what a device says before it leaves of its own will: it sleeps,
// resets, or was told to disconnect gracefully (Device OS 2.0 and later). Its
// session stays good. Numbers are LEB128: seven bits a byte, least significant
// first, the high bit set on all but the last.
//
//	+-------+--------------+--------------+---------------+----------------+
//	| flags | cloud reason | reset reason | sleep seconds | network reason |
//	+-------+--------------+--------------+---------------+----------------+
//	  1..5    if 0x01        if 0x02        if 0x04         if 0x08
type Goodbye struct {
	Flags         GoodbyeFlags // unknown ones are kept, and their fields are not
	CloudReason   CloudReason
	ResetReason   ResetReason
	SleepSeconds  uint32
	NetworkReason NetworkReason
}

// CloudReason is why a device leaves the cloud.
type CloudReason uint32

// ResetReason is why a device resets.
type ResetReason uint32

// NetworkReason is why a device leaves the network.
type NetworkReason uint32

var cloudReasons = map[CloudReason]string{
	1: "error", 2: "user", 3: "network disconnect", 4: "listening", 5: "system reset", 6: "sleep",
	7: "unknown", 8: "server moved",
}

var resetReasons = map[ResetReason]string{
	10: "unknown", 20: "pin reset", 30: "power management", 40: "power down", 50: "brownout", 60: "watchdog",
	70: "update", 80: "update error", 90: "update timeout", 100: "factory reset", 110: "safe mode",
	120: "dfu mode", 130: "panic", 140: "user", 150: "configuration",
}

var networkReasons = map[NetworkReason]string{
	1: "error", 2: "user", 3: "network off", 4: "listening", 5: "sleep", 6: "reset", 7: "unknown",
}

// String returns the reason in words, "" for an unknown number.
func (r CloudReason) String() string { return cloudReasons[r] }

// String returns the reason in words, "" for an unknown number.
func (r ResetReason) String() string { return resetReasons[r] }

// String returns the reason in words, "" for an unknown number.
func (r NetworkReason) String() string { return networkReasons[r] }

// ParseGoodbye reads the payload of a Goodbye. A number that is cut off or does
// not fit 32 bits is ErrGoodbye; no payload at all is a Goodbye that says
// nothing.
func ParseGoodbye(payload []byte) (Goodbye, error) {
	var g Goodbye
	if len(payload) == 0 {
		return g, nil
	}
	flags, rest, ok := varuint(payload)
	if !ok {
		return Goodbye{}, ErrGoodbye
	}
	g.Flags = GoodbyeFlags(flags)
	for _, f := range g.fields() {
		if g.Flags&f.flag == 0 {
			continue
		}
		if *f.value, rest, ok = varuint(rest); !ok {
			return Goodbye{}, ErrGoodbye
		}
	}
	return g, nil
}

// Append appends the payload of the Goodbye: the fields that Flags names.
func (g *Goodbye) Append(dst []byte) []byte {
	dst = appendVaruint(dst, uint32(g.Flags))
	for _, f := range g.fields() {
		if g.Flags&f.flag != 0 {
			dst = appendVaruint(dst, *f.value)
		}
	}
	return dst
}

type goodbyeField struct {
	flag  GoodbyeFlags
	value *uint32
}

// fields lists the fields in the order of the wire.
func (g *Goodbye) fields() [4]goodbyeField {
	return [...]goodbyeField{
		{GoodbyeCloudReason, (*uint32)(&g.CloudReason)},
		{GoodbyeResetReason, (*uint32)(&g.ResetReason)},
		{GoodbyeSleep, &g.SleepSeconds},
		{GoodbyeNetworkReason, (*uint32)(&g.NetworkReason)},
	}
}

// AppendGoodbye appends a device's Goodbye: CON on UDP; NON on TCP, with an
// empty No-Response option, which asks for any response.
//
//	40 02 <id> b1 'x' ff <payload>
//	50 02 <id> b1 'x' d0 ea ff <payload>
func AppendGoodbye(dst []byte, t coap.Type, id uint16, g *Goodbye) ([]byte, error) {
	b := begin(dst, t, coap.POST, id, nil, 'x')
	if t == coap.NonConfirmable {
		b.Option(coap.NoResponse, nil)
	}
	b.Payload(g.Append(nil))
	return b.Bytes()
}

// varuint takes an LEB128 number of at most 32 bits off the front of b.
func varuint(b []byte) (v uint32, rest []byte, ok bool) {
	for i, c := range b {
		if i == 4 && c > 0x0f {
			return 0, nil, false
		}
		v |= uint32(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, b[i+1:], true
		}
	}
	return 0, nil, false
}

func appendVaruint(dst []byte, v uint32) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}
