package notify

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// How long what is signed is good for.
const (
	linkLasts    = 4 * time.Hour // a link in a page; each further notice brings a new one
	commandLasts = time.Minute
)

// Errors of links and commands.
var (
	ErrLink    = errors.New("notify: this link was not made here")
	ErrExpired = errors.New("notify: this link is too old")
)

// pass is what a link or a command allows, signed with the pipeline's secret.
type pass struct {
	Key  string `json:"k,omitempty"` // an alert that may be acknowledged
	To   string `json:"o,omitempty"` // the outlet that the link was sent to
	Do   string `json:"d,omitempty"` // or anything else: "command"
	Till int64  `json:"e"`           // unix seconds
}

// LoadSecret gives the secret in a file, and makes one if there is none. Only
// the owner can read it: who can, may acknowledge alerts.
func LoadSecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSecret(path)
	} else if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) < sha256.Size {
		return nil, errors.New("notify: " + path + " holds no secret; remove it, and another is made")
	}
	return key, nil
}

// makeSecret writes a new secret, whole or not at all.
func makeSecret(path string) ([]byte, error) {
	key := make([]byte, sha256.Size)
	rand.Read(key)
	f, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // made with mode 0600
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	return key, nil
}

// seal signs a pass.
func seal(secret []byte, p pass) string {
	body, err := json.Marshal(p)
	if err != nil {
		return "" // strings and a number: it cannot fail
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(mac(secret, text))
}

// unseal reads a pass and checks that it is ours and good at this time.
func unseal(secret []byte, token string, now time.Time) (pass, error) {
	text, sum, _ := strings.Cut(token, ".")
	got, err := base64.RawURLEncoding.DecodeString(sum)
	if err != nil || len(secret) == 0 || len(token) > maxURL || !hmac.Equal(got, mac(secret, text)) {
		return pass{}, ErrLink
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	var p pass
	if err != nil || json.Unmarshal(body, &p) != nil {
		return pass{}, ErrLink
	}
	if now.Unix() > p.Till {
		return pass{}, ErrExpired
	}
	return p, nil
}

func mac(secret []byte, text string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("cyan oncall\x00" + text))
	return h.Sum(nil)
}

// ackURL is the page on which whoever was reached by an outlet acknowledges.
func (p *Pipeline) ackURL(key, outlet string, now time.Time) string {
	if p.config.Settings.URL == "" || len(p.config.Secret) == 0 {
		return ""
	}
	token := seal(p.config.Secret, pass{Key: key, To: outlet, Till: now.Add(linkLasts).Unix()})
	return strings.TrimSuffix(p.config.Settings.URL, "/") + AckPath + "?t=" + url.QueryEscape(token)
}
