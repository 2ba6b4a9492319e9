package dtls_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"path/filepath"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/dtls/message"
)

// everything is every recorded datagram, by direction.
func everything(f *testing.F, each func(dir string, datagram []byte)) {
	paths, err := filepath.Glob(filepath.Join(recordings, "os-*-udp*.jsonl"))
	if err != nil || len(paths) == 0 {
		f.Fatalf("no recordings, %v", err)
	}
	for _, path := range paths {
		for _, d := range load(f, path).datagrams {
			each(d.Dir, d.Bytes)
		}
	}
}

func FuzzParseRecord(f *testing.F) {
	everything(f, func(_ string, datagram []byte) { f.Add(datagram) })
	f.Fuzz(func(t *testing.T, b []byte) {
		r, rest, err := dtls.ParseRecord(b)
		if err != nil {
			return
		}
		if whole := append(bytes.Clone(r.Raw), rest...); !bytes.Equal(whole, b) {
			t.Errorf("%x and %x are not %x", r.Raw, rest, b)
		}
		if len(r.Fragment)+13 > len(r.Raw) || (r.CID != nil) != (r.Type == 25 || r.Type == 253) || (r.DeviceID != nil) != (r.Type == 254) {
			t.Errorf("%+v", r)
		}
		// No record of a stranger opens.
		for _, kind := range []dtls.CIDKind{dtls.NoCID, dtls.DraftCID, dtls.RFC9146CID} {
			_, server := sessions(kind)
			before := *server
			if _, _, err := server.Open(nil, r); err == nil || *server != before {
				t.Errorf("opened %x", r.Raw)
			}
		}
	})
}

func FuzzUnmarshalSession(f *testing.F) {
	for _, kind := range []dtls.CIDKind{dtls.NoCID, dtls.DraftCID, dtls.RFC9146CID} {
		client, server := sessions(kind)
		server.Window.Mark(99)
		for _, s := range []*dtls.Session{client, server} {
			b, _ := s.MarshalBinary()
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := dtls.UnmarshalSession(b)
		if err != nil {
			return
		}
		if again, _ := s.MarshalBinary(); !bytes.Equal(again, b) {
			t.Errorf("read %x, wrote %x", b, again)
		}
	})
}

func FuzzGreet(f *testing.F) {
	everything(f, func(dir string, datagram []byte) {
		if dir == "device" && datagram[4] == 0 {
			f.Add(datagram)
		}
	})
	server := &dtls.ServerConfig{Key: keyOf(f, "server")}
	cookies := &dtls.Cookies{Current: random32("cookie")}
	f.Fuzz(func(t *testing.T, b []byte) {
		reply, hello, err := server.Greet(begin, peer, cookies, b, nil)
		if len(reply) > len(b) || (err != nil && (hello != nil || reply != nil)) || (hello == nil) == (reply == nil) && err == nil {
			t.Errorf("reply %x, hello %v, %v", reply, hello, err)
		}
		// With any cookie taken for good, the offer is served or refused.
		if hello, err = dtls.HelloOf(b); err != nil {
			return
		}
		h, flight, err := dtls.NewServerHandshake(server, begin, hello, [8]byte{1}, dtls.ServerRandom{Ephemeral: random32("x")})
		if (h == nil) == (err == nil) || len(flight) == 0 {
			t.Errorf("handshake %v, %d datagrams, %v", h, len(flight), err)
		}
	})
}

// remembering is Std that computes nothing twice, so that a fuzzer's time goes elsewhere.
func remembering() dtls.Crypto {
	std := dtls.Std()
	keys, secrets, signatures, verdicts := map[string]*ecdh.PrivateKey{}, map[string][]byte{}, map[string][]byte{}, map[string]bool{}
	return dtls.Crypto{
		NewKey: func(scalar []byte) (key *ecdh.PrivateKey, err error) {
			if key = keys[string(scalar)]; key == nil {
				key, err = std.NewKey(scalar)
				keys[string(scalar)] = key
			}
			return key, err
		},
		Agree: func(key *ecdh.PrivateKey, point []byte) (secret []byte, err error) {
			name := string(key.Bytes()) + string(point)
			if secret = secrets[name]; secret == nil {
				if secret, err = std.Agree(key, point); err == nil {
					secrets[name] = secret
				}
			}
			return secret, err
		},
		Sign: func(key *ecdsa.PrivateKey, digest []byte) (signature []byte, err error) {
			if signature = signatures[string(digest)]; signature == nil {
				signature, err = std.Sign(key, digest)
				signatures[string(digest)] = signature
			}
			return signature, err
		},
		Verify: func(key *ecdsa.PublicKey, digest, signature []byte) bool {
			point, _ := key.Bytes()
			name := string(point) + string(digest) + string(signature)
			good, known := verdicts[name]
			if !known {
				good = std.Verify(key, digest, signature)
				verdicts[name] = good
			}
			return good
		},
	}
}

