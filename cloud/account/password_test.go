package account_test

import (
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/cloud/account"
)

func TestPasswordMatches(t *testing.T) {
	hash := account.HashPassword("correct horse", [account.SaltSize]byte{1, 2, 3})
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$AQIDAAAAAAAAAAAAAAAAAA$") {
		t.Errorf("hash %q does not name its parameters and salt", hash)
	}
	if !account.PasswordMatches(hash, "correct horse") {
		t.Error("the right password does not match")
	}
	if account.PasswordMatches(hash, "correct horsf") {
		t.Error("a wrong password matches")
	}
	if other := account.HashPassword("correct horse", [account.SaltSize]byte{1, 2, 4}); other == hash {
		t.Error("the salt does not change the hash")
	}
}

// The known answer is one that the reference implementation of argon2 tests
// itself with: password "password", salt "somesalt", 256 KiB, two passes.
func TestPasswordMatchesForeignHash(t *testing.T) {
	const hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if !account.PasswordMatches(hash, "password") {
		t.Error("the reference implementation's hash does not match")
	}
}

func TestPasswordMatchesNothing(t *testing.T) {
	good := account.HashPassword("", [account.SaltSize]byte{})
	for name, hash := range map[string]string{
		"no hash":          "",
		"another method":   strings.Replace(good, "argon2id", "argon2i", 1),
		"another version":  strings.Replace(good, "v=19", "v=18", 1),
		"no parameters":    strings.Replace(good, "m=19456,t=2,p=1", "", 1),
		"too much memory":  strings.Replace(good, "m=19456", "m=4194304", 1),
		"too many passes":  strings.Replace(good, "t=2", "t=17", 1),
		"no passes":        strings.Replace(good, "t=2", "t=0", 1),
		"no threads":       strings.Replace(good, "p=1", "p=0", 1),
		"salt not base64":  "$argon2id$v=19$m=19456,t=2,p=1$!$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"empty sum":        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
		"too many fields":  good + "$",
		"plain text":       "password",
		"truncated in sum": good[:len(good)-30],
	} {
		if account.PasswordMatches(hash, "") {
			t.Errorf("%s: %q matches", name, hash)
		}
	}
}

func BenchmarkPasswordMatches(b *testing.B) {
	hash := account.HashPassword("correct horse", [account.SaltSize]byte{1})
	for b.Loop() {
		account.PasswordMatches(hash, "correct horse")
	}
}
