package account

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// What authenticator apps know without being told (RFC 6238): HMAC-SHA-1, six
// digits, a new code every half minute.
const (
	codeDigits = 6
	codePeriod = 30 * time.Second
	codeDrift  = 1 // steps that a clock may be off, either way
)

// SecretSize is how many random bytes the secret of a second factor has.
const SecretSize = 20

// CodeStep is the number of the half minute that a code is good for.
func CodeStep(now time.Time) int64 { return now.Unix() / int64(codePeriod/time.Second) }

// Code is the code of that step (RFC 4226, section 5.3).
func Code(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, uint64(step)) // a hash takes everything
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[at:]) & 0x7fff_ffff
	return fmt.Sprintf("%0*d", codeDigits, number%1_000_000)
}

// CodeMatches finds the step whose code it is, among those around now that
// come after the last one that was used: no code is good twice.
func CodeMatches(secret []byte, code string, now time.Time, last int64) (step int64, ok bool) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "") // apps show 123 456
	at := CodeStep(now)
	for s := at - codeDrift; s <= at+codeDrift; s++ {
		if subtle.ConstantTimeCompare([]byte(Code(secret, s)), []byte(code)) == 1 && s > last {
			step, ok = s, true
		}
	}
	return step, ok
}

// SecretText is the secret as people type it into an app.
func SecretText(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// SecretURL is the secret as apps read it from a QR code.
func SecretURL(secret []byte, username string) string {
	const issuer = "cyan"
	return (&url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + username,
		RawQuery: url.Values{"secret": {SecretText(secret)}, "issuer": {issuer}}.Encode(),
	}).String()
}

// RecoverySize is how many random bytes a recovery code has; RecoveryCodes is
// how many a user gets.
const (
	RecoverySize  = 10
	RecoveryCodes = 10
)

// RecoveryCode is a code on paper, for when the authenticator is lost.
func RecoveryCode(random [RecoverySize]byte) string {
	text := strings.ToLower(SecretText(random[:]))
	return text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
}

// HashRecovery gives the hash under which a recovery code is stored, however
// it was typed. It is 80 random bits, so a plain hash is enough.
func HashRecovery(code string) TokenHash {
	return HashToken("recovery " + strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(strings.TrimSpace(code))))
}

// Ticket stands between the two halves of something that needs a second
// factor: a login whose password was right, or an enrolment.
type Ticket struct {
	Hash     TokenHash // of what the client holds
	User     ID
	Secret   []byte        // of an enrolment, to be confirmed; nil: a login
	Lifetime time.Duration // of a login: of the token that it asked for
	Scopes   []Scope       // of a login: that its token shall be limited to
	Client   string        // of a login
	Expires  time.Time
}

// TicketLife is how long a person has to type a code, TicketTries how often
// he may.
const (
	TicketLife  = 10 * time.Minute
	TicketTries = 5
)

// SecondFactor is what a user proves besides the password.
type SecondFactor struct {
	Secret   []byte
	LastStep int64 // whose code was used last
	Recovery int   // recovery codes that are left
}
