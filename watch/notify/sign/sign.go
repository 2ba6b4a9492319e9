// Package sign signs webhooks as Standard Webhooks 1.0.0 says.
package sign

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Keys sign over "id.timestamp.body", by HMAC-SHA256 (v1) or ed25519 (v1a).
// While secrets are rotated there are two, and a receiver accepts either. The
// zero value signs nothing.
type Keys struct {
	symmetric [][]byte
	keys      []ed25519.PrivateKey
}

// Add takes a secret as people write it.
func (s *Keys) Add(text string) error {
	if b64, ok := strings.CutPrefix(text, "whsec_"); ok {
		key, err := base64.StdEncoding.DecodeString(b64)
		if err != nil || len(key) < 24 || len(key) > 64 {
			return errors.New("whsec_ is followed by the base64 of 24 to 64 bytes")
		}
		s.symmetric = append(s.symmetric, key)
		return nil
	}
	b64, ok := strings.CutPrefix(text, "whsk_")
	key, err := base64.StdEncoding.DecodeString(b64)
	switch {
	case ok && err == nil && len(key) == ed25519.SeedSize:
		s.keys = append(s.keys, ed25519.NewKeyFromSeed(key))
	case ok && err == nil && len(key) == ed25519.PrivateKeySize:
		private := ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])
		if !private.Equal(ed25519.PrivateKey(key)) {
			return errors.New("whsk_: the two halves of the key do not belong together")
		}
		s.keys = append(s.keys, private)
	case ok:
		return errors.New("whsk_ is followed by the base64 of an ed25519 key: its seed, or all 64 bytes")
	default:
		return errors.New("a secret begins with whsec_ or whsk_")
	}
	return nil
}

// Header is the value of webhook-signature.
func (s *Keys) Header(id string, at time.Time, body []byte) string {
	signed := append([]byte(id+"."+strconv.FormatInt(at.Unix(), 10)+"."), body...)
	var list []string
	for _, key := range s.symmetric {
		mac := hmac.New(sha256.New, key)
		mac.Write(signed)
		list = append(list, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	for _, key := range s.keys {
		list = append(list, "v1a,"+base64.StdEncoding.EncodeToString(ed25519.Sign(key, signed)))
	}
	return strings.Join(list, " ")
}
