package coap

// MaxSZX is the exponent of the largest block, 1024 bytes. 7 is reserved.
const MaxSZX = 6

const maxBlockNum = 1<<20 - 1

// Block is the value of a Block1 or Block2 option (RFC 7959, section 2.2):
//
//	 0                   1                   2
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                  NUM                  |M| SZX |   leading zero bytes left out
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
type Block struct {
	Num  uint32 // counts blocks of this size from 0; 20 bits
	More bool   // more blocks follow
	SZX  uint8  // size exponent, 0..MaxSZX
}

// ParseBlock reads the value of a block option. A value longer than three
// bytes or of the reserved size is ErrBlock.
func ParseBlock(value []byte) (Block, error) {
	v, _ := ParseUint(value)
	b := Block{Num: v >> 4, More: v&8 != 0, SZX: uint8(v & 7)}
	if len(value) > 3 || b.SZX > MaxSZX {
		return Block{}, ErrBlock
	}
	return b, nil
}

// Append appends the option value, 0 to 3 bytes. Num is cut to its 20 bits.
func (b Block) Append(dst []byte) []byte { return AppendUint(dst, b.uint()) }

// Size returns the number of bytes of every block but the last: 16..1024.
func (b Block) Size() int { return 1 << (b.SZX&7 + 4) }

// Offset returns where in the body the block begins, in bytes.
func (b Block) Offset() int { return int(b.Num) * b.Size() }

func (b Block) uint() uint32 {
	v := b.Num&maxBlockNum<<4 | uint32(b.SZX&7)
	if b.More {
		v |= 8
	}
	return v
}

// SZX returns the exponent of the largest block that is not longer than size
// bytes; 0 (16 bytes) when size is smaller still.
func SZX(size int) uint8 {
	var szx uint8
	for szx < MaxSZX && size >= 32<<szx {
		szx++
	}
	return szx
}
