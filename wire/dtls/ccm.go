package dtls

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// AES-128-CCM with a tag of 8 bytes and a length field of 3, RFC 3610 and RFC 6655 §3. One pass makes a CBC-MAC of the
// plaintext, one encrypts it in counter mode. Both work within one block of scratch that the caller lends, because what is
// handed to a cipher.Block escapes to the heap: so an operation allocates nothing; to expand a key does (Schedules).
//
//	B0  5a ‖ nonce (12) ‖ plaintext length (3)     first block of the MAC; the flags say: AAD follows, tag 8, length field 3
//	Ai  02 ‖ nonce (12) ‖ i (3)                    counter block: 0 hides the tag, 1 and up the plaintext
const (
	ccmFlagsMAC     = 1<<6 | (tagSize-2)/2<<3 | ccmFlagsCounter
	ccmFlagsCounter = 3 - 1
	nonceSize       = 12
)

type ccm struct {
	block   cipher.Block
	nonce   [nonceSize]byte
	scratch []byte // one block
}

// newCCM makes one of an expanded key. The nonce is the fixed IV and the 8 explicit bytes.
func newCCM(block cipher.Block, iv *[4]byte, explicit uint64, scratch []byte) (c ccm) {
	c.block, c.scratch = block, scratch
	copy(c.nonce[:], iv[:])
	binary.BigEndian.PutUint64(c.nonce[len(iv):], explicit)
	return c
}

// seal encrypts text in place and returns the tag.
func (c *ccm) seal(text, aad []byte) [tagSize]byte {
	tag := c.mac(text, aad)
	c.xor(text)
	c.hide(&tag)
	return tag
}

// open decrypts text in place and reports whether the tag is right. If it is not, text is wiped.
func (c *ccm) open(text, tag, aad []byte) bool {
	c.xor(text)
	want := c.mac(text, aad)
	c.hide(&want)
	if subtle.ConstantTimeCompare(want[:], tag) == 1 {
		return true
	}
	clear(text)
	return false
}

// mac returns the first bytes of the CBC-MAC over B0, the authenticated data with its length, and the plaintext.
func (c *ccm) mac(text, aad []byte) (tag [tagSize]byte) {
	x := c.scratch
	c.start(x, ccmFlagsMAC, len(text))
	c.block.Encrypt(x, x)

	x[0] ^= byte(len(aad) >> 8)
	x[1] ^= byte(len(aad))
	n := subtle.XORBytes(x[2:], x[2:], aad)
	c.block.Encrypt(x, x)
	c.chain(x, aad[n:])
	c.chain(x, text)
	copy(tag[:], x)
	return tag
}

// chain continues the CBC-MAC x over data, padded with zeros to whole blocks.
func (c *ccm) chain(x, data []byte) {
	for len(data) > 0 {
		n := subtle.XORBytes(x, x, data)
		c.block.Encrypt(x, x)
		data = data[n:]
	}
}

// xor applies the key stream from counter 1 on.
func (c *ccm) xor(text []byte) {
	for i := 1; len(text) > 0; i++ {
		c.start(c.scratch, ccmFlagsCounter, i)
		c.block.Encrypt(c.scratch, c.scratch)
		n := subtle.XORBytes(text, text, c.scratch)
		text = text[n:]
	}
}

// hide applies the key stream of counter 0 to the tag.
func (c *ccm) hide(tag *[tagSize]byte) {
	c.start(c.scratch, ccmFlagsCounter, 0)
	c.block.Encrypt(c.scratch, c.scratch)
	subtle.XORBytes(tag[:], tag[:], c.scratch)
}

// start writes flags ‖ nonce ‖ n into a block.
func (c *ccm) start(block []byte, flags byte, n int) {
	block[0] = flags
	copy(block[1:], c.nonce[:])
	block[13], block[14], block[15] = byte(n>>16), byte(n>>8), byte(n)
}
