package sealed

import (
	"bytes"
	"crypto/aes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// sealBlocks encrypts whole blocks as they are, padding right or wrong.
func sealBlocks(t testing.TB, c Channel, blocks []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(c.key[:])
	if err != nil {
		t.Fatal(err)
	}
	out, previous := make([]byte, len(blocks)), c.writeIV[:]
	for i := 0; i < len(blocks); i += blockSize {
		for j := range blockSize {
			out[i+j] = blocks[i+j] ^ previous[j]
		}
		block.Encrypt(out[i:], out[i:])
		previous = out[i : i+blockSize]
	}
	return out
}

func TestChannelBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		device, server := testCred.Channel(), testCred.Channel()
		for range rapid.IntRange(1, 8).Draw(t, "messages") {
			from, to := &device, &server
			if rapid.Bool().Draw(t, "down") {
				from, to = to, from
			}
			message := rapid.SliceOfN(rapid.Byte(), 0, MaxPlaintext).Draw(t, "message")
			frame, err := from.Seal([]byte("before"), message)
			if err != nil || string(frame[:6]) != "before" {
				t.Fatalf("%x, %v", frame[:6], err)
			}
			ciphertext := frame[6+lengthSize:]
			if n := int(frame[6])<<8 | int(frame[7]); n != len(ciphertext) || n%blockSize != 0 || n <= len(message) {
				t.Fatalf("length %d of %d for %d", n, len(ciphertext), len(message))
			}
			got, err := to.Open([]byte("kept"), ciphertext)
			if err != nil || !bytes.Equal(got, append([]byte("kept"), message...)) {
				t.Fatalf("%x, %v; want %x", got, err, message)
			}
		}
	})
}

