package notifytest

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Hook receives webhooks, and takes those that it can verify. Dead man's
// switches are one, too: Secret and Public empty, everything is taken.
type Hook struct {
	fate
	Secret []byte            // verifies v1
	Public ed25519.PublicKey // verifies v1a

	mu       sync.Mutex
	requests []Request       // guarded by mu: taken or not
	taken    []Request       // guarded by mu
	ids      map[string]bool // guarded by mu: of those taken
}

// tolerance is how far the sender's clock may be off.
const tolerance = 5 * time.Minute

func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return
	}
	req := Request{At: time.Now(), Path: r.URL.Path, Header: r.Header.Clone(), Body: body}
	h.mu.Lock()
	h.requests = append(h.requests, req)
	h.mu.Unlock()
	trouble := h.meet()
	if trouble.strike(w, r) {
		return
	}
	if !h.Verify(r.Header, body) {
		http.Error(w, "bad signature", http.StatusUnauthorized)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	id := r.Header.Get("Webhook-Id")
	if !trouble.Lose && (id == "" || !h.ids[id]) {
		h.taken = append(h.taken, req)
		if h.ids == nil {
			h.ids = map[string]bool{}
		}
		h.ids[id] = true
	}
	w.Write([]byte("OK"))
}

// Verify checks a signature as Standard Webhooks 1.0.0 says, written apart
// from the sender's code. Without keys everything is good.
func (h *Hook) Verify(header http.Header, body []byte) bool {
	if h.Secret == nil && h.Public == nil {
		return true
	}
	stamp := header.Get("Webhook-Timestamp")
	sec, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || time.Since(time.Unix(sec, 0)).Abs() > tolerance {
		return false
	}
	content := header.Get("Webhook-Id") + "." + stamp + "." + string(body)
	for part := range strings.SplitSeq(header.Get("Webhook-Signature"), " ") {
		version, b64, _ := strings.Cut(part, ",")
		sig, err := base64.StdEncoding.DecodeString(b64)
		if err != nil {
			continue
		}
		switch version {
		case "v1":
			m := hmac.New(sha256.New, h.Secret)
			m.Write([]byte(content))
			if h.Secret != nil && hmac.Equal(sig, m.Sum(nil)) {
				return true
			}
		case "v1a":
			if h.Public != nil && ed25519.Verify(h.Public, []byte(content), sig) {
				return true
			}
		}
	}
	return false
}

// Taken gives what was taken, each id once.
func (h *Hook) Taken() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.taken)
}

// Requests gives what came in, taken or not.
func (h *Hook) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.requests)
}
