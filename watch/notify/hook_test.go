package notify_test

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/pagerhook"
)

// hookSecret is what PagerDuty signs with.
const hookSecret = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

// said is a webhook of PagerDuty's, in the form that is documented for V3.
func said(kind, key, who string, at time.Time) string {
	return fmt.Sprintf(`{"event":{"id":"01EVENT","event_type":%q,"resource_type":"incident","occurred_at":%q,`+
		`"agent":{"html_url":"https://example.pagerduty.com/users/PA","id":"PA","self":"https://api.pagerduty.com/users/PA","summary":%q,"type":"user_reference"},`+
		`"client":null,"data":{"id":"PB","type":"incident","number":2,"status":"acknowledged","incident_key":%q,"title":"New connections fail"}}}`,
		kind, at.UTC().Format("2006-01-02T15:04:05.000Z"), who, key)
}

func (b *bench) hook(secret, body string) int {
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodPost, notify.HookPath, strings.NewReader(body))
	r.Header.Set(pagerhook.Signature, "v1="+hex.EncodeToString(pagerhook.Sum(secret, []byte(body))))
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	return w.Code
}

// TestAcknowledgedInPagerDuty: who acknowledges in PagerDuty has the alert here,
// and nobody else is called; what is not signed, too long, of an earlier time
// or by a program changes nothing.
func TestAcknowledgedInPagerDuty(t *testing.T) {
	text := strings.Replace(three, routingKey+"}", routingKey+", webhook_secrets: ["+hookSecret+"]}", 1)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, text)
		defer b.stop()
		var acks []string
		b.stop()
		b.config.OnAcknowledged = func(a notify.Ack) { acks = append(acks, a.By) }
		b.start()
		key := outage("", "").Key
		earlier := time.Now()
		b.wait(time.Hour)
		b.notify(outage("n1", notify.Trigger))
		b.wait(time.Minute)
		now := time.Now()
		good := said("incident.acknowledged", key, "Ada Example", now)
		for name, c := range map[string]struct {
			secret, body string
			want         int
		}{
			"another secret":  {"fedcba98765432100123456789abcdef", good, http.StatusUnauthorized},
			"too long":        {hookSecret, good + strings.Repeat(" ", pagerhook.Most), http.StatusRequestEntityTooLarge},
			"no event":        {hookSecret, "{}", http.StatusBadRequest},
			"an earlier time": {hookSecret, said("incident.acknowledged", key, "Ada Example", earlier), http.StatusNoContent},
			"another alert":   {hookSecret, said("incident.acknowledged", "wt:inc:other", "Ada Example", now), http.StatusNoContent},
			"a program":       {hookSecret, strings.Replace(good, "user_reference", "app_reference", 1), http.StatusNoContent},
			"something else":  {hookSecret, said("incident.reassigned", key, "Ada Example", now), http.StatusNoContent},
		} {
			if got := b.hook(c.secret, c.body); got != c.want {
				t.Errorf("%s: %d instead of %d", name, got, c.want)
			}
			if a := b.Status().Alerts[0]; a.Acked != nil {
				t.Fatalf("%s: %+v", name, a.Acked)
			}
		}
		for range 2 { // PagerDuty says it again where it did not hear that it was heard
			if got := b.hook(hookSecret, good); got != http.StatusNoContent {
				t.Errorf("it is answered %d", got)
			}
		}
		b.wait(time.Hour)
		if len(acks) != 1 || acks[0] != "Ada Example (PagerDuty)" || len(b.team.Requests()) != 0 {
			t.Errorf("she has it: %v, and %d others were called", acks, len(b.team.Requests()))
		}
		b.notify(outage("n2", notify.Resolve))
		if got := b.hook(hookSecret, good); got != http.StatusNoContent {
			t.Errorf("it is over, and she is answered %d", got)
		}
	})
}

// TestNoHook: without a secret nothing is taken from PagerDuty, and a secret has
// to be one.
func TestNoHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, three)
		defer b.stop()
		if got := b.hook("", said("incident.acknowledged", outage("", "").Key, "Ada", time.Now())); got != http.StatusNotFound {
			t.Errorf("it is answered %d", got)
		}
	})
	for _, bad := range []string{"[short]", "[a, b, c]", "[env:CYAN_NO_SUCH_SECRET]"} {
		if _, err := notify.ParseSettings([]byte(strings.Replace(three, routingKey+"}", routingKey+", webhook_secrets: "+bad+"}", 1))); err == nil || !strings.Contains(err.Error(), "webhook_secrets") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
