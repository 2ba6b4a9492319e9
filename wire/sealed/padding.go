package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"math/big"
)

// encrypt is RSAES-PKCS1-v1_5 (RFC 8017, section 7.2.1) with the padding
// string given, which has no zero byte and fills the block. The standard
// library's own takes its randomness from the system and from nowhere else.
//
//	+----+----+--------------------+----+-------------+
//	| 00 | 02 |  padding, not zero | 00 |   message   |   as long as the modulus
//	+----+----+--------------------+----+-------------+
func encrypt(dst []byte, pub *rsa.PublicKey, message, padding []byte) {
	block := make([]byte, 0, len(dst))
	block = append(block, 0, 2)
	block = append(block, padding...)
	block = append(block, 0)
	block = append(block, message...)
	m := new(big.Int).SetBytes(block)
	m.Exp(m, big.NewInt(int64(pub.E)), pub.N).FillBytes(dst)
}

// paddingFor stretches a seed to the n bytes between the header and the
// message: AES-256 in counter mode, without its zeros.
func paddingFor(seed [32]byte, n int) []byte {
	block, err := aes.NewCipher(seed[:])
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	stream := cipher.NewCTR(block, make([]byte, aes.BlockSize))
	padding := make([]byte, 0, n)
	for len(padding) < n {
		var next [64]byte
		stream.XORKeyStream(next[:], next[:])
		for _, b := range next {
			if b != 0 && len(padding) < n {
				padding = append(padding, b)
			}
		}
	}
	return padding
}
