package watchers

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/test/watch/stage"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/status"
)

const (
	hookKey  = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	hookBack = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
)

// TestOperator is an outage as those live it who have to do with it, with the
// real program: who is on call by the rota is paged, and acknowledges in
// PagerDuty; an owner hears of it by his own signed webhook; who has most to
// lose stands first; a customer reports it later, and the report of the month
// says by how much.
func TestOperator(t *testing.T) {
	t.Parallel()
	phone, other, owner := new(notifytest.Pager), new(notifytest.Pager), new(notifytest.Hook)
	owner.Secret, _ = base64.StdEncoding.DecodeString(hookKey)
	cloud := stage.Serve(t, stage.Build(t))
	folder := t.TempDir()
	serve := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pages := write("owners.yaml", fmt.Sprintf(`
- {name: Small, path: 00000000000000000001, token-file: %[1]s, cost: 5}
- {name: Ovens, path: 00000000000000000002, token-file: %[1]s, cost: 6000, tell: [{type: webhook, url: "%[2]s", allow_private: true, secrets: [whsec_%[3]s]}]}
`, write("token", "none\n"), serve(owner), hookKey))
	tower := cloud.Watch("tower", stage.Watching{Deaf: true, Hurry: true, More: []string{"--owner-pages", pages}})
	monday := time.Now().UTC()
	for monday.Weekday() != time.Monday || time.Since(monday) < 7*24*time.Hour {
		monday = monday.AddDate(0, 0, -1)
	}
	pager := func(h http.Handler) string {
		return "{type: pagerduty, routing_key: " + strings.Repeat("k", 32) + ", url: \"" + serve(h) + "\", webhook_secrets: [" + hookBack + "]}"
	}
	// Ada has had her turns so far, and Bob covers for her now.
	settings := fmt.Sprintf(`
notify:
  stages: [[rota/first]]
  rota:
    zone: UTC
    people: {ada: [adas], bob: [bobs]}
    lines: {first: {begins: %s, turns: [ada]}}
    cover: [{line: first, who: bob, from: %s, until: %s}]
  outlets: {adas: %s, bobs: %s}
`, monday.Format(time.DateOnly), time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly), time.Now().UTC().AddDate(0, 0, 3).Format(time.DateOnly), pager(other), pager(phone))
	tower.Kill()
	if err := os.WriteFile(filepath.Join(tower.Data, "settings.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	tower.Again()
	at := []string{"--watch-url", tower.URL, "--watch-data", tower.Data}
	if out := cloud.Admin.Must(t, append([]string{"oncall", "rota", "--json"}, at...)...); !strings.Contains(out, `"who":"bob"`) || !strings.Contains(out, "covers for ada") {
		t.Errorf("the rota is %s", out)
	}
	until(t, "the address is measured", func() bool {
		e, err := tower.Evidence(t.Context())
		return err == nil && slices.ContainsFunc(e.Components, func(c status.EvidenceOfComponent) bool { return c.OK > 2 })
	})

	cloud.Kill()
	until(t, "bob is paged", func() bool { return one(t, phone) != nil })
	until(t, "the owner is told", func() bool { return len(owner.Taken()) > 0 })
	first := owner.Taken()[0]
	if !strings.Contains(string(first.Body), `"type":"incident.opened"`) || !owner.Verify(first.Header, first.Body) {
		t.Errorf("he is told %s", first.Body)
	}
	if len(other.Incidents()) != 0 {
		t.Error("ada is paged, whose turn it is not")
	}

	post(t, tower.URL+"/oncall/pagerduty", fmt.Sprintf(`{"event":{"id":"1","event_type":"incident.acknowledged","resource_type":"incident","occurred_at":%q,`+
		`"agent":{"id":"PA","summary":"Bob","type":"user_reference"},"client":null,"data":{"id":"PB","type":"incident","incident_key":%q}}}`,
		time.Now().UTC().Format(time.RFC3339Nano), one(t, phone).Key))
	until(t, "it is acknowledged here", func() bool {
		e, err := tower.Evidence(t.Context())
		return err == nil && len(e.Incidents) == 1 && !e.Incidents[0].Accepted.IsZero()
	})

	stakes := strings.Split(strings.TrimSpace(cloud.Admin.Must(t, append([]string{"oncall", "owners", "--json"}, at...)...)), "\n")
	if len(stakes) != 2 || !strings.Contains(stakes[0], `"name":"Ovens"`) || !strings.Contains(stakes[0], `"costs_per_min":6000`) {
		t.Errorf("the order is %v", stakes)
	}
	cloud.Admin.Must(t, append([]string{"incident", "reported", "1", "the forum", "--at", time.Now().UTC().Format(time.RFC3339Nano), "--by", "Bob"}, at...)...)
	var report struct {
		ToldFirst int `json:"customers_told_us_first"`
		Incidents []struct {
			Ahead *float64
			Words string                       `json:"ahead_words"`
			Paged *float64                     `json:"paged_s"`
			Told  []struct{ Who, Whom string } `json:"told"`
		}
	}
	text := cloud.Admin.Must(t, "report", "--json", "--month", time.Now().UTC().Format("2006-01"), "--status-url", tower.URL)
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	if report.ToldFirst != 0 || len(report.Incidents) != 1 || !strings.HasSuffix(report.Incidents[0].Words, "ahead of the first report") || report.Incidents[0].Paged == nil {
		t.Errorf("the report is %s", text)
	}
	if told := report.Incidents[0].Told; !slices.ContainsFunc(told, func(x struct{ Who, Whom string }) bool { return x.Whom == "bobs" }) ||
		!slices.ContainsFunc(told, func(x struct{ Who, Whom string }) bool { return x.Who == "Bob (PagerDuty)" }) {
		t.Errorf("who told whom: %+v", told)
	}
}

// post sends what PagerDuty would.
func post(t *testing.T, url, body string) {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(hookBack))
	mac.Write([]byte(body))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-PagerDuty-Signature", "v1="+hex.EncodeToString(mac.Sum(nil)))
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	if w.StatusCode != http.StatusNoContent {
		t.Errorf("PagerDuty is answered %s", w.Status)
	}
}
