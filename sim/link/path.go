package link

import (
	"math/rand/v2"
	"time"
)

// Path is what happens to packets on their way. The zero value is perfect:
// everything arrives, once, in order, at once.
type Path struct {
	Delay     time.Duration // of every packet
	Jitter    time.Duration // more delay, uniform between 0 and this; may change the order of datagrams
	Loss      float64       // chance that a datagram is lost, 0..1; on a stream, that a write comes a Retransmit later
	Duplicate float64       // chance that a datagram arrives twice
	Reorder   float64       // chance that a datagram is held back for HoldBack
	MTU       int           // datagrams with more bytes are dropped without a word; 0: no limit
	Cut       bool          // nothing passes; streams wait until it is mended
}

const (
	// HoldBack is the additional delay of a reordered datagram.
	HoldBack = 50 * time.Millisecond
	// Retransmit is what one loss costs a stream.
	Retransmit = 200 * time.Millisecond
)

// delay draws how long one packet is on its way.
func (p Path) delay(r *rand.Rand) time.Duration {
	d := p.Delay
	if p.Jitter > 0 {
		d += time.Duration(r.Int64N(int64(p.Jitter) + 1))
	}
	return d
}

// happens draws whether something of the given chance happens. It always
// draws, so that a changed chance doesn't change what else happens.
func happens(r *rand.Rand, chance float64) bool { return r.Float64() < chance }
