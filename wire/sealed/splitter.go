package sealed

import "encoding/binary"

// Splitter cuts the stream of one direction into frames. It holds at most one
// unfinished frame and, between frames, nothing. The zero value is ready.
type Splitter struct {
	partial []byte // an unfinished frame, its length included
}

// Next takes bytes from the front of p, the next piece of the stream, and
// returns the ciphertext of the first frame that is whole, and what follows in
// p. frame is nil when p is used up and more is needed:
//
//	for {
//		frame, rest, err := s.Next(p)
//		if err != nil || frame == nil {
//			return err
//		}
//		… frame
//		p = rest
//	}
//
// frame is good until the next call, or until p is changed. It may be opened
// in place. A length that no frame has is ErrFrame, before anything is
// allocated for it, and so is every call from then on.
func (s *Splitter) Next(p []byte) (frame, rest []byte, err error) {
	if len(s.partial) == 0 && len(p) >= lengthSize {
		n, err := frameLength(p)
		if err == nil && len(p) >= n {
			return p[lengthSize:n:n], p[n:], nil
		}
	}
	return s.gather(p)
}

// Pending returns the bytes of an unfinished frame, for another process that
// takes the stream over: they are the first piece that its Splitter gets.
func (s *Splitter) Pending() []byte { return s.partial }

// gather goes on with a frame that comes in pieces.
func (s *Splitter) gather(p []byte) (frame, rest []byte, err error) {
	if len(s.partial) < lengthSize {
		n := min(lengthSize-len(s.partial), len(p))
		s.partial, p = append(s.partial, p[:n]...), p[n:]
		if len(s.partial) < lengthSize {
			return nil, nil, nil
		}
	}
	end, err := frameLength(s.partial)
	if err != nil {
		return nil, nil, err
	}
	if cap(s.partial) < end {
		s.partial = append(make([]byte, 0, end), s.partial...)
	}
	n := min(end-len(s.partial), len(p))
	s.partial, p = append(s.partial, p[:n]...), p[n:]
	if len(s.partial) < end {
		return nil, nil, nil
	}
	frame, s.partial = s.partial[lengthSize:], nil
	return frame, p, nil
}

// frameLength returns the length of the frame at the start of p, the two bytes
// that hold it included.
func frameLength(p []byte) (int, error) {
	n := int(binary.BigEndian.Uint16(p))
	if !validLength(n) {
		return 0, ErrFrame
	}
	return lengthSize + n, nil
}
