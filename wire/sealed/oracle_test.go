package sealed

import (
	"bytes"
	"math/big"
	"testing"
)

// raw encrypts a block of 256 bytes as it is, right or wrong.
func raw(t testing.TB, block []byte) [BlobSize]byte {
	t.Helper()
	key := serverKey(t).PublicKey
	m := new(big.Int).SetBytes(block)
	if len(block) != BlobSize || m.Cmp(key.N) >= 0 {
		t.Fatalf("a block of %d bytes", len(block))
	}
	var blob [BlobSize]byte
	m.Exp(m, big.NewInt(exponent), key.N).FillBytes(blob[:])
	return blob
}

// badBlobs are ciphertexts whose plaintexts are wrong in the ways that the
// attacks on PKCS#1 v1.5 tell apart, and one that is right but for its nonce.
func badBlobs(t testing.TB) map[string][BlobSize]byte {
	t.Helper()
	block := func(message int) []byte {
		b := bytes.Repeat([]byte{0xaa}, BlobSize)
		b[0], b[1], b[BlobSize-message-1] = 0, 2, 0
		copy(b[BlobSize-message:], testNonce[:])
		return b
	}
	changed := func(at int, v byte) []byte {
		b := block(plainSize)
		b[at] = v
		return b
	}
	noZero := bytes.Repeat([]byte{0xaa}, BlobSize)
	noZero[0], noZero[1] = 0, 2
	otherNonce := block(plainSize)
	otherNonce[BlobSize-1-DeviceKeySize-DeviceIDSize] ^= 1

	bad := map[string][BlobSize]byte{
		"good padding, other nonce":   raw(t, otherNonce),
		"first byte 1":                raw(t, changed(0, 1)),
		"second byte 1":               raw(t, changed(1, 1)),
		"zero in the first 8 bytes":   raw(t, changed(5, 0)),
		"zero later in the padding":   raw(t, changed(20, 0)),
		"no zero at all":              raw(t, noZero),
		"one byte short":              raw(t, block(plainSize-1)),
		"one byte long":               raw(t, block(plainSize+1)),
		"52 bytes, without a key":     raw(t, block(NonceSize+DeviceIDSize)),
		"nothing in it":               raw(t, block(0)),
		"the number 0":                {},
		"the number 1":                {BlobSize - 1: 1},
		"not below the modulus":       [BlobSize]byte(bytes.Repeat([]byte{0xff}, BlobSize)),
		"the modulus itself":          [BlobSize]byte(serverKey(t).N.Bytes()),
		"the modulus, one less":       [BlobSize]byte(new(big.Int).Sub(serverKey(t).N, big.NewInt(1)).Bytes()),
		"wrong from the first byte":   raw(t, bytes.Repeat([]byte{0x55}, BlobSize)),
		"a signature's kind of block": raw(t, append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, BlobSize-2)...)),
	}
	return bad
}

// A sender learns nothing about the padding of what it sent: every bad blob is
// the same error, the same empty claim, and the same work.
func TestReceiveIsNoOracle(t *testing.T) {
	server, err := NewServerHandshake(serverKey(t), testNonce)
	if err != nil {
		t.Fatal(err)
	}
	bad := badBlobs(t)
	receive := func(blob [BlobSize]byte) float64 {
		return testing.AllocsPerRun(3, func() {
			claim, err := server.Receive(blob)
			if err != ErrHandshake || claim != (Claim{}) {
				t.Errorf("%x, %v", claim, err)
			}
		})
	}
	want := receive(bad["good padding, other nonce"])
	for name, blob := range bad {
		got := receive(blob)
		// The sender of a number that is not below the modulus knows it.
		if name != "not below the modulus" && name != "the modulus itself" && got != want {
			t.Errorf("%s: %v allocations, %v for good padding", name, got, want)
		}
	}
	// The helper does make good blobs, when all is right.
	good := bytes.Repeat([]byte{0xaa}, BlobSize)
	good[0], good[1], good[BlobSize-plainSize-1] = 0, 2, 0
	copy(good[BlobSize-plainSize:], testNonce[:])
	if claim, err := server.Receive(raw(t, good)); err != nil || claim.DeviceID[0] != 0xaa {
		t.Errorf("a good blob: %x, %v", claim, err)
	}
}

// Even a nonce that an attacker could wish for does not turn a failed
// decryption into a match.
func TestFailedDecryptionNeverMatches(t *testing.T) {
	for _, nonce := range [][NonceSize]byte{{}, [NonceSize]byte(bytes.Repeat([]byte{0xff}, NonceSize)), testNonce} {
		server, err := NewServerHandshake(serverKey(t), nonce)
		if err != nil {
			t.Fatal(err)
		}
		for name, blob := range badBlobs(t) {
			if _, err := server.Receive(blob); err != ErrHandshake {
				t.Errorf("nonce %x, %s: %v", nonce[:2], name, err)
			}
		}
	}
}

// The times to compare by hand: good padding, bad padding, not below the
// modulus.
func BenchmarkReceive(b *testing.B) {
	server, err := NewServerHandshake(serverKey(b), testNonce)
	if err != nil {
		b.Fatal(err)
	}
	bad := badBlobs(b)
	for _, name := range []string{"good padding, other nonce", "first byte 1", "not below the modulus"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := server.Receive(bad[name]); err != ErrHandshake {
					b.Fatal(err)
				}
			}
		})
	}
}
