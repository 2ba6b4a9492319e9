package sealed

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzServerHandshake(f *testing.F) {
	server, err := NewServerHandshake(serverKey(f), testNonce)
	if err != nil {
		f.Fatal(err)
	}
	device := ClientHandshake{ServerKey: &serverKey(f).PublicKey, Key: deviceKey(f)}
	good, err := device.Answer(testNonce, [32]byte{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good[:])
	for _, blob := range badBlobs(f) {
		f.Add(blob[:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var blob [BlobSize]byte
		copy(blob[:], b)
		claim, err := server.Receive(blob)
		switch {
		case blob == good && err != nil:
			t.Fatal(err)
		case blob != good && err != ErrHandshake && err != nil:
			t.Fatalf("another error: %v", err)
		case err != nil && claim != (Claim{}):
			t.Fatalf("a claim with an error: %x", claim)
		}
	})
}

func FuzzClientHandshake(f *testing.F) {
	device := ClientHandshake{ServerKey: &serverKey(f).PublicKey, Key: deviceKey(f)}
	server, err := NewServerHandshake(serverKey(f), testNonce)
	if err != nil {
		f.Fatal(err)
	}
	good, _, err := server.Accept(&device.Key.PublicKey, testCred, [32]byte{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good[:])
	f.Fuzz(func(t *testing.T, b []byte) {
		var reply [ReplySize]byte
		copy(reply[:], b)
		_, c, err := device.Finish(reply)
		if (err == nil) != (reply == good) || (err != nil) != (c == Channel{}) {
			t.Fatalf("%v, channel %v", err, c)
		}
	})
}

func FuzzDeviceKey(f *testing.F) {
	f.Add(readKey(f, "device-rsa.pub.der"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var k DeviceKey
		copy(k[:], b)
		pub, err := k.Parse()
		if err != nil {
			return
		}
		if again, err := NewDeviceKey(pub); err != nil || again != k {
			t.Fatalf("%x, %v", again, err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	writer := testCred.Channel()
	frame, err := writer.Seal(nil, []byte("message"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame[lengthSize:])
	f.Add(make([]byte, 15))
	f.Fuzz(func(t *testing.T, ciphertext []byte) {
		reader, writer := testCred.Channel(), testCred.Channel()
		message, err := reader.Open(nil, ciphertext)
		if err != nil {
			if err != ErrFrame || len(message) != 0 {
				t.Fatalf("%x, %v", message, err)
			}
			return
		}
		again, err := writer.Seal(nil, message)
		if err != nil || !bytes.Equal(again[lengthSize:], ciphertext) {
			t.Fatalf("%x, %v; want %x", again, err, ciphertext)
		}
	})
}

func FuzzSplitter(f *testing.F) {
	stream, _ := frames(f, 16, 48)
	f.Add(stream, uint8(3))
	f.Add([]byte{0, 16, 1, 0xff, 0xf0}, uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		var whole, pieces Splitter
		want, wantErr := take(&whole, stream)
		var got [][]byte
		var err error
		for rest := stream; len(rest) > 0 && err == nil; {
			n := min(int(size)+1, len(rest))
			var more [][]byte
			more, err = take(&pieces, rest[:n])
			got, rest = append(got, more...), rest[n:]
		}
		if err != wantErr {
			t.Fatalf("in pieces %v, whole %v", err, wantErr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if cap(pieces.Pending()) > lengthSize+MaxCiphertext {
			t.Fatalf("%d bytes held", cap(pieces.Pending()))
		}
	})
}

func FuzzChannelImport(f *testing.F) {
	c := testCred.Channel()
	state, _ := c.AppendBinary(nil)
	f.Add(state)
	f.Fuzz(func(t *testing.T, b []byte) {
		var c Channel
		if c.UnmarshalBinary(b) != nil {
			return
		}
		if again, _ := c.AppendBinary(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x, want %x", again, b)
		}
	})
}
