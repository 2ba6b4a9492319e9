package coap

// Assembler puts a body together from its blocks: the Block1 requests of a
// device that describes itself, or the Block2 responses that we fetch one by
// one. Blocks have to come in order; a block 0 begins anew, whatever was there.
// One Assembler serves one body at a time. The zero value accepts nothing but
// empty bodies: set Max.
type Assembler struct {
	Max int // longest body accepted, in bytes

	body []byte
}

// Add takes the next block. With the last one it returns the whole body, which
// is the caller's to keep, and is ready for another. After an error nothing is
// kept:
//
//   - ErrBlock: not the last and not of full size, or longer than its size;
//   - ErrBlockOrder: does not begin where the block before ended;
//   - ErrTooLarge: the body would be longer than Max.
//
// The size may change on the way, as RFC 7959, section 2.4, allows: what counts
// is the offset.
func (a *Assembler) Add(b Block, payload []byte) (whole []byte, done bool, err error) {
	if b.Num == 0 {
		a.body = nil
	}
	switch {
	case len(payload) > b.Size(), b.More && len(payload) < b.Size():
		err = ErrBlock
	case b.Offset() != len(a.body):
		err = ErrBlockOrder
	case len(payload) > a.Max-len(a.body):
		err = ErrTooLarge
	}
	if err != nil {
		a.body = nil
		return nil, false, err
	}
	a.body = append(a.body, payload...)
	if b.More {
		return nil, false, nil
	}
	whole, a.body = a.body, nil
	return whole, true, nil
}

// Received returns how many bytes of the body are there.
func (a *Assembler) Received() int { return len(a.body) }

// Drop forgets an unfinished body.
func (a *Assembler) Drop() { a.body = nil }
