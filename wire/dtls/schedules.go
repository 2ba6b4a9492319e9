package dtls

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// schedulePlaces is how many expanded keys Schedules hold at most: 256 sessions' worth, 0.25 MiB.
const schedulePlaces = 512

// Schedules are the expanded keys of sessions that were busy lately, each in the one place that its first bytes name: a
// newer one takes it, so that their memory is bounded however many sessions there are. To expand a key costs 0.1 µs and half
// a kilobyte for the collector, on each record; with Schedules, SealWith and OpenWith allocate nothing as long as a session
// keeps its places.
//
// The zero value is ready for use, and nil keeps nothing. They belong to one goroutine at a time. A key stays until another
// one takes its place, also when its session has ended.
type Schedules struct{ places []schedule }

type schedule struct {
	key   [16]byte
	block cipher.Block // nil: the place is free
}

// of gives the key, expanded.
func (x *Schedules) of(key *[16]byte) (cipher.Block, error) {
	if x == nil {
		return aes.NewCipher(key[:])
	}
	if x.places == nil {
		x.places = make([]schedule, schedulePlaces)
	}
	place := &x.places[binary.LittleEndian.Uint16(key[:])%schedulePlaces]
	if place.block != nil && subtle.ConstantTimeCompare(place.key[:], key[:]) == 1 {
		return place.block, nil
	}
	block, err := aes.NewCipher(key[:])
	if err == nil {
		*place = schedule{*key, block}
	}
	return block, err
}
