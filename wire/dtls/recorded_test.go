package dtls_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/dtls/message"
	"github.com/google/go-cmp/cmp"
)

// What real devices and a throwaway server said to each other, taken apart, opened, and said again byte for byte.

const recordings = "../testdata/device"

// line is one line of a recording.
type line struct {
	Channel string `json:"ch"`
	Dir     string `json:"dir"`
	Bytes   unhex  `json:"bytes"`

	// of the line whose channel is "secret"
	Ephemeral    unhex `json:"server_ephemeral_private"`
	ClientRandom unhex `json:"client_random"`
	ServerRandom unhex `json:"server_random"`
	Master       unhex `json:"master_secret"`
	ClientKey    unhex `json:"client_key"`
	ServerKey    unhex `json:"server_key"`
	ClientIV     unhex `json:"client_iv"`
	ServerIV     unhex `json:"server_iv"`
	CID          unhex `json:"cid"`
	SPKI         unhex `json:"device_spki"`
}

type unhex []byte

func (u *unhex) UnmarshalText(text []byte) (err error) {
	*u, err = hex.DecodeString(string(text))
	return err
}

// recording is one file, sorted.
type recording struct {
	datagrams []line // in order, both directions
	coap      map[string][][]byte
	secret    line
}

func (r *recording) keys() dtls.Keys {
	return dtls.Keys{
		ClientKey: [16]byte(r.secret.ClientKey),
		ServerKey: [16]byte(r.secret.ServerKey),
		ClientIV:  [4]byte(r.secret.ClientIV),
		ServerIV:  [4]byte(r.secret.ServerIV),
	}
}

func (r *recording) session(server bool) dtls.Session {
	s := dtls.Session{Keys: r.keys(), Server: server, ReadEpoch: 1, WriteEpoch: 1}
	if len(r.secret.CID) != 0 {
		s.CID = dtls.CID{Kind: dtls.DraftCID, Bytes: [8]byte(r.secret.CID)}
	}
	return s
}

func load(t testing.TB, path string) *recording {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec := &recording{coap: make(map[string][][]byte)}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		switch l.Channel {
		case "udp":
			rec.datagrams = append(rec.datagrams, l)
		case "coap":
			rec.coap[l.Dir] = append(rec.coap[l.Dir], l.Bytes)
		case "secret":
			rec.secret = l
		}
	}
	if len(rec.datagrams) == 0 || rec.secret.Master == nil {
		t.Fatalf("%s: nothing to replay", path)
	}
	return rec
}

// eachRecording runs f over every recording of a UDP device.
func eachRecording(t *testing.T, f func(t *testing.T, rec *recording)) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(recordings, "os-*-udp*.jsonl"))
	if err != nil || len(paths) < 4 {
		t.Fatalf("found %d recordings, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) { f(t, load(t, path)) })
	}
}

