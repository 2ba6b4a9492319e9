package coap

// Splitter cuts a body into blocks of one size: the Block1 requests of a long
// upload, or the Block2 responses that the other side fetches.
type Splitter struct {
	Body []byte
	SZX  uint8 // size exponent, 0..MaxSZX
}

// Count returns the number of blocks; an empty body is one empty block.
func (s *Splitter) Count() int {
	size := Block{SZX: s.SZX}.Size()
	return max(1, (len(s.Body)+size-1)/size)
}

// Block returns block num and its payload, a view into Body. It is not ok when
// the body has no such block.
func (s *Splitter) Block(num uint32) (b Block, payload []byte, ok bool) {
	count := s.Count()
	if int64(num) >= int64(count) || num > maxBlockNum {
		return Block{}, nil, false
	}
	b = Block{Num: num, More: int(num) < count-1, SZX: s.SZX}
	from := b.Offset()
	to := min(from+b.Size(), len(s.Body))
	return b, s.Body[from:to], true
}