// FuzzServerHandshake gives a server that waits for the client's flight two datagrams and some time, and then the true
// flight, unless they ended it.
func FuzzServerHandshake(f *testing.F) {
	client, server := configs(f)
	client.Crypto, server.Crypto = remembering(), remembering()
	everything(f, func(dir string, datagram []byte) {
		if dir == "device" {
			f.Add(datagram, datagram, uint16(0))
		}
	})
	flight := halfway(f, client, server).flight[0]
	f.Add(flight, flight, uint16(3000))
	for len(flight) > 0 {
		r, rest, _ := dtls.ParseRecord(flight)
		f.Add(r.Raw, rest, uint16(2000))
		flight = rest
	}
	f.Fuzz(func(t *testing.T, first, second []byte, milliseconds uint16) {
		p := halfway(t, client, server)
		now, verified, over := begin, false, false
		for _, datagram := range [][]byte{first, second, p.flight[0]} {
			now = now.Add(time.Duration(milliseconds) * time.Millisecond)
			if _, err := p.server.Tick(now); err != nil {
				over = true
			}
			out, err := p.server.Receive(now, datagram)
			if over && err == nil {
				t.Fatal("it goes on after its end")
			}
			over = over || err != nil
			verified = verified || out.Verified
			size := 0
			for _, d := range out.Send {
				size += len(d)
			}
			if size > 1000 {
				t.Fatalf("%d bytes are answered with %d", len(datagram), size)
			}
		}
		if !over && !verified {
			t.Error("the true flight was not verified")
		}
		if _, s, err := p.server.Finish(now); (err == nil) != verified || (err == nil) != (s != dtls.Session{}) {
			t.Errorf("verified: %v, Finish: %v", verified, err)
		}
	})
}

// FuzzClientHandshake gives a client two datagrams at any moment of its handshake.
func FuzzClientHandshake(f *testing.F) {
	client, server := configs(f)
	client.Crypto, server.Crypto = remembering(), remembering()
	everything(f, func(dir string, datagram []byte) {
		if dir == "server" {
			f.Add(datagram, datagram, uint8(1))
		}
	})
	f.Fuzz(func(t *testing.T, first, second []byte, moment uint8) {
		h, said, err := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{Random: random32("client random"), Ephemeral: random32("client ephemeral")})
		if err != nil {
			t.Fatal(err)
		}
		d := newDoor(server)
		for range moment % 3 {
			for _, datagram := range d.receive(begin, said[0]) {
				out, err := h.Receive(begin, datagram)
				if err != nil {
					t.Fatal(err)
				}
				if out.Send != nil {
					said = out.Send
				}
			}
		}
		for _, datagram := range [][]byte{first, second} {
			out, err := h.Receive(begin, datagram)
			if out.Verified {
				t.Fatalf("verified by %x", datagram)
			}
			if _, ok := h.Session(); ok {
				t.Fatal("a session with a stranger")
			}
			if _, tick := h.Tick(h.Deadline()); err != nil && tick == nil {
				t.Fatal("it goes on after its end")
			}
		}
	})
}

// FuzzReassembly puts pieces in, and never gets more out or holds more than it may.
func FuzzReassembly(f *testing.F) {
	everything(f, func(_ string, datagram []byte) { f.Add(datagram[min(13, len(datagram)):]) })
	f.Fuzz(func(t *testing.T, b []byte) {
		r := dtls.NewReassembly(1, 256)
		for len(b) > 0 {
			fragment, rest, err := message.ParseFragment(b)
			if err != nil {
				return
			}
			b = rest
			_ = r.Add(fragment)
			if held := r.Held(); held > 4*(256+32) {
				t.Fatalf("%d bytes are held", held)
			}
			if m, ok := r.Pop(); ok && (!m.Whole() || m.Length > 256) {
				t.Fatalf("%+v", m)
			}
		}
	})
}
