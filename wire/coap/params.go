package coap

import "time"

// Params say how often and how long a confirmable message is repeated
// (RFC 7252, section 4.8). The first wait is AckTimeout times a random factor
// between 1 and RandomFactor; every later one is twice as long.
type Params struct {
	AckTimeout    time.Duration
	RandomFactor  float64 // 1 or more
	MaxRetransmit int     // transmissions after the first
}

// Device OS knows a message again for 45 s after it looked at it first. What is
// repeated later it takes for a new one, and carries out twice. So there is a
// bound to how long after the first transmission the last one is made.
const (
	// DeviceSpan is what DeviceParams come to, 42 s at most: devices keep it.
	DeviceSpan = 42 * time.Second
	// CloudSpan is what the cloud keeps. It leaves 15 s for a message that takes
	// longer to arrive than the first did, and for a device that is busy, and has
	// others to look at first.
	CloudSpan = 30 * time.Second
)

// spanGrace, in milliseconds, is how late the last repetition may be because its
// sender was woken late. What is later than that is not sent: its sender stood
// still, and all that has gathered would come to the device at once.
const spanGrace = 1_000

// DeviceParams are what Device OS uses on UDP, and therefore what it expects:
// 4 transmissions, given up after 60 to 90 s (4+8+16+32 s, times 1 to 1.5).
var DeviceParams = Params{AckTimeout: 4 * time.Second, RandomFactor: 1.5, MaxRetransmit: 3}

// firstWait returns the first timeout in milliseconds. random is uniform over
// the 32-bit numbers.
func (p Params) firstWait(random uint32) int64 {
	factor := 1 + (max(p.RandomFactor, 1)-1)*float64(random)/(1<<32-1)
	return max(1, int64(float64(p.AckTimeout.Milliseconds())*factor))
}
