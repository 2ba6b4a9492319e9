package dtls_test

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"pgregory.net/rapid"
)

// Clever code against dumb twins.

func unhexString(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCCMExample is example 3 of NIST SP 800-38C: the one with a nonce of 12 bytes and a tag of 8.
func TestCCMExample(t *testing.T) {
	key := [16]byte(unhexString(t, "404142434445464748494a4b4c4d4e4f"))
	nonce := [12]byte(unhexString(t, "101112131415161718191a1b"))
	got, err := dtls.CCMSeal(key, nonce,
		unhexString(t, "000102030405060708090a0b0c0d0e0f10111213"),
		unhexString(t, "202122232425262728292a2b2c2d2e2f3031323334353637"))
	want := unhexString(t, "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x, %v", got, want, err)
	}
}

// TestPRFExample is the test vector for P_SHA256 that was posted to the TLS working group's list in 2009 and is in most
// implementations.
func TestPRFExample(t *testing.T) {
	got := make([]byte, 100)
	dtls.PRF(got, unhexString(t, "9bbe436ba940f017b17652849a71db35"), "test label", unhexString(t, "a0ba9f936cda3118"), unhexString(t, "27a6f796ffd5198c"))
	want := unhexString(t, "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0"+
		"fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66")
	if !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// dumbCCM is RFC 3610 §2 written down with no thought of speed.
func dumbCCM(key, nonce, aad, plaintext []byte) []byte {
	block, _ := aes.NewCipher(key)
	pad := func(b []byte) []byte { return append(b, make([]byte, (16-len(b)%16)%16)...) }
	input := append([]byte{0x5a}, nonce...)
	input = append(input, byte(len(plaintext)>>16), byte(len(plaintext)>>8), byte(len(plaintext)))
	input = append(input, pad(append([]byte{byte(len(aad) >> 8), byte(len(aad))}, aad...))...)
	input = append(input, pad(bytes.Clone(plaintext))...)
	mac := make([]byte, 16)
	for ; len(input) > 0; input = input[16:] {
		for i := range mac {
			mac[i] ^= input[i]
		}
		block.Encrypt(mac, mac)
	}
	stream := func(i int) []byte {
		s := append(append([]byte{2}, nonce...), byte(i>>16), byte(i>>8), byte(i))
		block.Encrypt(s, s)
		return s
	}
	var out []byte
	for i, b := range plaintext {
		out = append(out, b^stream(1 + i/16)[i%16])
	}
	for i, b := range stream(0)[:8] {
		out = append(out, mac[i]^b)
	}
	return out
}

// dumbRecord is a sealed record, written down from the documents.
func dumbRecord(s dtls.Session, t dtls.ContentType, plaintext []byte) []byte {
	number := binary.BigEndian.AppendUint64(nil, uint64(s.WriteEpoch)<<48|s.WriteSeq)
	key, iv, cid := s.Keys.ClientKey[:], s.Keys.ClientIV[:], s.CID.Bytes[:]
	if s.Server {
		key, iv = s.Keys.ServerKey[:], s.Keys.ServerIV[:]
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	length := func(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
	header := join([]byte{byte(t), 0xfe, 0xfd}, number)
	var aad []byte
	if s.Server || s.CID.Kind == dtls.NoCID {
		aad = join(number, []byte{byte(t), 0xfe, 0xfd}, length(len(plaintext)))
	} else {
		plaintext = append(append(bytes.Clone(plaintext), byte(t)), make([]byte, 15-len(plaintext)%16)...)
		header = join([]byte{25, 0xfe, 0xfd}, number, cid)
		if s.CID.Kind == dtls.DraftCID {
			aad = join(number, []byte{25, 0xfe, 0xfd}, cid, []byte{8}, length(len(plaintext)))
		} else {
			aad = join(bytes.Repeat([]byte{0xff}, 8), []byte{25, 8, 25, 0xfe, 0xfd}, number, cid, length(len(plaintext)))
		}
	}
	sealed := join(number, dumbCCM(key, join(iv, number), aad, plaintext))
	return join(header, length(len(sealed)), sealed)
}

func drawSession(t *rapid.T) dtls.Session {
	s := dtls.Session{Server: rapid.Bool().Draw(t, "server"), ReadEpoch: 1, WriteEpoch: 1}
	s.CID.Kind = rapid.SampledFrom([]dtls.CIDKind{dtls.NoCID, dtls.DraftCID, dtls.RFC9146CID}).Draw(t, "kind")
	fill := func(b []byte, label string) { copy(b, rapid.SliceOfN(rapid.Byte(), len(b), len(b)).Draw(t, label)) }
	if s.CID.Kind != dtls.NoCID {
		fill(s.CID.Bytes[:], "cid")
	}
	fill(s.Keys.ClientKey[:], "client key")
	fill(s.Keys.ServerKey[:], "server key")
	fill(s.Keys.ClientIV[:], "client IV")
	fill(s.Keys.ServerIV[:], "server IV")
	generation := rapid.Uint64Range(0, 1<<30-1).Draw(t, "generation")
	s.WriteSeq = generation<<dtls.CountBits | rapid.Uint64Range(0, 1<<dtls.CountBits-2).Draw(t, "count")
	return s
}

func drawPlaintext(t *rapid.T) []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "plaintext")
}

func TestSealLikeItsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSession(t)
		kind := rapid.SampledFrom([]dtls.ContentType{dtls.Alert, dtls.Handshake, dtls.ApplicationData}).Draw(t, "type")
		plaintext := drawPlaintext(t)
		want := dumbRecord(s, kind, plaintext)
		prefix := rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "prefix")
		got, err := s.Seal(bytes.Clone(prefix), kind, plaintext)
		if err != nil || !bytes.Equal(got, append(prefix, want...)) {
			t.Fatalf("got %x, want %x, %v", got, want, err)
		}
	})
}

