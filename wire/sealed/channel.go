package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

const (
	blockSize  = aes.BlockSize
	lengthSize = 2
)

// Limits of a frame, in bytes.
const (
	// MaxCiphertext is the longest ciphertext that Seal makes and Open takes.
	// The largest buffer of any Device OS version is 1152 bytes, length
	// included; older ones have 640 or 800.
	MaxCiphertext = 1152
	// MaxPlaintext is the longest message that fits: padding is never empty.
	MaxPlaintext = MaxCiphertext - 1
	// Overhead is what a device keeps free in its buffer for the length and
	// for a whole block of padding. It drops the connection when a message is
	// longer than its buffer less this.
	Overhead = lengthSize + blockSize
)

// Channel is the encrypted connection after a handshake: a value without
// pointers, which may be compared, copied and moved to another process. Frames
// have to be opened in the order of their arrival, and sent in the order of
// their sealing.
type Channel struct {
	key     [blockSize]byte
	readIV  [blockSize]byte
	writeIV [blockSize]byte
}

// Seal appends the frame that holds plaintext to dst: length and ciphertext.
// A message longer than MaxPlaintext is refused with ErrTooLong.
func (c *Channel) Seal(dst, plaintext []byte) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return dst, ErrTooLong
	}
	pad := blockSize - len(plaintext)%blockSize
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(plaintext)+pad))
	start := len(dst)
	dst = append(dst, plaintext...)
	for range pad {
		dst = append(dst, byte(pad))
	}
	ciphertext := dst[start:]
	cipher.NewCBCEncrypter(c.cipher(), c.writeIV[:]).CryptBlocks(ciphertext, ciphertext)
	c.writeIV = [blockSize]byte(ciphertext)
	return dst, nil
}

// Open appends the message in a frame's ciphertext (without the length, as a
// Splitter returns it) to dst, which may be ciphertext[:0]. Whatever is wrong,
// the error is ErrFrame, dst comes back as it was, and the connection is of no
// further use.
func (c *Channel) Open(dst, ciphertext []byte) ([]byte, error) {
	if !validLength(len(ciphertext)) {
		return dst, ErrFrame
	}
	next := [blockSize]byte(ciphertext)
	start := len(dst)
	dst = append(dst, ciphertext...)
	plaintext := dst[start:]
	cipher.NewCBCDecrypter(c.cipher(), c.readIV[:]).CryptBlocks(plaintext, plaintext)
	c.readIV = next
	pad, good := padding(plaintext)
	if good != 1 {
		return dst[:start], ErrFrame
	}
	return dst[:len(dst)-pad], nil
}

// validLength reports whether a ciphertext may have this many bytes.
func validLength(n int) bool {
	return n > 0 && n <= MaxCiphertext && n%blockSize == 0
}

// padding returns the length of the PKCS#7 padding at the end of whole blocks,
// and 1 when it is well-formed. It looks at all of the last block, whatever is
// in it.
func padding(plaintext []byte) (n, good int) {
	last := plaintext[len(plaintext)-blockSize:]
	n = int(last[blockSize-1])
	good = subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, blockSize)
	for i, b := range last {
		inPadding := subtle.ConstantTimeLessOrEq(blockSize-i, n)
		good &= subtle.ConstantTimeSelect(inPadding, subtle.ConstantTimeByteEq(b, byte(n)), 1)
	}
	return n, good
}

func (c *Channel) cipher() cipher.Block {
	block, err := aes.NewCipher(c.key[:])
	if err != nil {
		panic(err) // 16 bytes are a key
	}
	return block
}
