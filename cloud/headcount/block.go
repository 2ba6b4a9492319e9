package headcount

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// minutes of an hour.
const minutes = 60

// maxValues is how many values of a dimension an owner has in an hour's history.
const maxValues = 16

// errBlock is what is said of a block that cannot be read.
var errBlock = errors.New("headcount: block cannot be read")

// The kinds of series. From byDimension on they are those of dimensions.
const (
	online uint8 = iota
	limbo
	unheard
	byDimension
)

// series names one of an owner's.
type series struct {
	kind  uint8
	value uint64 // from byDimension on
}

func seriesOf(d Dimension, value uint64) series { return series{byDimension + uint8(d), value} }

// block is what was counted of an owner's devices in an hour, a count a minute. A
// series that is not there was 0 all the time.
type block struct {
	present uint64 // the minutes in which it was counted, a bit each
	partial bool   // of everybody's: there were owners for whom there was no room
	lines   map[series]*[minutes]uint32
}

func newBlock(present uint64) *block {
	return &block{present: present, lines: map[series]*[minutes]uint32{}}
}

// has tells whether it was counted in the minute.
func (b *block) has(minute int) bool { return b.present>>minute&1 != 0 }

// put writes down what was counted in a minute. A value that is new takes one of
// room; what there is no room for is other.
func (b *block) put(minute int, s *Sheet, room *int) {
	b.present |= 1 << minute
	for _, line := range b.lines {
		line[minute] = 0
	}
	b.add(series{kind: online}, minute, s.Online)
	b.add(series{kind: limbo}, minute, s.Limbo)
	b.add(series{kind: unheard}, minute, s.Unheard)
	for d := range s.by {
		held := 0
		for name := range b.lines {
			if name.kind == byDimension+uint8(d) && name.value != other {
				held++
			}
		}
		for _, value := range largest(s.by[d]) {
			name := seriesOf(Dimension(d), value)
			if b.lines[name] == nil && value != other {
				if held >= maxValues || *room <= 0 {
					name.value = other
				} else {
					held++
					*room--
				}
			}
			b.add(name, minute, s.by[d][value])
		}
	}
}

// add adds to a series, which begins if there is something to add.
func (b *block) add(name series, minute, n int) {
	line := b.lines[name]
	if line == nil {
		if n == 0 {
			return
		}
		line = new([minutes]uint32)
		b.lines[name] = line
	}
	line[minute] += uint32(n)
}

// largest lists values, those with the most devices first.
func largest(by map[uint64]int) []uint64 {
	return slices.SortedFunc(maps.Keys(by), func(a, b uint64) int {
		return cmp.Or(cmp.Compare(by[b], by[a]), cmp.Compare(a, b))
	})
}

// sheet gives what was counted in a minute.
func (b *block) sheet(minute int) *Sheet {
	s := new(Sheet)
	for name, line := range b.lines {
		n := int(line[minute])
		switch {
		case n == 0:
		case name.kind >= byDimension:
			s.put(Dimension(name.kind-byDimension), name.value, n)
		default:
			s.Add(headcountOf(name.kind, n))
		}
	}
	return s
}

func headcountOf(kind uint8, n int) (h device.Headcount) {
	switch kind {
	case online:
		h.Online = n
	case limbo:
		h.Limbo = n
	case unheard:
		h.Unheard = n
	}
	return h
}

// The first byte of an encoded block, which is its version, and what is added to
// it if the block is partial.
const (
	blockVersion = 1
	partialFlag  = 0x80
)

// encode gives the block as it is kept:
//
//	version (1) ‖ present (8) ‖ for each series: kind (1) ‖ value ‖ changes ‖ for each: minutes since the last ‖ difference
//
// What has no length here is a varint.
func (b *block) encode() []byte {
	out := []byte{blockVersion}
	if b.partial {
		out[0] |= partialFlag
	}
	out = binary.BigEndian.AppendUint64(out, b.present)
	names := slices.SortedFunc(maps.Keys(b.lines), func(a, b series) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.value, b.value))
	})
	for _, name := range names {
		out = append(out, name.kind)
		out = binary.AppendUvarint(out, name.value)
		var changes []byte
		n, last, before := uint64(0), 0, uint32(0)
		for minute, v := range b.lines[name] {
			if v != before {
				changes = binary.AppendUvarint(changes, uint64(minute-last))
				changes = binary.AppendVarint(changes, int64(v)-int64(before))
				n, last, before = n+1, minute, v
			}
		}
		out = append(binary.AppendUvarint(out, n), changes...)
	}
	return out
}

// decodeBlock reads what encode gave.
func decodeBlock(in []byte) (*block, error) {
	if len(in) < 9 || in[0]&^partialFlag != blockVersion {
		return nil, errBlock
	}
	b := newBlock(binary.BigEndian.Uint64(in[1:]))
	b.partial = in[0]&partialFlag != 0
	for in = in[9:]; len(in) > 0; {
		name := series{kind: in[0]}
		r := reader{in: in[1:]}
		name.value = r.uvarint()
		line, minute, v := new([minutes]uint32), uint64(0), int64(0)
		for range min(r.uvarint(), minutes) {
			minute += r.uvarint()
			v += r.varint()
			if minute >= minutes || v < 0 || v > 1<<32-1 {
				return nil, errBlock
			}
			for at := minute; at < minutes; at++ {
				line[at] = uint32(v)
			}
		}
		if r.bad || name.kind >= byDimension+uint8(dimensions) {
			return nil, errBlock
		}
		b.lines[name] = line
		in = r.in
	}
	return b, nil
}

// reader takes varints off; bad: there was none.
type reader struct {
	in  []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.in)
	r.skip(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.in)
	r.skip(n)
	return v
}

func (r *reader) skip(n int) {
	if n <= 0 {
		r.bad, r.in = true, nil
		return
	}
	r.in = r.in[n:]
}
