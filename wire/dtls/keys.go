package dtls

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
)

// master is the master secret, from which the four keys and both Finished messages come.
type master [48]byte

// newMaster derives the master secret from the ECDH secret, without extended master secret: devices don't know it.
// RFC 5246 §8.1.
func newMaster(secret []byte, client, server *[32]byte) (m master) {
	prf(m[:], secret, "master secret", client[:], server[:])
	return m
}

// keys derives the key block. RFC 5246 §6.3; its randoms stand the other way round.
func (m *master) keys(client, server *[32]byte) (k Keys) {
	var block [16 + 16 + 4 + 4]byte
	prf(block[:], m[:], "key expansion", server[:], client[:])
	rest := block[:]
	for _, part := range [][]byte{k.ClientKey[:], k.ServerKey[:], k.ClientIV[:], k.ServerIV[:]} {
		rest = rest[copy(part, rest):]
	}
	return k
}

// Labels of the Finished messages. RFC 5246 §7.4.9.
const (
	clientFinished = "client finished"
	serverFinished = "server finished"
)

// verifyData is the content of a Finished message over a transcript.
func (m *master) verifyData(label string, transcript hash.Hash) (data [12]byte) {
	var sum [sha256.Size]byte
	prf(data[:], m[:], label, transcript.Sum(sum[:0]), nil)
	return data
}

// prf fills out with P_SHA256(secret, label ‖ seed1 ‖ seed2). RFC 5246 §5.
//
//	A(0) = label ‖ seeds    A(i) = HMAC(A(i−1))    out = HMAC(A(1) ‖ A(0)) ‖ HMAC(A(2) ‖ A(0)) ‖ …
func prf(out, secret []byte, label string, seed1, seed2 []byte) {
	h := hmac.New(sha256.New, secret)
	seed := make([]byte, 0, 96)
	seed = append(append(append(seed, label...), seed1...), seed2...)
	sum := make([]byte, 0, 2*sha256.Size)
	h.Write(seed)
	a := h.Sum(sum)
	for {
		h.Reset()
		h.Write(a)
		h.Write(seed)
		out = out[copy(out, h.Sum(a[len(a):])):]
		if len(out) == 0 {
			return
		}
		h.Reset()
		h.Write(a)
		a = h.Sum(a[:0])
	}
}
