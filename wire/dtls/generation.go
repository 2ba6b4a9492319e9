package dtls

import (
	"errors"
	"time"
)

// The 48-bit write sequence is a generation above a count, so that no packet needs a write to disk and yet no nonce is ever
// used twice: a process takes a new generation durably when it adopts a session and when the count runs out.
//
//	 47                          18 17              0
//	+------------------------------+-----------------+
//	| generation (30)              | count (18)      |
//	+------------------------------+-----------------+
const (
	CountBits      = 18
	GenerationBits = 30

	countMask     = 1<<CountBits - 1
	maxGeneration = 1<<GenerationBits - 1
)

// Errors of generations.
var (
	// ErrSequenceExhausted is returned by Seal when the next record would need a new generation: take one with
	// NextGeneration, make it durable, set it with SetGeneration and seal again.
	ErrSequenceExhausted = errors.New("dtls: the generation's sequence numbers are used up")
	// ErrGeneration is returned for a generation that is not above the one in use, or beyond 30 bits.
	ErrGeneration = errors.New("dtls: a generation may only grow")
)

// Generation returns the upper 30 bits of the write sequence.
func (s *Session) Generation() uint32 { return uint32(s.WriteSeq >> CountBits) }

// SetGeneration moves the write sequence to count 0 of generation g. The peer's window accepts a jump ahead of any size
// (Device OS was seen to take 2^45). It returns ErrGeneration, and changes nothing, unless g is above Generation.
func (s *Session) SetGeneration(g uint32) error {
	if g > maxGeneration || g <= s.Generation() {
		return ErrGeneration
	}
	s.WriteSeq = uint64(g) << CountBits
	return nil
}

// Remaining returns how many records may still be sealed in this generation. The last number of each generation is never
// used, so that the sequence cannot run into a generation that nobody made durable.
func (s *Session) Remaining() uint32 { return countMask - uint32(s.WriteSeq&countMask) }

// take returns the next write sequence number, each at most once, or ErrSequenceExhausted.
func (s *Session) take() (uint64, error) {
	if s.Remaining() == 0 {
		return 0, ErrSequenceExhausted
	}
	s.WriteSeq++
	return s.WriteSeq - 1, nil
}

// generationEpoch is second 0 of generations.
var generationEpoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// NextGeneration returns the generation to take after stored, the highest one ever made durable for the session: the
// greater of stored+1 and the seconds since 2026-01-01 UTC, so that neither a crash nor a restored backup nor a second node
// can take a generation that was used. It returns ErrGeneration when 30 bits are used up (in the year 2060).
func NextGeneration(stored uint32, now time.Time) (uint32, error) {
	next := int64(stored) + 1
	if s := int64(now.Sub(generationEpoch) / time.Second); s > next {
		next = s
	}
	if next > maxGeneration {
		return 0, ErrGeneration
	}
	return uint32(next), nil
}