// Whatever one side seals the other opens, once; with any bit changed it does not.
func TestSealAndOpen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSession(t)
		peer := s
		peer.Server = !s.Server
		if !s.Server && rapid.Bool().Draw(t, "moving") {
			s.Resume([12]byte{1, 2, 3})
		}
		plaintext := drawPlaintext(t)
		sealed, err := s.Seal(nil, dtls.ApplicationData, plaintext)
		if err != nil || len(sealed) > len(plaintext)+dtls.MaxOverhead {
			t.Fatalf("%d bytes for %d, %v", len(sealed), len(plaintext), err)
		}

		at := rapid.IntRange(0, 8*len(sealed)-1).Draw(t, "bit")
		damaged := bytes.Clone(sealed)
		damaged[at/8] ^= 1 << (at % 8)
		before := peer
		if r, rest, err := dtls.ParseRecord(damaged); err == nil && len(rest) == 0 && r.DeviceID == nil {
			// The first byte of types 25 and 253 may be the other: it is the one thing that isn't authenticated.
			if _, opened, err := peer.Open(nil, r); err == nil && !(at < 8 && r.CID != nil) {
				t.Fatalf("bit %d changed, and opened as %x", at, opened)
			} else if err != nil && peer != before {
				t.Fatal("a bad record changed the session")
			}
		}
		peer = before

		r, rest, err := dtls.ParseRecord(sealed)
		if err != nil || len(rest) != 0 || r.Moved != s.Moving || (r.DeviceID != nil) != (s.Moving && s.CID.Kind == dtls.NoCID) {
			t.Fatalf("%+v, %d bytes left, %v", r, len(rest), err)
		}
		kind, opened, err := peer.Open([]byte("prefix"), r)
		if err != nil || kind != dtls.ApplicationData || !bytes.Equal(opened, append([]byte("prefix"), plaintext...)) {
			t.Fatalf("opened %x as %d, %v", opened, kind, err)
		}
		if _, _, err := peer.Open(nil, r); err != dtls.ErrReplay {
			t.Fatalf("a second time: %v", err)
		}
	})
}

// dumbWindow remembers everything.
type dumbWindow struct {
	seen map[uint64]bool
	top  uint64
}

func (w *dumbWindow) fresh(seq uint64) bool {
	return !w.seen[seq] && (len(w.seen) == 0 || seq+dtls.WindowSize > w.top)
}

func (w *dumbWindow) mark(seq uint64) {
	w.seen[seq] = true
	w.top = max(w.top, seq)
}

func TestWindowLikeItsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w dtls.Window
		twin := dumbWindow{seen: map[uint64]bool{}}
		at := rapid.Uint64Range(0, 1<<48-1).Draw(t, "start")
		step := rapid.OneOf(rapid.Int64Range(-80, 80), rapid.SampledFrom([]int64{-64, -63, 63, 64, 65, 1 << 20}))
		for range rapid.IntRange(1, 60).Draw(t, "records") {
			at = uint64(min(max(int64(at)+step.Draw(t, "step"), 0), 1<<48-1))
			fresh := w.Fresh(at)
			if fresh != twin.fresh(at) {
				t.Fatalf("%d fresh: %v; top %d, mask %x", at, fresh, w.Top, w.Mask)
			}
			if fresh {
				w.Mark(at)
				twin.mark(at)
			}
		}
		before := w
		w.Mark(w.Top)
		if w.Mark(w.Top - min(w.Top, 3*dtls.WindowSize)); w.Top != before.Top || w.Mask&before.Mask != before.Mask {
			t.Fatalf("marking old numbers made %+v of %+v", w, before)
		}
	})
}
