package sealed

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func frames(t testing.TB, lengths ...int) (stream []byte, want [][]byte) {
	t.Helper()
	for i, n := range lengths {
		frame := bytes.Repeat([]byte{byte(i + 1)}, n)
		want = append(want, frame)
		stream = binary.BigEndian.AppendUint16(stream, uint16(n))
		stream = append(stream, frame...)
	}
	return stream, want
}

// take feeds p to s and collects what comes out.
func take(s *Splitter, p []byte) (got [][]byte, err error) {
	for {
		frame, rest, err := s.Next(p)
		if err != nil || frame == nil {
			return got, err
		}
		got = append(got, bytes.Clone(frame))
		p = rest
	}
}

// However the stream is cut, the same frames come out.
func TestSplitter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blocks := rapid.SliceOfN(rapid.IntRange(1, MaxCiphertext/blockSize), 0, 6).Draw(t, "blocks")
		var stream []byte
		var want [][]byte
		for i, n := range blocks {
			frame := bytes.Repeat([]byte{byte(i + 1)}, n*blockSize)
			want = append(want, frame)
			stream = append(binary.BigEndian.AppendUint16(stream, uint16(len(frame))), frame...)
		}
		var s Splitter
		var got [][]byte
		for len(stream) > 0 {
			n := rapid.IntRange(0, min(len(stream), 700)).Draw(t, "piece")
			if n == 0 {
				n = 1
			}
			piece := bytes.Clone(stream[:n])
			more, err := take(&s, piece)
			if err != nil {
				t.Fatal(err)
			}
			clear(piece) // the buffer is the caller's again
			got, stream = append(got, more...), stream[n:]
			if len(s.Pending()) > lengthSize+MaxCiphertext || cap(s.Pending()) > lengthSize+MaxCiphertext {
				t.Fatalf("%d bytes held", cap(s.Pending()))
			}
			if rapid.Bool().Draw(t, "moved") {
				moved := Splitter{}
				if more, err := take(&moved, s.Pending()); more != nil || err != nil {
					t.Fatalf("pending bytes held a frame: %x, %v", more, err)
				}
				s = moved
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if s.Pending() != nil {
			t.Fatalf("%d bytes held between frames", len(s.Pending()))
		}
	})
}

func TestSplitterRefuses(t *testing.T) {
	good, want := frames(t, 16, 32)
	for _, n := range []int{0, 1, 15, 17, MaxCiphertext + 16, 0xfff0, 0xffff} {
		bad := append(bytes.Clone(good), byte(n>>8), byte(n))
		bad = append(bad, make([]byte, 40)...)
		var whole, bytewise Splitter
		got, err := take(&whole, bad)
		if err != ErrFrame {
			t.Errorf("length %d: %v", n, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("length %d: %s", n, diff)
		}
		if _, err := take(&whole, good); err != ErrFrame {
			t.Errorf("length %d: the stream goes on with %v", n, err)
		}
		if cap(whole.Pending()) > 16 {
			t.Errorf("length %d: %d bytes were allocated", n, cap(whole.Pending()))
		}
		for i := range bad {
			if _, err = take(&bytewise, bad[i:i+1]); err != nil {
				break
			}
		}
		if err != ErrFrame {
			t.Errorf("length %d, byte by byte: %v", n, err)
		}
	}
}

// The usual case, whole frames in one read, costs no memory.
func TestSplitterAllocatesNothing(t *testing.T) {
	stream, want := frames(t, 16, 80, 16)
	var s Splitter
	allocs := testing.AllocsPerRun(10, func() {
		n := 0
		for p := stream; ; n++ {
			frame, rest, err := s.Next(p)
			if err != nil {
				t.Fatal(err)
			}
			if frame == nil {
				break
			}
			p = rest
		}
		if n != len(want) {
			t.Fatalf("%d frames", n)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