func privateKey(t testing.TB, name string) *ecdsa.PrivateKey {
	t.Helper()
	der, err := os.ReadFile(filepath.Join(recordings, "keys", name))
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParseECPrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// records splits a datagram, to its last byte.
func records(t testing.TB, datagram []byte) (list []dtls.Record) {
	t.Helper()
	for len(datagram) > 0 {
		r, rest, err := dtls.ParseRecord(datagram)
		if err != nil {
			t.Fatalf("%x: %v", datagram, err)
		}
		list, datagram = append(list, r), rest
	}
	return list
}

// flow is the handshake of a recording: its messages in order, with the session to open the Finished.
func flow(t testing.TB, rec *recording) (list []message.Fragment) {
	t.Helper()
	sides := map[string]dtls.Session{"device": rec.session(true), "server": rec.session(false)}
	for _, d := range rec.datagrams {
		for _, r := range records(t, d.Bytes) {
			plaintext := r.Fragment
			if r.Epoch == 1 {
				reader := sides[d.Dir]
				kind, opened, err := reader.OpenAny(r)
				if err != nil {
					t.Fatalf("%x: %v", r.Raw, err)
				}
				if kind != dtls.Handshake {
					continue
				}
				plaintext = opened
			} else if r.Type != dtls.Handshake {
				continue
			}
			f, rest, err := message.ParseFragment(plaintext)
			if err != nil || len(rest) != 0 || !f.Whole() {
				t.Fatalf("%x: %v, %d bytes left", plaintext, err, len(rest))
			}
			if again := f.Append(nil); !bytes.Equal(again, plaintext) {
				t.Errorf("header: wrote %x, read %x", again, plaintext)
			}
			list = append(list, f)
		}
	}
	return list
}

// reencode parses a message and writes it again.
func reencode(f message.Fragment) ([]byte, error) {
	switch f.Type {
	case message.TypeClientHello:
		m, err := message.ParseClientHello(f.Body)
		return m.Append(nil), err
	case message.TypeHelloVerifyRequest:
		m, err := message.ParseHelloVerifyRequest(f.Body)
		return m.Append(nil), err
	case message.TypeServerHello:
		m, err := message.ParseServerHello(f.Body)
		return m.Append(nil), err
	case message.TypeServerKeyExchange:
		m, err := message.ParseServerKeyExchange(f.Body)
		return m.Append(nil), err
	case message.TypeCertificateRequest:
		m, err := message.ParseCertificateRequest(f.Body)
		return m.Append(nil), err
	case message.TypeServerHelloDone:
		m, err := message.ParseServerHelloDone(f.Body)
		return m.Append(nil), err
	case message.TypeCertificate:
		m, err := message.ParseCertificate(f.Body)
		return m.Append(nil), err
	case message.TypeClientKeyExchange:
		m, err := message.ParseClientKeyExchange(f.Body)
		return m.Append(nil), err
	case message.TypeCertificateVerify:
		m, err := message.ParseCertificateVerify(f.Body)
		return m.Append(nil), err
	case message.TypeFinished:
		m, err := message.ParseFinished(f.Body)
		return m.Append(nil), err
	}
	return nil, errors.New("unknown message")
}

func TestRecordedMessagesParseAndReencode(t *testing.T) {
	eachRecording(t, func(t *testing.T, rec *recording) {
		kinds := []message.Type{1, 3, 1, 2, 12, 13, 14, 11, 16, 15, 20, 20}
		var seen []message.Type
		for _, f := range flow(t, rec) {
			seen = append(seen, f.Type)
			again, err := reencode(f)
			if err != nil || !bytes.Equal(again, f.Body) {
				t.Errorf("type %d: wrote %x, read %x, %v", f.Type, again, f.Body, err)
			}
		}
		if diff := cmp.Diff(kinds, seen); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

func TestRecordedSecretsAreDerivedAgain(t *testing.T) {
	serverKey := privateKey(t, "server-ec.priv.der")
	eachRecording(t, func(t *testing.T, rec *recording) {
		list := flow(t, rec)[2:] // from the hello with the cookie on
		var transcript []byte
		upTo := func(n int) []byte { // the transcript before message n
			transcript = transcript[:0]
			for _, f := range list[:n] {
				transcript = f.Append(transcript)
			}
			return transcript
		}
		clientRandom, serverRandom := [32]byte(rec.secret.ClientRandom), [32]byte(rec.secret.ServerRandom)

		exchange, _ := message.ParseServerKeyExchange(list[2].Body)
		digest := sha256.Sum256(exchange.AppendSigned(nil, &clientRandom, &serverRandom))
		if !dtls.Std().Verify(&serverKey.PublicKey, digest[:], exchange.Signature) {
			t.Error("ServerKeyExchange is not signed with the server's key")
		}

		certificate, _ := message.ParseCertificate(list[5].Body)
		if !bytes.Equal(certificate.SPKI, rec.secret.SPKI) {
			t.Errorf("the device's key is %x, want %x", certificate.SPKI, rec.secret.SPKI)
		}
		device, err := dtls.ParsePublicKey(certificate.SPKI)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := dtls.AppendPublicKey(nil, device); err != nil || !bytes.Equal(again, certificate.SPKI) {
			t.Errorf("the device's key was written as %x, %v", again, err)
		}
		verify, _ := message.ParseCertificateVerify(list[7].Body)
		digest = sha256.Sum256(upTo(7))
		if !dtls.Std().Verify(device, digest[:], verify.Signature) {
			t.Error("CertificateVerify is not signed with the device's key")
		}

		ephemeral, err := dtls.Std().NewKey(rec.secret.Ephemeral)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(ephemeral.PublicKey().Bytes(), exchange.Point) {
			t.Error("the ephemeral key is not the one that was sent")
		}
		point, _ := message.ParseClientKeyExchange(list[6].Body)
		secret, err := dtls.Std().Agree(ephemeral, point.Point)
		if err != nil {
			t.Fatal(err)
		}
		got := dtls.Derive(secret, clientRandom, serverRandom, bytes.Clone(upTo(8)), bytes.Clone(upTo(9)))
		client, _ := message.ParseFinished(list[8].Body)
		server, _ := message.ParseFinished(list[9].Body)
		want := dtls.Secrets{
			Master:         [48]byte(rec.secret.Master),
			Keys:           rec.keys(),
			ClientFinished: client.VerifyData,
			ServerFinished: server.VerifyData,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("secrets (-want +got):\n%s", diff)
		}
	})
}

// TestRecordedRecordsOpenAndSeal opens every record of both directions as its receiver, compares it with the CoAP message of
// the log, and seals it again as its sender.
func TestRecordedRecordsOpenAndSeal(t *testing.T) {
	eachRecording(t, func(t *testing.T, rec *recording) {
		server, client := rec.session(true), rec.session(false)
		sides := map[string]struct{ reads, writes *dtls.Session }{
			"device": {&server, &client},
			"server": {&client, &server},
		}
		opened := map[string][][]byte{}
		moved := 0
		for _, d := range rec.datagrams {
			for _, r := range records(t, d.Bytes) {
				side := sides[d.Dir]
				if r.Epoch == 0 {
					continue
				}
				kind, plaintext, err := side.reads.OpenAny(r)
				if err != nil {
					t.Fatalf("%x: %v", r.Raw, err)
				}
				_, _, err = side.reads.Open(nil, r)
				switch {
				case kind == dtls.Handshake && !errors.Is(err, dtls.ErrHandshakeRecord), kind == dtls.ApplicationData && err != nil:
					t.Errorf("Open: %v", err)
				case kind == dtls.ApplicationData:
					opened[d.Dir] = append(opened[d.Dir], plaintext)
				}
				if _, _, err = side.reads.Open(nil, r); !errors.Is(err, dtls.ErrReplay) {
					t.Errorf("a second time: %v, want ErrReplay", err)
				}

				side.writes.WriteSeq = r.Seq
				if side.writes.Moving = r.Moved; r.Moved {
					moved++
				}
				if r.DeviceID != nil {
					side.writes.DeviceID = [12]byte(r.DeviceID)
				}
				again, err := side.writes.Seal(nil, kind, plaintext)
				if err != nil || !bytes.Equal(again, r.Raw) {
					t.Errorf("sealed %x, want %x, %v", again, r.Raw, err)
				}
			}
		}
		if diff := cmp.Diff(rec.coap, opened); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		t.Logf("%d + %d messages, %d from a new address", len(opened["device"]), len(opened["server"]), moved)
	})
}

// TestRecordedServerIsAnswered lets our client be the device: with its random bytes it says the same hellos, and it accepts
// the server's flight.
func TestRecordedServerIsAnswered(t *testing.T) {
	cfg := dtls.ClientConfig{
		Key:       privateKey(t, "device-ec.priv.der"),
		ServerKey: &privateKey(t, "server-ec.priv.der").PublicKey,
	}
	eachRecording(t, func(t *testing.T, rec *recording) {
		cfg := cfg
		cfg.NoCID = len(rec.secret.CID) == 0
		random := dtls.ClientRandom{Random: [32]byte(rec.secret.ClientRandom), Ephemeral: [32]byte{31: 7}}
		now := time.Unix(0, 0)
		h, said, err := dtls.NewClientHandshake(&cfg, now, random)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range rec.datagrams[:7] {
			if d.Dir == "device" {
				if len(said) != 1 || !bytes.Equal(said[0], d.Bytes) {
					t.Errorf("said %x, the device %x", said, d.Bytes)
				}
				continue
			}
			out, err := h.Receive(now, d.Bytes)
			if err != nil || out.Dropped != nil {
				t.Fatalf("%x: %v, %v", d.Bytes, err, out.Dropped)
			}
			if out.Send != nil {
				said = out.Send
			}
		}
		if h.Stage() != dtls.StageKeyExchange || len(said) != 1 {
			t.Fatalf("stage %v, %d datagrams", h.Stage(), len(said))
		}
		// The device's flight has the same records in the same order, and the same length give or take a signature.
		want := records(t, rec.datagrams[7].Bytes)
		for i, r := range records(t, said[0]) {
			if r.Type != want[i].Type || r.Epoch != want[i].Epoch || r.Seq != want[i].Seq {
				t.Errorf("record %d is %v %d/%d, the device's %v %d/%d", i, r.Type, r.Epoch, r.Seq, want[i].Type, want[i].Epoch, want[i].Seq)
			}
		}
	})
}
