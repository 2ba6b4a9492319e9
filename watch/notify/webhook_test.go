package notify_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
)

// TestWebhookKeys: while keys are rotated, who knows either of them, or only
// the public half of one, can check a webhook; nobody else's signature passes.
func TestWebhookKeys(t *testing.T) {
	private, public := ed25519Secret()
	for name, c := range map[string]struct {
		secrets string
		hook    *notifytest.Hook
		taken   int
	}{
		"the new secret":  {whsec + ", whsec_bm90IHRoZSBzZWNyZXQgdGhhdCBpcyBrbm93bg==", nil, 1},
		"the old secret":  {"whsec_bm90IHRoZSBzZWNyZXQgdGhhdCBpcyBrbm93bg==, " + whsec, nil, 1},
		"another secret":  {"whsec_bm90IHRoZSBzZWNyZXQgdGhhdCBpcyBrbm93bg==", nil, 0},
		"a public key":    {whsec + ", " + private, &notifytest.Hook{Public: public}, 1},
		"only public key": {private, &notifytest.Hook{Public: public}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				text := strings.Replace(settings, `team.example.com/hook", secrets: [`+whsec+`]`, `team.example.com/hook", secrets: [`+c.secrets+`]`, 1)
				b := newBench(t, text)
				defer func() { b.stop() }()
				hook := &b.team
				if c.hook != nil {
					b.stop()
					hook = c.hook
					b.config.Transport.(notifytest.Hosts)["team.example.com"] = hook
					b.start()
				}
				b.notify(notify.Notice{ID: "n1", Kind: notify.Change, Summary: "a deploy"})
				if got := len(hook.Taken()); got != c.taken || len(hook.Requests()) == 0 {
					t.Errorf("taken %d of %d", got, len(hook.Requests()))
				}
			})
		})
	}
}

// TestWebhookSlow: a receiver that asks for time gets it, and then the same
// notice under the same id; one that answers 404 is asked again, because it
// may be repaired.
func TestWebhookSlow(t *testing.T) {
	for name, trouble := range map[string]notifytest.Trouble{
		"429": {Status: 429, RetryAfter: 20}, "503": {Status: 503, RetryAfter: 20}, "404": {Status: 404, RetryAfter: 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, settings)
				defer b.stop()
				b.archive.For(1, trouble)
				b.notify(outage("n1", notify.Trigger))
				b.wait(time.Minute)
				got := b.archive.Requests()
				if len(got) != 2 {
					t.Fatalf("asked %d times", len(got))
				}
				if gap := got[1].At.Sub(got[0].At); gap < time.Duration(trouble.RetryAfter)*time.Second {
					t.Errorf("asked again after %s", gap)
				}
				if a, b := got[0].Header.Get("Webhook-Id"), got[1].Header.Get("Webhook-Id"); a != b || a != "n1" {
					t.Errorf("ids %q and %q", a, b)
				}
				if a, b := got[0].Header.Get("Webhook-Timestamp"), got[1].Header.Get("Webhook-Timestamp"); a == b {
					t.Error("the time of the try stands still")
				}
			})
		})
	}
}

// TestPrivate: a webhook reaches no address of this network, whatever its name,
// unless that is allowed; the refusal is final, and the receiver hears nothing.
func TestPrivate(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer server.Close()
	for _, address := range []string{server.URL, strings.Replace(server.URL, "127.0.0.1", "localhost", 1)} {
		o := notify.OutletSettings{Type: "webhook", URL: address, Secrets: []string{whsec}}
		guarded, err := notify.NewOutlet("hook", o, notify.Config{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = guarded.Send(t.Context(), outage("n1", notify.Trigger))
		no, ok := errors.AsType[*notify.Refusal](err)
		if !ok || !no.Permanent || !strings.Contains(no.Words, "not public") || asked != 0 {
			t.Errorf("%s: %v, asked %d times", address, err, asked)
		}
		o.AllowPrivate = true
		allowed, err := notify.NewOutlet("hook", o, notify.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := allowed.Send(t.Context(), outage("n1", notify.Trigger)); err != nil || asked != 1 {
			t.Errorf("allowed: %v, asked %d times", err, asked)
		}
		asked = 0
	}
}
