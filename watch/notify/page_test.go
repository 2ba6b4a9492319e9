package notify_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyan-cloud/cyan/watch/notify"
)

// ackLink is the link in the last webhook that the team got.
func (b *bench) ackLink() *url.URL {
	b.t.Helper()
	taken := b.team.Taken()
	var e struct {
		Data struct {
			URL string `json:"acknowledge_url"`
		} `json:"data"`
	}
	if err := json.Unmarshal(taken[len(taken)-1].Body, &e); err != nil {
		b.t.Fatal(err)
	}
	u, err := url.Parse(e.Data.URL)
	if err != nil || u.Host != "status.example.com" || u.Path != notify.AckPath {
		b.t.Fatalf("%q: %v", e.Data.URL, err)
	}
	return u
}

func (b *bench) get(target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, target, http.NoBody))
	return w
}

func (b *bench) post(target string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	return w
}

// TestAckPage: looking at the page, as scanners of mail do, changes nothing;
// its button does. What strangers wrote is shown as text.
func TestAckPage(t *testing.T) {
	text := strings.Replace(settings, "- [pager]\n    - [team]", "- [team, pager]", 1)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, text)
		defer b.stop()
		n := outage("n1", notify.Trigger)
		n.Summary = `Calls fail on <script>alert(1)</script> "oven"`
		b.notify(n)
		b.wait(time.Second)
		if strings.Contains(string(b.archive.Taken()[0].Body), "acknowledge_url") {
			t.Error("who is only informed may acknowledge")
		}
		link := b.ackLink()
		for range 3 {
			w := b.get(link.RequestURI())
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<button>") || strings.Contains(w.Body.String(), "<script>") {
				t.Fatalf("%d: %s", w.Code, w.Body)
			}
		}
		if a := b.Status().Alerts[0]; a.Acked != nil {
			t.Fatalf("a GET acknowledged: %+v", a.Acked)
		}
		if w := b.post(link.RequestURI(), url.Values{"by": {"Mallory"}}); w.Code != http.StatusForbidden { // the token of a form is in the form
			t.Errorf("without the form's token: %d", w.Code)
		}
		form := url.Values{"t": {link.Query().Get("t")}, "by": {"Ada\r\n<b>"}}
		if w := b.post(notify.AckPath, form); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Ada &lt;b&gt; has it since") {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
		b.wait(time.Second)
		if a := b.Status().Alerts[0]; a.Acked == nil || a.Acked.By != "Ada <b>" {
			t.Errorf("acknowledged: %+v", a.Acked)
		}
		if in := b.pager.Incidents(); !in[0].Acknowledged {
			t.Error("the pager does not know")
		}
		form.Set("by", "Bob")
		if w := b.post(notify.AckPath, form); !strings.Contains(w.Body.String(), "Ada") {
			t.Errorf("the second is told that the first has it: %s", w.Body)
		}

		b.notify(outage("n2", notify.Resolve))
		if w := b.get(link.RequestURI()); !strings.Contains(w.Body.String(), "It is over") || strings.Contains(w.Body.String(), "<button>") {
			t.Errorf("after it is over: %s", w.Body)
		}
		b.wait(4 * time.Hour)
		if w := b.get(link.RequestURI()); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "four hours old") {
			t.Errorf("an old link: %d", w.Code)
		}
		if w := b.get(notify.AckPath + "?t=nonsense"); w.Code != http.StatusForbidden {
			t.Errorf("no link of ours: %d", w.Code)
		}
	})
}

// TestRemote is what `cyan oncall` does: it needs the secret in the data
// folder, and nothing of the cloud.
func TestRemote(t *testing.T) {
	dir := t.TempDir()
	key, err := notify.LoadSecret(filepath.Join(dir, notify.SecretFile))
	if err != nil {
		t.Fatal(err)
	}
	p, err := notify.Open(notify.Config{Secret: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.Handler())
	defer server.Close()
	remote, err := notify.OpenRemote(server.URL, dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := remote.Status(t.Context())
	if err != nil || !s.Red || !strings.Contains(strings.Join(s.Why, " "), "nobody would be paged") {
		t.Errorf("%+v, %v", s, err)
	}
	if err := p.Notify(outage("n1", notify.Trigger)); err != nil {
		t.Fatal(err)
	}
	if err := remote.Acknowledge(t.Context(), outage("", "").Key, "Ada"); err != nil {
		t.Error(err)
	}
	if s, err := remote.Status(t.Context()); err != nil || len(s.Alerts) != 1 || s.Alerts[0].Acked.By != "Ada" {
		t.Errorf("%+v, %v", s.Alerts, err)
	}
	if no, ok := errors.AsType[*notify.RemoteError](remote.Acknowledge(t.Context(), "other", "Ada")); !ok || no.Status != http.StatusNotFound {
		t.Errorf("an alert that does not exist: %v", no)
	}

	elsewhere := t.TempDir()
	if _, err := notify.OpenRemote(server.URL, elsewhere); !errors.Is(err, notify.ErrNoSecret) {
		t.Errorf("without a secret: %v", err)
	}
	if _, err := notify.LoadSecret(filepath.Join(elsewhere, notify.SecretFile)); err != nil {
		t.Fatal(err)
	}
	stranger, err := notify.OpenRemote(server.URL, elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Status(t.Context()); err == nil {
		t.Error("anybody's secret will do")
	}
}
