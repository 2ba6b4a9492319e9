package account

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of hashing a password with argon2id, as OWASP recommends it for
// logins: a hash takes some 20 ms of one core and 19 MiB while it runs. The
// caller bounds how many run at once.
const (
	hashMemory  = 19 * 1024 // KiB
	hashPasses  = 2
	hashThreads = 1
	hashSize    = 32 // bytes
)

// A hash from elsewhere may have cost more, but not without bound: it would
// be a way to exhaust us.
const (
	maxHashMemory = 256 * 1024 // KiB
	maxHashPasses = 16
)

// SaltSize is how many random bytes a salt has.
const SaltSize = 16

// HashPassword hashes a password with a fresh random salt. The result names
// its own parameters: $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func HashPassword(password string, salt [SaltSize]byte) string {
	sum := argon2.IDKey([]byte(password), salt[:], hashPasses, hashMemory, hashThreads, hashSize)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashThreads,
		base64.RawStdEncoding.EncodeToString(salt[:]), base64.RawStdEncoding.EncodeToString(sum))
}

// PasswordMatches tells whether the password is the one that was hashed. An
// empty hash, or one that cannot be read, matches nothing.
//
// The time it takes does not depend on the password. For a user who does not
// exist, a door calls it with a hash of its own, so that the time does not
// tell names that exist from others.
func PasswordMatches(hash, password string) bool {
	h, ok := parseHash(hash)
	if !ok {
		return false
	}
	sum := argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.threads, uint32(len(h.sum)))
	return subtle.ConstantTimeCompare(sum, h.sum) == 1
}

type passwordHash struct {
	memory, passes uint32
	threads        uint8
	salt, sum      []byte
}

// parseHash reads an encoded hash whose cost is within the bounds.
func parseHash(s string) (h passwordHash, ok bool) {
	fields := strings.Split(s, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, false
	}
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.threads); err != nil {
		return h, false
	}
	if h.memory > maxHashMemory || h.passes == 0 || h.passes > maxHashPasses || h.threads == 0 {
		return h, false
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.DecodeString(fields[4]); err != nil || len(h.salt) < 8 {
		return h, false
	}
	if h.sum, err = base64.RawStdEncoding.DecodeString(fields[5]); err != nil || len(h.sum) < 16 || len(h.sum) > 64 {
		return h, false
	}
	return h, true
}
