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

// maxSpan is how long after the first transmission the last one is made, in
// milliseconds. Device OS knows a message again for 45 s: what was put off for
// longer, because its sender did not run, would be taken for a new one and
// carried out twice. DeviceParams come to 42 s at most.
const maxSpan = 43_000

// lateSpan is the same for what is repeated late, because its sender stood
// still: all that has gathered then comes to the device at once, and what is at
// its end may wait for seconds until the device looks at it.
const (
	lateSpan = 30_000
	lateFrom = 1_000 // milliseconds after it was due
)

// DeviceParams are what Device OS uses on UDP, and therefore what it expects:
// 4 transmissions, given up after 60 to 90 s (4+8+16+32 s, times 1 to 1.5).
var DeviceParams = Params{AckTimeout: 4 * time.Second, RandomFactor: 1.5, MaxRetransmit: 3}

// firstWait returns the first timeout in milliseconds. random is uniform over
// the 32-bit numbers.
func (p Params) firstWait(random uint32) int64 {
	factor := 1 + (max(p.RandomFactor, 1)-1)*float64(random)/(1<<32-1)
	return max(1, int64(float64(p.AckTimeout.Milliseconds())*factor))
}
