package fault

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Weather is what a relay does to what passes in one direction. The zero
// value lets everything pass as it is.
type Weather struct {
	Cut       bool          // nothing passes
	Loss      float64       // chance of a datagram to be lost, 0..1
	Duplicate float64       // chance that it arrives twice
	Reorder   float64       // chance that it arrives behind those that were sent after it
	Corrupt   float64       // chance that one of its bits is another
	Delay     time.Duration // of everything
	Jitter    time.Duration // more delay, between 0 and this
	Bandwidth int           // bytes a second; 0: no bound
}

const (
	// holdBack is how much later a reordered datagram is.
	holdBack = 80 * time.Millisecond
	// retransmit is how much later a part of a stream is that was lost, or
	// whose checksum was wrong: the sender's kernel sends it again.
	retransmit = 250 * time.Millisecond
)

// sky is the weather of both directions, and where its chance comes from.
type sky struct {
	mu       sync.Mutex
	random   *rand.Rand    // guarded by mu
	up, down Weather       // guarded by mu
	changed  chan struct{} // guarded by mu; closed when the weather changes
}

func newSky(seed uint64) *sky {
	return &sky{random: rand.New(rand.NewPCG(seed, 0x736b79)), changed: make(chan struct{})}
}

// Set changes the weather: up is towards the cloud, down towards the devices.
func (s *sky) Set(up, down Weather) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up, s.down = up, down
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *sky) now(up bool) (Weather, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if up {
		return s.up, s.changed
	}
	return s.down, s.changed
}

// fate is what becomes of a packet: when its copies arrive, and which of its
// bits is another; -1: none.
type fate struct {
	after []time.Duration
	flip  int
}

// cast decides on a datagram of so many bytes.
func (s *sky) cast(up bool, size int) fate {
	w, _ := s.now(up)
	s.mu.Lock()
	defer s.mu.Unlock()
	f := fate{flip: -1}
	// Chance is asked the same way whatever it says, so that one more fault
	// does not change all others.
	lost, twice, late, bent := s.happens(w.Loss), s.happens(w.Duplicate), s.happens(w.Reorder), s.happens(w.Corrupt)
	bit := s.random.IntN(max(1, 8*size))
	after := w.Delay + s.below(w.Jitter)
	if late {
		after += holdBack
	}
	again := w.Delay + s.below(w.Jitter)
	if w.Cut || lost {
		return f
	}
	f.after = append(f.after, after)
	if twice {
		f.after = append(f.after, again)
	}
	if bent && size > 0 {
		f.flip = bit
	}
	return f
}

// stretch is how long a part of a stream is under way, and how long the next
// has to wait behind it.
func (s *sky) stretch(w Weather, size int) (under, behind time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	under = w.Delay + s.below(w.Jitter)
	for s.happens(w.Loss) || s.happens(w.Corrupt) {
		if under += retransmit; under > time.Minute {
			break
		}
	}
	if w.Bandwidth > 0 {
		behind = time.Duration(size) * time.Second / time.Duration(w.Bandwidth)
	}
	return under, behind
}

func (s *sky) happens(chance float64) bool { return s.random.Float64() < chance }

func (s *sky) below(d time.Duration) time.Duration {
	return time.Duration(s.random.Int64N(int64(d) + 1))
}
