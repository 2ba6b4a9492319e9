package dtls_test

import (
	"crypto/aes"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"testing"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/dtls/message"
)

// expand is what one operation may allocate.
func expand(t testing.TB) {
	key := [16]byte{1}
	if block, err := aes.NewCipher(key[:]); err != nil || block.BlockSize() != 16 {
		t.Fatal(err)
	}
}

func BenchmarkSeal(b *testing.B) {
	client, _ := sessions(dtls.DraftCID)
	word, buf := make([]byte, 64), make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		client.WriteSeq = 1
		buf, _ = client.Seal(buf[:0], dtls.ApplicationData, word)
	}
}

func BenchmarkOpen(b *testing.B) {
	client, server := sessions(dtls.DraftCID)
	sealed, _ := client.Seal(nil, dtls.ApplicationData, make([]byte, 64))
	r, _, _ := dtls.ParseRecord(sealed)
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		server.Window = dtls.Window{}
		if _, _, err := server.Open(buf, r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHandshakeServer is the server's part of a handshake from the first hello to Finished, client left out. Compare with
// BenchmarkHandshakeCrypto, the list of its cryptographic operations.
func BenchmarkHandshakeServer(b *testing.B) {
	client, server := configs(b)
	h, first, err := dtls.NewClientHandshake(client, begin, dtls.ClientRandom{Random: random32("client random"), Ephemeral: random32("client ephemeral")})
	if err != nil {
		b.Fatal(err)
	}
	cookies := &dtls.Cookies{Current: random32("cookie")}
	random := dtls.ServerRandom{Random: random32("server random"), Ephemeral: random32("server ephemeral")}
	cid := [8]byte{1, 2, 3}
	request, _, err := server.Greet(begin, peer, cookies, first[0], nil)
	if err != nil {
		b.Fatal(err)
	}
	out, err := h.Receive(begin, request)
	if err != nil {
		b.Fatal(err)
	}
	second := out.Send[0]
	_, hello, _ := server.Greet(begin, peer, cookies, second, nil)
	_, flight, err := dtls.NewServerHandshake(server, begin, hello, cid, random)
	if err != nil {
		b.Fatal(err)
	}
	if out, err = h.Receive(begin, flight[0]); err != nil {
		b.Fatal(err)
	}
	last := out.Send[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := server.Greet(begin, peer, cookies, first[0], nil); err != nil {
			b.Fatal(err)
		}
		_, hello, err := server.Greet(begin, peer, cookies, second, nil)
		if err != nil {
			b.Fatal(err)
		}
		s, _, err := dtls.NewServerHandshake(server, begin, hello, cid, random)
		if err != nil {
			b.Fatal(err)
		}
		if out, err := s.Receive(begin, last); err != nil || !out.Verified {
			b.Fatal(err, out.Dropped)
		}
		if _, _, err := s.Finish(begin); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHandshakeCrypto(b *testing.B) {
	server, device := keyOf(b, "server"), keyOf(b, "device")
	scalar, clientScalar, digest := random32("server ephemeral"), random32("client ephemeral"), random32("digest")
	spki, _ := dtls.AppendPublicKey(nil, &device.PublicKey)
	std := dtls.Std()
	client, _ := std.NewKey(clientScalar[:])
	point := client.PublicKey().Bytes()
	signature, _ := std.Sign(device, digest[:])
	session, _ := sessions(dtls.NoCID)
	b.ReportAllocs()
	for b.Loop() {
		for range 2 { // cookies
			h := hmac.New(sha256.New, scalar[:])
			h.Write(signature)
			h.Sum(nil)
		}
		ephemeral, err := std.NewKey(scalar[:])
		if err != nil {
			b.Fatal(err)
		}
		if _, err = std.Sign(server, digest[:]); err != nil {
			b.Fatal(err)
		}
		secret, err := std.Agree(ephemeral, point)
		if err != nil {
			b.Fatal(err)
		}
		var public *ecdsa.PublicKey
		if public, err = dtls.ParsePublicKey(spki); err != nil || !std.Verify(public, digest[:], signature) {
			b.Fatal(err)
		}
		dtls.Derive(secret, scalar, scalar, nil, nil)
		for range 2 { // Finished, both ways
			session.WriteSeq = 0
			if _, err = session.Seal(nil, dtls.Handshake, digest[:message.HeaderSize+12]); err != nil {
				b.Fatal(err)
			}
		}
	}
}
