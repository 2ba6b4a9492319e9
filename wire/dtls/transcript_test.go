package dtls_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/dtls/message"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write testdata/*.txtar anew; read the difference before you commit it")

var messageNames = map[message.Type]string{
	message.TypeClientHello:        "ClientHello",
	message.TypeServerHello:        "ServerHello",
	message.TypeHelloVerifyRequest: "HelloVerifyRequest",
	message.TypeCertificate:        "Certificate",
	message.TypeServerKeyExchange:  "ServerKeyExchange",
	message.TypeCertificateRequest: "CertificateRequest",
	message.TypeServerHelloDone:    "ServerHelloDone",
	message.TypeCertificateVerify:  "CertificateVerify",
	message.TypeClientKeyExchange:  "ClientKeyExchange",
	message.TypeFinished:           "Finished",
}

// transcript is what crossed the network: once to be read, once byte for byte.
type transcript struct {
	story, bytes strings.Builder
}

func (tr *transcript) tap(now time.Time, toServer bool, datagram []byte) {
	arrow := "server → device"
	if toServer {
		arrow = "device → server"
	}
	fmt.Fprintf(&tr.story, "%6.3f s  %s  %d bytes\n", now.Sub(begin).Seconds(), arrow, len(datagram))
	fmt.Fprintf(&tr.bytes, "%s %x\n", arrow, datagram)
	for len(datagram) > 0 {
		r, rest, err := dtls.ParseRecord(datagram)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&tr.story, "    type %-3d epoch %d number %-2d  %s\n", r.Type, r.Epoch, r.Seq, describe(r))
		datagram = rest
	}
}

// describe says what is in a record, as far as a stranger can see.
func describe(r dtls.Record) string {
	switch {
	case r.Epoch != 0 && r.CID != nil:
		return fmt.Sprintf("connection id %x, %d bytes sealed", r.CID, len(r.Fragment))
	case r.Epoch != 0:
		return fmt.Sprintf("%d bytes sealed", len(r.Fragment))
	case r.Type == dtls.ChangeCipherSpec:
		return "ChangeCipherSpec"
	case r.Type == dtls.Alert:
		_, description, err := dtls.ParseAlert(r.Fragment)
		if err != nil {
			panic(err)
		}
		return "alert " + description.String()
	}
	f, _, err := message.ParseFragment(r.Fragment)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%s %d, %d bytes", messageNames[f.Type], f.Seq, f.Length)
}

// Handshakes as stories. With the same random bytes they are the same to the last bit.
func TestTranscripts(t *testing.T) {
	nothing := func(*dtls.ClientConfig, *door) {}
	losing := func(which ...int) func(time.Time, bool, []byte) []letter {
		n := 0
		return func(now time.Time, _ bool, datagram []byte) []letter {
			n++
			if slices.Contains(which, n) {
				return nil
			}
			return []letter{{at: now.Add(100 * time.Millisecond), bytes: datagram}}
		}
	}
	for _, test := range []struct {
		name, comment string
		change        func(*dtls.ClientConfig, *door)
		route         func(time.Time, bool, []byte) []letter
	}{
		{"draft-cid", "Device OS 3.1 and later: a connection id by the draft. One word and its answer follow.", nothing, nil},
		{"rfc9146-cid", "A client that offers extension 54.", func(c *dtls.ClientConfig, _ *door) { c.RFC9146 = true }, nil},
		{"no-cid", "Device OS before 3.1: no connection id.", func(c *dtls.ClientConfig, _ *door) { c.NoCID = true }, nil},
		{"lost-last-flight", "The server's Finished is lost; the device repeats its flight after 3 s.", nothing, losing(6)},
		{"lost-server-flight", "The server's first flight is lost; its own timer is the faster.", nothing, losing(4)},
		{"slow-disk", "The session is durable only 4 s after the client is verified.", func(_ *dtls.ClientConfig, d *door) { d.slowness = 4 * time.Second }, losing()},
		{"wrong-server-key", "The device's flash holds another server's key.", func(c *dtls.ClientConfig, _ *door) { c.ServerKey = &c.Key.PublicKey }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, server := configs(t)
			door, tr := newDoor(server), &transcript{}
			test.change(client, door)
			h, first, err := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{Random: random32("client random"), Ephemeral: random32("client ephemeral")})
			if err != nil {
				t.Fatal(err)
			}
			device := &device{h: h, word: []byte("hello")}
			net := &network{tap: tr.tap, route: test.route}
			net.run(device, door, first, begin.Add(time.Minute))
			golden(t, filepath.Join("testdata", test.name+".txtar"), &txtar.Archive{
				Comment: []byte(test.comment + "\n"),
				Files: []txtar.File{
					{Name: "story", Data: []byte(tr.story.String() + outcome(device, door))},
					{Name: "bytes", Data: []byte(tr.bytes.String())},
				},
			})
		})
	}
}

// outcome is how a story ends.
func outcome(device *device, door *door) string {
	var b strings.Builder
	fmt.Fprintf(&b, "device: %v, heard %q\n", orConnected(device.failure, device.session), device.opened)
	fmt.Fprintf(&b, "server: %v, heard %q\n", orConnected(door.refusal, door.session), door.opened)
	for _, s := range []*dtls.Session{device.session, door.session} {
		if s != nil {
			stored, _ := s.MarshalBinary()
			fmt.Fprintf(&b, "session: %x\n", stored)
		}
	}
	return b.String()
}

func orConnected(err error, s *dtls.Session) any {
	if err == nil && s != nil {
		return "connected"
	}
	return err
}

// golden compares an archive with the file, or writes the file.
func golden(t *testing.T, path string, got *txtar.Archive) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b := txtar.Format(got); !bytes.Equal(b, want) {
		t.Errorf("%s (-want +got):\n%s", path, cmp.Diff(string(want), string(b)))
	}
}