func TestOpenInPlace(t *testing.T) {
	device, server := testCred.Channel(), testCred.Channel()
	for _, message := range []string{"", "first", "a message of more than one block, which is not the first one"} {
		frame, err := device.Seal(nil, []byte(message))
		if err != nil {
			t.Fatal(err)
		}
		ciphertext := frame[lengthSize:]
		got, err := server.Open(ciphertext[:0], ciphertext)
		if err != nil || string(got) != message || &got[:1][0] != &ciphertext[0] {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// The next IV is the first block of the ciphertext, for each direction alone.
func TestIVs(t *testing.T) {
	c := testCred.Channel()
	if c.readIV != c.writeIV || c.readIV != [16]byte(testCred[16:32]) || c.key != [16]byte(testCred[:16]) {
		t.Fatalf("%+v", c)
	}
	frame, err := c.Seal(nil, make([]byte, 40))
	if err != nil {
		t.Fatal(err)
	}
	if c.writeIV != [16]byte(frame[lengthSize:]) || c.readIV != [16]byte(testCred[16:32]) {
		t.Errorf("after a frame of three blocks: %+v", c)
	}
}

func TestSealTooLong(t *testing.T) {
	c := testCred.Channel()
	if got, err := c.Seal([]byte("kept"), make([]byte, MaxPlaintext+1)); err != ErrTooLong || string(got) != "kept" || c != testCred.Channel() {
		t.Errorf("%x, %v", got, err)
	}
	frame, err := c.Seal(nil, make([]byte, MaxPlaintext))
	if err != nil || len(frame) != lengthSize+MaxCiphertext {
		t.Errorf("%d bytes, %v", len(frame), err)
	}
}

func TestOpenRefusesLengths(t *testing.T) {
	for _, n := range []int{0, 1, 15, 17, MaxCiphertext - 1, MaxCiphertext + 1, MaxCiphertext + blockSize, 1 << 16} {
		c := testCred.Channel()
		if got, err := c.Open([]byte("kept"), make([]byte, n)); err != ErrFrame || string(got) != "kept" {
			t.Errorf("%d bytes: %x, %v", n, got, err)
		}
	}
}

// All paddings of a last block, against the rule said plainly.
func TestPadding(t *testing.T) {
	for last := range 256 {
		for wrong := range 17 { // 16: nothing is wrong
			block := bytes.Repeat([]byte{byte(last)}, blockSize)
			if wrong < blockSize {
				block[wrong] ^= 0x80
			}
			n := int(block[blockSize-1])
			want := n >= 1 && n <= blockSize && bytes.Equal(block[blockSize-min(n, blockSize):], bytes.Repeat([]byte{byte(n)}, min(n, blockSize)))
			got, good := padding(append(make([]byte, blockSize), block...))
			if got != n || good == 1 != want || good&^1 != 0 {
				t.Fatalf("%x: %d, %d; want %d, %v", block, got, good, n, want)
			}
		}
	}
}

// Good and bad padding take the same way: one error and nothing else with it,
// the channel left in the same state, the same memory used.
func TestPaddingIsNoOracle(t *testing.T) {
	blocks := func(last ...byte) []byte {
		b := bytes.Repeat([]byte{7}, 3*blockSize)
		copy(b[len(b)-len(last):], last)
		return b
	}
	good := blocks(3, 3, 3)
	want := testing.AllocsPerRun(10, func() {
		c := testCred.Channel()
		if got, err := c.Open(nil, sealBlocks(t, c, good)); err != nil || len(got) != 45 {
			t.Fatalf("%x, %v", got, err)
		}
	})
	for name, b := range map[string][]byte{
		"0": blocks(0), "17": blocks(17), "255": blocks(255),
		"first of 3 wrong": blocks(2, 3, 3), "second of 3 wrong": blocks(3, 2, 3),
		"16, one wrong": append(blocks()[:2*blockSize], append([]byte{15}, bytes.Repeat([]byte{16}, 15)...)...),
	} {
		allocs := testing.AllocsPerRun(10, func() {
			c := testCred.Channel()
			ciphertext := sealBlocks(t, c, b)
			got, err := c.Open(nil, ciphertext)
			if err != ErrFrame || len(got) != 0 {
				t.Errorf("%s: %x, %v", name, got, err)
			}
			if c.readIV != [blockSize]byte(ciphertext) {
				t.Errorf("%s: the channel stands elsewhere than after a good frame", name)
			}
		})
		if allocs != want {
			t.Errorf("%s: %v allocations, %v for good padding", name, allocs, want)
		}
	}
	// A wrong length is no other error than wrong padding.
	c := testCred.Channel()
	var s Splitter
	_, lengthErr := c.Open(nil, make([]byte, 15))
	if _, _, splitErr := s.Next([]byte{0, 15}); lengthErr != ErrFrame || splitErr != ErrFrame {
		t.Errorf("%v, %v", lengthErr, splitErr)
	}
}

func TestChannelExport(t *testing.T) {
	c := testCred.Channel()
	if _, err := c.Seal(nil, []byte("moves the write IV")); err != nil {
		t.Fatal(err)
	}
	state, err := c.AppendBinary([]byte("before"))
	if err != nil || len(state) != 6+exportSize {
		t.Fatalf("%d bytes, %v", len(state), err)
	}
	state = state[6:]
	var moved Channel
	if err := moved.UnmarshalBinary(state); err != nil || moved != c {
		t.Errorf("%+v, %v; want %+v", moved, err, c)
	}
	unknown := append([]byte{2}, state[1:]...)
	for _, bad := range [][]byte{nil, state[:len(state)-1], append(state, 0), unknown} {
		if err := moved.UnmarshalBinary(bad); !errors.Is(err, ErrExport) || moved != c {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	device, server := testCred.Channel(), testCred.Channel()
	message, buf := make([]byte, 100), make([]byte, 0, 256)
	for b.Loop() {
		frame, err := device.Seal(buf[:0], message)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := server.Open(frame[lengthSize:lengthSize], frame[lengthSize:]); err != nil {
			b.Fatal(err)
		}
	}
}
