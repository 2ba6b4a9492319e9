package pagerhook_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/notify/pagerhook"
)

// acknowledged has the form that PagerDuty documents for V3 webhooks; names and
// ids are made up.
const acknowledged = `{"event":{"id":"01CYANEVENT0000000000000AA","event_type":"incident.acknowledged","resource_type":"incident",
"occurred_at":"2026-05-31T05:02:03.456Z","agent":{"html_url":"https://example.pagerduty.com/users/PAAAAAA","id":"PAAAAAA",
"self":"https://api.pagerduty.com/users/PAAAAAA","summary":"Ada Example","type":"user_reference"},"client":null,
"data":{"id":"PBBBBBB","type":"incident","self":"https://api.pagerduty.com/incidents/PBBBBBB","html_url":"https://example.pagerduty.com/incidents/PBBBBBB",
"number":2,"status":"acknowledged","incident_key":"wt:inc:bbp57y75c4lw","created_at":"2026-05-31T05:00:17Z","title":"New connections fail",
"service":{"id":"PCCCCCC","summary":"cyan","type":"service_reference"},"assignees":[],"escalation_policy":{"id":"PDDDDDD","type":"escalation_policy_reference"},
"teams":[],"priority":null,"urgency":"high","conference_bridge":null,"resolve_reason":null}}}`

func sign(secret, body string) string {
	return "v1=" + hex.EncodeToString(pagerhook.Sum(secret, []byte(body)))
}

// TestSum holds the signature to the one that this gives:
//
//	printf '{"a":1}' | openssl dgst -sha256 -hmac secret
func TestSum(t *testing.T) {
	if got := sign("secret", `{"a":1}`); got != "v1=aa9e2e3575f5d7098b6caccd790888c36d5fdb63342a73bada2d6a51747a8494" {
		t.Error(got)
	}
}

// TestRead: what a webhook says, and who has it by that.
func TestRead(t *testing.T) {
	at := time.Date(2026, 5, 31, 5, 2, 3, 456_000_000, time.UTC)
	change := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(acknowledged) }
	for name, c := range map[string]struct {
		body string
		want pagerhook.Event
		has  bool
	}{
		"acknowledged":       {acknowledged, pagerhook.Event{Type: "incident.acknowledged", Key: "wt:inc:bbp57y75c4lw", Who: "Ada Example"}, true},
		"resolved":           {change("incident.acknowledged", "incident.resolved"), pagerhook.Event{Type: "incident.resolved", Key: "wt:inc:bbp57y75c4lw", Who: "Ada Example"}, true},
		"by nobody":          {change(`"agent":{`, `"agent":null,"was":{`), pagerhook.Event{Type: "incident.acknowledged", Key: "wt:inc:bbp57y75c4lw"}, false},
		"by a program":       {change("user_reference", "service_reference"), pagerhook.Event{Type: "incident.acknowledged", Key: "wt:inc:bbp57y75c4lw"}, false},
		"taken back":         {change("incident.acknowledged", "incident.unacknowledged"), pagerhook.Event{Type: "incident.unacknowledged", Key: "wt:inc:bbp57y75c4lw", Who: "Ada Example"}, false},
		"of something else":  {change(`"type":"incident"`, `"type":"service"`), pagerhook.Event{Type: "incident.acknowledged", Who: "Ada Example"}, false},
		"whose name is kept": {change("Ada Example", " "), pagerhook.Event{Type: "incident.acknowledged", Key: "wt:inc:bbp57y75c4lw", Who: "somebody"}, true},
	} {
		c.want.ID, c.want.At = "01CYANEVENT0000000000000AA", at
		got, err := pagerhook.Read([]string{"new", "old"}, "v1=00,"+sign("old", c.body), []byte(c.body))
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil || got.Acknowledges() != c.has {
			t.Errorf("%s: %v %v %s", name, err, got.Acknowledges(), diff)
		}
	}
	ping := `{"event":{"id":"1","event_type":"pagey.ping","resource_type":"pagey","occurred_at":"2026-05-31T05:02:03.456Z","agent":null,"client":null,"data":{"message":"Hello from your friend Pagey!","type":"ping"}}}`
	if e, err := pagerhook.Read([]string{"s"}, sign("s", ping), []byte(ping)); err != nil || e.Acknowledges() {
		t.Errorf("a ping: %v %+v", err, e)
	}
}

// TestRefused: nothing is read of what is not signed by a secret of ours.
func TestRefused(t *testing.T) {
	good := sign("s", acknowledged)
	for name, c := range map[string]struct {
		secrets         []string
		signature, body string
		want            error
	}{
		"none":           {[]string{"s"}, "", acknowledged, pagerhook.ErrSignature},
		"no secret":      {nil, good, acknowledged, pagerhook.ErrSignature},
		"another secret": {[]string{"t"}, good, acknowledged, pagerhook.ErrSignature},
		"another body":   {[]string{"s"}, good, acknowledged + " ", pagerhook.ErrSignature},
		"half of it":     {[]string{"s"}, good[:35], acknowledged, pagerhook.ErrSignature},
		"empty":          {[]string{"s"}, "v1=", acknowledged, pagerhook.ErrSignature},
		"another scheme": {[]string{"s"}, strings.Replace(good, "v1", "v2", 1), acknowledged, pagerhook.ErrSignature},
		"no JSON":        {[]string{"s"}, sign("s", "hello"), "hello", pagerhook.ErrForm},
		"no event":       {[]string{"s"}, sign("s", "{}"), "{}", pagerhook.ErrForm},
	} {
		if e, err := pagerhook.Read(c.secrets, c.signature, []byte(c.body)); !errors.Is(err, c.want) || e != (pagerhook.Event{}) {
			t.Errorf("%s: %v %+v", name, err, e)
		}
	}
}

// FuzzRead: whatever is signed is read or refused.
func FuzzRead(f *testing.F) {
	f.Add(acknowledged)
	f.Add(`{"event":{"agent":{},"data":null,"event_type":"x","occurred_at":null}}`)
	f.Fuzz(func(t *testing.T, body string) {
		e, err := pagerhook.Read([]string{"s"}, sign("s", body), []byte(body))
		if err == nil && e.Type == "" {
			t.Error("an event of no type")
		}
	})
}
