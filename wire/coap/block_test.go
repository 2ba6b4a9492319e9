package coap_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cyan-cloud/cyan/wire/coap"
	"pgregory.net/rapid"
)

func TestBlockOption(t *testing.T) {
	tests := []struct {
		bytes string
		want  coap.Block
	}{
		{"", coap.Block{}},
		{"06", coap.Block{SZX: 6}},
		{"16", coap.Block{Num: 1, SZX: 6}}, // as a device's describe is fetched
		{"0e", coap.Block{More: true, SZX: 6}},
		{"08", coap.Block{More: true}},
		{"1000", coap.Block{Num: 256}},
		{"fffffe", coap.Block{Num: 1<<20 - 1, More: true, SZX: 6}},
	}
	for _, tt := range tests {
		value := unhex(t, tt.bytes)
		got, err := coap.ParseBlock(value)
		if err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v", tt.bytes, got, err)
		}
		if back := got.Append(nil); !bytes.Equal(back, value) {
			t.Errorf("%s: written as %x", tt.bytes, back)
		}
	}
	for _, bad := range []string{"07", "0f", "01000006", "0000000006"} {
		if b, err := coap.ParseBlock(unhex(t, bad)); !errors.Is(err, coap.ErrBlock) {
			t.Errorf("%s: %+v, %v", bad, b, err)
		}
	}
}

func TestBlockSizes(t *testing.T) {
	for size, want := range map[int]uint8{0: 0, 16: 0, 31: 0, 32: 1, 64: 2, 511: 4, 512: 5, 1023: 5, 1024: 6, 5000: 6} {
		if got := coap.SZX(size); got != want {
			t.Errorf("SZX(%d) = %d, want %d", size, got, want)
		}
	}
	b := coap.Block{Num: 3, SZX: 5}
	if b.Size() != 512 || b.Offset() != 1536 {
		t.Errorf("size %d offset %d", b.Size(), b.Offset())
	}
}

func TestAssembler(t *testing.T) {
	more, last := true, false
	block := func(num uint32, more bool) coap.Block { return coap.Block{Num: num, More: more} }
	full := make([]byte, 16)
	type step struct {
		b    coap.Block
		p    []byte
		want error
		done bool
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"one block", []step{{block(0, last), full[:5], nil, true}}},
		{"nothing at all", []step{{block(0, last), nil, nil, true}}},
		{"last block empty", []step{{block(0, more), full, nil, false}, {block(1, last), nil, nil, true}}},
		{"begins anew", []step{
			{block(0, more), full, nil, false},
			{block(0, more), full, nil, false},
			{block(1, last), full[:1], nil, true},
		}},
		{"two bodies", []step{{block(0, last), full, nil, true}, {block(0, last), full, nil, true}}},
		{"begins late", []step{{block(1, last), full, coap.ErrBlockOrder, false}}},
		{"gap", []step{{block(0, more), full, nil, false}, {block(2, last), full, coap.ErrBlockOrder, false}}},
		{"again", []step{
			{block(0, more), full, nil, false},
			{block(1, more), full, nil, false},
			{block(1, more), full, coap.ErrBlockOrder, false},
		}},
		{"nothing is kept after an error", []step{
			{block(0, more), full, nil, false},
			{block(2, more), full, coap.ErrBlockOrder, false},
			{block(1, last), full, coap.ErrBlockOrder, false},
		}},
		{"short in the middle", []step{{block(0, more), full[:15], coap.ErrBlock, false}}},
		{"longer than its size", []step{{block(0, last), make([]byte, 17), coap.ErrBlock, false}}},
		{"smaller size from here on", []step{
			{coap.Block{Num: 0, More: true, SZX: 1}, make([]byte, 32), nil, false},
			{block(2, last), full[:3], nil, true},
		}},
		{"as long as allowed", []step{
			{block(0, more), full, nil, false}, {block(1, more), full, nil, false}, {block(2, last), full[:8], nil, true},
		}},
		{"one byte too long", []step{
			{block(0, more), full, nil, false},
			{block(1, more), full, nil, false},
			{block(2, last), full[:9], coap.ErrTooLarge, false},
		}},
	}
	for _, tt := range tests {
		a := coap.Assembler{Max: 40}
		total := 0
		for i, s := range tt.steps {
			if s.b.Num == 0 {
				total = 0
			}
			total += len(s.p)
			whole, done, err := a.Add(s.b, s.p)
			if !errors.Is(err, s.want) || done != s.done {
				t.Errorf("%s, step %d: done %v, %v", tt.name, i, done, err)
			}
			if done && len(whole) != total {
				t.Errorf("%s, step %d: %d bytes, want %d", tt.name, i, len(whole), total)
			}
			if (done || err != nil) && a.Received() != 0 {
				t.Errorf("%s, step %d: %d bytes stayed", tt.name, i, a.Received())
			}
		}
	}
}

func TestAssemblerDrop(t *testing.T) {
	a := coap.Assembler{Max: 100}
	if _, _, err := a.Add(coap.Block{More: true}, make([]byte, 16)); err != nil || a.Received() != 16 {
		t.Fatalf("%d bytes, %v", a.Received(), err)
	}
	a.Drop()
	if a.Received() != 0 {
		t.Error("bytes stayed")
	}
}

func TestSplitterEnds(t *testing.T) {
	s := coap.Splitter{}
	if b, p, ok := s.Block(0); !ok || len(p) != 0 || b.More || s.Count() != 1 {
		t.Errorf("an empty body is one empty block: %+v %x %v", b, p, ok)
	}
	if _, _, ok := s.Block(1); ok {
		t.Error("an empty body has a second block")
	}
	s = coap.Splitter{Body: make([]byte, 32)}
	if b, p, ok := s.Block(1); !ok || len(p) != 16 || b.More {
		t.Errorf("last full block: %+v %d %v", b, len(p), ok)
	}
	if _, _, ok := s.Block(1<<32 - 1); ok {
		t.Error("a block past all blocks")
	}
}

// What one side cuts, the other puts together.
func TestBlocksRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 0, 5000).Draw(t, "body")
		s := coap.Splitter{Body: body, SZX: rapid.Uint8Range(0, coap.MaxSZX).Draw(t, "szx")}
		a := coap.Assembler{Max: len(body)}
		for num := range uint32(s.Count()) {
			b, payload, ok := s.Block(num)
			if !ok {
				t.Fatalf("no block %d of %d", num, s.Count())
			}
			onWire, err := coap.ParseBlock(b.Append(nil))
			if err != nil || onWire != b {
				t.Fatalf("block %+v became %+v, %v", b, onWire, err)
			}
			whole, done, err := a.Add(onWire, payload)
			if err != nil || done == b.More {
				t.Fatalf("block %+v: done %v, %v", b, done, err)
			}
			if done && !bytes.Equal(whole, body) {
				t.Fatalf("%d bytes came, %d went", len(whole), len(body))
			}
		}
	})
}
