package account_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/account"
)

// RFC 6238, appendix B: the last six of its eight digits.
func TestCodesOfTheRFC(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := account.Code(secret, account.CodeStep(time.Unix(at, 0))); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

// A code is good within half a minute or so, and once.
func TestCodeMatches(t *testing.T) {
	secret := []byte("12345678901234567890")
	now := time.Unix(1234567890, 0)
	step := account.CodeStep(now)
	for _, c := range []struct {
		what string
		code string
		last int64
		want bool
	}{
		{"this one", account.Code(secret, step), 0, true},
		{"as the app shows it", " 005 924 ", 0, true},
		{"the one before", account.Code(secret, step-1), 0, true},
		{"the next one", account.Code(secret, step+1), 0, true},
		{"too old", account.Code(secret, step-2), 0, false},
		{"too new", account.Code(secret, step+2), 0, false},
		{"used already", account.Code(secret, step), step, false},
		{"older than the one that was used", account.Code(secret, step-1), step, false},
		{"empty", "", 0, false},
		{"longer", account.Code(secret, step) + "0", 0, false},
	} {
		if _, ok := account.CodeMatches(secret, c.code, now, c.last); ok != c.want {
			t.Errorf("%s: %v", c.what, ok)
		}
	}
}

// However a recovery code is typed, it is the same.
func TestRecoveryCodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var random [account.RecoverySize]byte
		copy(random[:], rapid.SliceOfN(rapid.Byte(), len(random), len(random)).Draw(t, "random"))
		code := account.RecoveryCode(random)
		typed := strings.ToUpper(strings.ReplaceAll(code, "-", rapid.SampledFrom([]string{"", " ", "-"}).Draw(t, "gap")))
		if len(code) != 19 || account.HashRecovery(typed) != account.HashRecovery(code) {
			t.Fatalf("%q and %q are not the same", typed, code)
		}
	})
}

func TestSecretURL(t *testing.T) {
	u, err := url.Parse(account.SecretURL([]byte("12345678901234567890"), "ada@example.com"))
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/cyan:ada@example.com" ||
		u.Query().Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || u.Query().Get("issuer") != "cyan" {
		t.Errorf("%v %v", u, err)
	}
}
