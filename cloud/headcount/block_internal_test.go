package headcount

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestBlocksComeBack encodes blocks, and reads them.
func TestBlocksComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBlock(rapid.Uint64().Draw(t, "present"))
		b.partial = rapid.Bool().Draw(t, "partial")
		for range rapid.IntRange(0, 5).Draw(t, "series") {
			line := new([minutes]uint32)
			for minute := range line {
				line[minute] = rapid.SampledFrom([]uint32{0, 1, 7, 1 << 20, 1<<32 - 1}).Draw(t, "n")
			}
			b.lines[series{
				kind: uint8(rapid.IntRange(0, int(byDimension+uint8(dimensions))-1).Draw(t, "kind")), value: rapid.Uint64().Draw(t, "value"),
			}] = line
		}
		got, err := decodeBlock(b.encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, got, cmp.AllowUnexported(block{}, series{})); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzDecodeBlock reads what may have been damaged.
func FuzzDecodeBlock(f *testing.F) {
	b := newBlock(7)
	room := 10
	s := new(Sheet)
	s.put(Product, 13, 4)
	b.put(2, s, &room)
	f.Add(b.encode())
	f.Fuzz(func(t *testing.T, in []byte) {
		b, err := decodeBlock(in)
		if err != nil {
			return
		}
		if again, err := decodeBlock(b.encode()); err != nil || !cmp.Equal(b, again, cmp.AllowUnexported(block{}, series{})) {
			t.Errorf("it does not come back: %v", err)
		}
	})
}
