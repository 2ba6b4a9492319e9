package sealed

import (
	"bufio"
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// connection is one recorded connection of a real device.
type connection struct {
	device, server    []byte   // the two streams as they crossed the socket
	said, answered    [][]byte // the messages inside, in their order
	nonce, cred, blob []byte   // what opens them
}

func record(t *testing.T, name string) []*connection {
	t.Helper()
	f, err := os.Open("../testdata/device/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []*connection
	var c *connection
	peer := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Ch, Dir, Bytes, Nonce, Credentials string
			Peer                               int
			Blob                               string `json:"device_blob"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		b := unhex(t, line.Bytes)
		if line.Ch == "tcp" && line.Peer != peer {
			c, peer = &connection{}, line.Peer
			all = append(all, c)
		}
		switch line.Ch + " " + line.Dir {
		case "tcp device":
			c.device = append(c.device, b...)
		case "tcp server":
			c.server = append(c.server, b...)
		case "coap device":
			c.said = append(c.said, b)
		case "coap server":
			c.answered = append(c.answered, b)
		case "secret ":
			c.nonce, c.cred, c.blob = unhex(t, line.Nonce), unhex(t, line.Credentials), unhex(t, line.Blob)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// paddingOf takes the padding out of a PKCS#1 v1.5 ciphertext.
func paddingOf(t *testing.T, key *rsa.PrivateKey, ciphertext []byte) []byte {
	t.Helper()
	block := new(big.Int).Exp(new(big.Int).SetBytes(ciphertext), key.D, key.N).FillBytes(make([]byte, key.Size()))
	padding, _, ok := bytes.Cut(block[2:], []byte{0})
	if block[0] != 0 || block[1] != 2 || !ok {
		t.Fatalf("not PKCS#1: %x", block)
	}
	return padding
}

// Each recorded connection opens with the keys alone, holds what was said,
// and is made again byte for byte by our two ends.
func TestRecordedConnections(t *testing.T) {
	for name, want := range map[string]int{"os-2.3.1-tcp.jsonl": 1, "os-6.2.0-tcp.jsonl": 7} {
		t.Run(name, func(t *testing.T) {
			all := record(t, name)
			if len(all) != want {
				t.Fatalf("%d connections, want %d", len(all), want)
			}
			for _, c := range all {
				server, device := replayHandshake(t, c)
				replayFrames(t, c.device[BlobSize:], c.said, server, device)
				replayFrames(t, c.server[NonceSize+ReplySize:], c.answered, device, server)
			}
		})
	}
}

func replayHandshake(t *testing.T, c *connection) (server, device *Channel) {
	t.Helper()
	nonce, blob := [NonceSize]byte(c.server), [BlobSize]byte(c.device)
	reply := [ReplySize]byte(c.server[NonceSize:])

	s, err := NewServerHandshake(serverKey(t), nonce)
	if err != nil || s.Nonce() != [NonceSize]byte(c.nonce) {
		t.Fatalf("nonce %x, %v", s.Nonce(), err)
	}
	claim, err := s.Receive(blob)
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Join([][]byte{nonce[:], claim.DeviceID[:], claim.DeviceKey[:]}, nil); !bytes.Equal(got, c.blob) {
		t.Errorf("blob\n got %x\nwant %x", got, c.blob)
	}
	if !bytes.Equal(claim.DeviceKey[:], readKey(t, "device-rsa.pub.der")) {
		t.Error("not the device's key")
	}

	d := ClientHandshake{ServerKey: &serverKey(t).PublicKey, Key: deviceKey(t), DeviceID: claim.DeviceID}
	again, err := d.answer(nonce, paddingOf(t, serverKey(t), blob[:]))
	if err != nil || again != blob {
		t.Errorf("the blob made again, %v:\n got %x\nwant %x", err, again, blob)
	}
	cred, deviceEnd, err := d.Finish(reply)
	if err != nil || cred != Credentials(c.cred) {
		t.Fatalf("credentials %x, %v; want %x", cred, err, c.cred)
	}

	pub, err := claim.DeviceKey.Parse()
	if err != nil {
		t.Fatal(err)
	}
	made, serverEnd, err := s.reply(pub, cred, paddingOf(t, deviceKey(t), reply[:encryptedSize]))
	if err != nil || made != reply {
		t.Errorf("the reply made again, %v:\n got %x\nwant %x", err, made, reply)
	}
	// The device's first message id follows the salt's first bytes.
	if first := uint16(c.said[0][2])<<8 | uint16(c.said[0][3]); first != cred.MessageID()+1 {
		t.Errorf("first message id %x, salt says %x", first, cred.MessageID())
	}
	return &serverEnd, &deviceEnd
}

func replayFrames(t *testing.T, stream []byte, want [][]byte, reader, writer *Channel) {
	t.Helper()
	var s Splitter
	var got [][]byte
	var sealed []byte
	for rest := stream; ; {
		frame, next, err := s.Next(rest)
		if err != nil {
			t.Fatal(err)
		}
		if frame == nil {
			break
		}
		rest = next
		message, err := reader.Open(nil, frame)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, message)
		if sealed, err = writer.Seal(sealed, message); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages:\n%s", diff)
	}
	if len(s.Pending()) != 0 {
		t.Errorf("%d bytes of an unfinished frame", len(s.Pending()))
	}
	if !bytes.Equal(sealed, stream) {
		t.Error("sealed again, the stream is another")
	}
}
