package coap

// Builder writes one message behind what a buffer already holds. Its methods
// are called in the order of the wire: options in ascending order of their
// numbers, then the payload. The first mistake sticks, and Bytes returns it.
//
//	b := coap.Begin(buf[:0], coap.Confirmable, coap.POST, id, token)
//	b.Text(coap.URIPath, "f")
//	b.Text(coap.URIPath, name)
//	b.Text(coap.URIQuery, arg)
//	buf, err = b.Bytes()
type Builder struct {
	buf   []byte
	start int    // where the message begins in buf
	last  Option // the number before
	done  bool   // the payload is written
	err   error
}

// Begin starts a message behind the bytes of dst. A token longer than 8 bytes
// is refused with ErrToken, a code that does not go with t with ErrCode; an
// empty message is AppendEmpty's.
func Begin(dst []byte, t Type, code Code, id uint16, token []byte) Builder {
	b := Builder{buf: dst, start: len(dst)}
	switch {
	case len(token) > maxToken:
		b.err = ErrToken
	case code == Empty || !code.allowed(t):
		b.err = ErrCode
	default:
		b.buf = appendHeader(dst, t, code, id, token)
	}
	return b
}

// Option appends an option.
func (b *Builder) Option(n Option, value []byte) {
	if b.option(n, len(value)) {
		b.buf = append(b.buf, value...)
	}
}

// Text appends an option whose value is text.
func (b *Builder) Text(n Option, value string) {
	if b.option(n, len(value)) {
		b.buf = append(b.buf, value...)
	}
}

// Uint appends an option of the uint format in as few bytes as it takes.
func (b *Builder) Uint(n Option, v uint32) {
	var buf [4]byte
	b.Option(n, AppendUint(buf[:0], v))
}

// Block appends a Block1 or Block2 option.
func (b *Builder) Block(n Option, block Block) {
	b.Uint(n, block.uint())
}

// Payload appends the payload marker and p; nothing when p is empty.
func (b *Builder) Payload(p []byte) {
	if b.err != nil || len(p) == 0 {
		return
	}
	if b.done {
		b.err = ErrOrder
		return
	}
	b.done = true
	b.buf = append(b.buf, marker)
	b.buf = append(b.buf, p...)
}

// Bytes returns the buffer with the message at its end. With an error
// (ErrToken, ErrCode, ErrOrder, ErrOption) it is the buffer as it was given to
// Begin.
func (b *Builder) Bytes() ([]byte, error) {
	if b.err != nil {
		return b.buf[:b.start], b.err
	}
	return b.buf, nil
}

func (b *Builder) option(n Option, length int) bool {
	switch {
	case b.err != nil:
	case b.done || n < b.last:
		b.err = ErrOrder
	case length > maxExtended:
		b.err = ErrOption
	default:
		b.buf = appendOptionHeader(b.buf, int(n-b.last), length)
		b.last = n
		return true
	}
	return false
}
