package dtls_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/dtls/message"
	"pgregory.net/rapid"
)

func piece(body []byte, seq uint16, from, to int) message.Fragment {
	return message.Fragment{Type: 11, Length: len(body), Seq: seq, Offset: from, Body: body[from:to]}
}

// However messages are cut up, doubled and mixed, they come out whole and in order.
func TestReassembly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := uint16(rapid.IntRange(0, 20).Draw(t, "first"))
		var messages [][]byte
		var pieces []message.Fragment
		for i := range rapid.IntRange(1, 4).Draw(t, "messages") {
			body := rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "body")
			messages = append(messages, body)
			for at := 0; ; {
				start := rapid.IntRange(0, at).Draw(t, "start")
				end := rapid.IntRange(min(at+1, len(body)), len(body)).Draw(t, "end")
				pieces = append(pieces, piece(body, first+uint16(i), start, end))
				if at = end; at == len(body) {
					break
				}
			}
		}
		pieces = rapid.Permutation(append(pieces, pieces[:len(pieces)/2]...)).Draw(t, "order")
		r := dtls.NewReassembly(first, 70)
		var got [][]byte
		for _, p := range pieces {
			if err := r.Add(p); err != nil {
				t.Fatal(err)
			}
			for f, ok := r.Pop(); ok; f, ok = r.Pop() {
				if f.Seq != first+uint16(len(got)) || !f.Whole() {
					t.Fatalf("message %d is %+v", len(got), f)
				}
				got = append(got, f.Body)
			}
		}
		if len(got) != len(messages) {
			t.Fatalf("%d of %d messages", len(got), len(messages))
		}
		for i := range got {
			if !bytes.Equal(got[i], messages[i]) {
				t.Errorf("message %d is %x, want %x", i, got[i], messages[i])
			}
		}
		if r.Held() != 0 {
			t.Errorf("%d bytes are still held", r.Held())
		}
	})
}

// Where fragments disagree the newer counts and nothing of the older is left, so the true message gets through when it is
// repeated.
func TestFragmentsThatDisagree(t *testing.T) {
	body := []byte("the message as its sender wrote it")
	wrong := append([]byte("THE"), body[3:]...)
	longer := append(bytes.Clone(body), '!')
	other := piece(body, 1, 4, 8)
	other.Type = 16
	for name, f := range map[string]message.Fragment{
		"in a byte":        piece(wrong, 1, 2, 6),
		"in length":        piece(longer, 1, 3, 5),
		"in type":          other,
		"when complete":    piece(wrong, 1, 0, 3),
		"whole or nothing": piece(wrong, 1, 0, len(wrong)),
	} {
		t.Run(name, func(t *testing.T) {
			r := dtls.NewReassembly(0, 512) // message 0 is missing, so message 1 can't leave
			end := 20
			if name == "when complete" {
				end = len(body)
			}
			if err := r.Add(piece(body, 1, 0, end)); err != nil {
				t.Fatal(err)
			}
			if err := r.Add(f); !errors.Is(err, dtls.ErrFragment) {
				t.Fatalf("got %v, want ErrFragment", err)
			}
			// The same again agrees with itself: the older is gone.
			if err := r.Add(f); err != nil {
				t.Fatalf("the same again: %v", err)
			}
			if err := r.Add(piece(body, 1, 0, len(body))); !errors.Is(err, dtls.ErrFragment) {
				t.Fatalf("the true message: %v, want ErrFragment", err)
			}
			if err := r.Add(message.Fragment{Type: 1}); err != nil {
				t.Fatal(err)
			}
			r.Pop()
			if f, ok := r.Pop(); !ok || f.Type != 11 || !bytes.Equal(f.Body, body) {
				t.Errorf("in the end %q, %v", f.Body, ok)
			}
		})
	}
}

// No declared length and no number makes it hold more than four messages.
func TestReassemblyIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 512
		next := uint16(rapid.IntRange(0, 3).Draw(t, "next"))
		r := dtls.NewReassembly(next, limit)
		for range rapid.IntRange(1, 50).Draw(t, "fragments") {
			length := rapid.OneOf(rapid.IntRange(1, limit+2), rapid.Just(1<<24-1)).Draw(t, "length")
			offset := rapid.IntRange(0, length-1).Draw(t, "offset")
			f := message.Fragment{
				Type:   11,
				Length: length,
				Seq:    uint16(rapid.OneOf(rapid.IntRange(0, 9), rapid.Just(65535)).Draw(t, "seq")),
				Offset: offset,
				Body:   make([]byte, min(length-offset, rapid.IntRange(0, 9).Draw(t, "bytes"))),
			}
			err := r.Add(f)
			switch {
			case f.Seq < next && err != nil:
				t.Fatalf("an old message: %v", err)
			case f.Seq >= next+4 && !errors.Is(err, dtls.ErrTooMany):
				t.Fatalf("message %d: %v", f.Seq, err)
			case f.Seq >= next && f.Seq < next+4 && length > limit && !errors.Is(err, dtls.ErrTooBig):
				t.Fatalf("%d bytes: %v", length, err)
			}
			if r.Held() > 4*(limit+limit/8) {
				t.Fatalf("%d bytes are held", r.Held())
			}
		}
	})
}
