package coap

import "math/bits"

// Tokens tells which of the 256 one-byte tokens are in use by requests that
// wait for their response. (A Device OS device drops the connection when a
// token has any other length.) They are handed out in turn, so that a response
// that comes long after its request was given up matches no other.
type Tokens struct {
	used *[4]uint64 // nil when none is in use
	last uint8
}

// Take returns a token that is not in use, or ErrNoToken.
func (t *Tokens) Take() (byte, error) {
	if t.used == nil {
		t.used = new([4]uint64)
	}
	for range 256 {
		t.last++
		word, bit := &t.used[t.last/64], uint64(1)<<(t.last%64)
		if *word&bit == 0 {
			*word |= bit
			return t.last, nil
		}
	}
	return 0, ErrNoToken
}

// Release gives a token back. Releasing one that is not in use does nothing.
func (t *Tokens) Release(token byte) {
	if t.used == nil {
		return
	}
	t.used[token/64] &^= 1 << (token % 64)
	if *t.used == ([4]uint64{}) {
		t.used = nil
	}
}

// InUse returns how many tokens are taken.
func (t *Tokens) InUse() int {
	if t.used == nil {
		return 0
	}
	n := 0
	for _, word := range t.used {
		n += bits.OnesCount64(word)
	}
	return n
}
