// Package pagerhook reads the webhooks that PagerDuty sends (V3): that a person
// acknowledged or resolved there what was paged from here.
//
//	{"event": {"id": …, "event_type": "incident.acknowledged", "occurred_at": …,
//	  "agent": {"type": "user_reference", "summary": "Ada"},
//	  "data": {"type": "incident", "incident_key": the dedup_key of our page, …}}}
//
// The header X-PagerDuty-Signature has "v1=" and the hexadecimal HMAC-SHA256 of
// the body, for each secret of the subscription, with commas between. There is
// no time in what is signed: what is old is told by occurred_at.
package pagerhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Signature is the header.
const Signature = "X-PagerDuty-Signature"

// Most is how long a body may be. The documented ones have a few kilobytes.
const Most = 256 << 10

// Errors of webhooks that nothing can be done with.
var (
	ErrSignature = errors.New("pagerhook: no signature is by a secret of ours")
	ErrForm      = errors.New("pagerhook: this is no event of PagerDuty's")
)

// Event is what happened at PagerDuty.
type Event struct {
	ID   string
	Type string // incident.acknowledged, …
	At   time.Time
	Key  string // that the page went out under; empty: it is of no incident
	Who  string // the person; empty: a program, or nobody
}

// Acknowledges tells that a person has it. Who resolves it there had it: here it
// is over when it is measured to be.
func (e *Event) Acknowledges() bool {
	return e.Who != "" && e.Key != "" && (e.Type == "incident.acknowledged" || e.Type == "incident.resolved")
}

// Read checks the signature of a webhook, and reads it.
func Read(secrets []string, signature string, body []byte) (Event, error) {
	if !signed(secrets, signature, body) {
		return Event{}, ErrSignature
	}
	var envelope struct {
		Event struct {
			ID    string    `json:"id"`
			Type  string    `json:"event_type"`
			At    time.Time `json:"occurred_at"`
			Agent *struct {
				Type    string `json:"type"`
				Summary string `json:"summary"`
			} `json:"agent"`
			Data struct {
				Type string `json:"type"`
				Key  string `json:"incident_key"`
			} `json:"data"`
		} `json:"event"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil || envelope.Event.Type == "" {
		return Event{}, ErrForm
	}
	e := Event{ID: envelope.Event.ID, Type: envelope.Event.Type, At: envelope.Event.At}
	if envelope.Event.Data.Type == "incident" {
		e.Key = envelope.Event.Data.Key
	}
	if a := envelope.Event.Agent; a != nil && strings.HasPrefix(a.Type, "user") {
		e.Who = strings.TrimSpace(a.Summary)
		if e.Who == "" {
			e.Who = "somebody"
		}
	}
	return e, nil
}

// signed tells whether one of the signatures is by one of the secrets.
func signed(secrets []string, signature string, body []byte) (ok bool) {
	for part := range strings.SplitSeq(signature, ",") {
		text, v1 := strings.CutPrefix(strings.TrimSpace(part), "v1=")
		got, err := hex.DecodeString(text)
		if !v1 || err != nil {
			continue
		}
		for _, secret := range secrets {
			ok = ok || hmac.Equal(got, Sum(secret, body))
		}
	}
	return ok
}

// Sum is the signature of a body by a secret.
func Sum(secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return mac.Sum(nil)
}
