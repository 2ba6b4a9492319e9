package status_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

func get(s *status.Site, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// TestSite is what it answers: pages, what is not there, who may ask how.
func TestSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := status.NewSite()
		if w := get(site, "/"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "unknown") {
			t.Errorf("before anything was measured it answers %d %.80s", w.Code, w.Body)
		}
		v := scenes(t, 3, 3)["partial"]
		v.At = time.Now()
		site.Show(v)
		for _, path := range append(status.Paths(), "/incidents/"+v.Incidents[0].ID, "/incidents/1", "/i/1", "/i/1/", "/index.html") {
			w := get(site, path)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") == "" || w.Header().Get("Cache-Control") == "" {
				t.Errorf("%s: %d %v", path, w.Code, w.Header())
			}
			if !strings.Contains(w.Header().Get("Content-Type"), "html") && w.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s cannot be read from other pages", path)
			}
			if again := get(site, path, "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
				t.Errorf("%s: the same page is sent again", path)
			}
		}
		for _, path := range []string{"/nothing", "/incidents/zzzzzzzzzzzz", "/incidents/", "/web/page.js", "/../go.mod", "/api/v2/"} {
			if w := get(site, path); w.Code != http.StatusNotFound {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST: %d", w.Code)
		}
	})
}

// TestStale: a view that nothing follows turns unknown by itself, in every form.
func TestStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, v := status.NewSite(), scenes(t, 3, 3)["green"]
		v.At = time.Now()
		site.Show(v)
		if w := get(site, "/"); !strings.Contains(w.Body.String(), "Everything works.") {
			t.Fatal("a fresh page does not say that everything works")
		}
		time.Sleep(3*time.Minute + time.Second) //nolint:forbidigo // in a bubble
		for path, lie := range map[string]string{
			"/": "Everything works.", "/api/v2/status.json": "All Systems Operational", "/evidence.json": `"unknown": false`, "/badge.svg": ">works<",
		} {
			if w := get(site, path); strings.Contains(w.Body.String(), lie) {
				t.Errorf("%s still says %q", path, lie)
			}
		}
	})
}

// TestEscaped: what people and devices call things breaks nothing.
func TestEscaped(t *testing.T) {
	const nasty = "</title><script>alert(1)</script><img src=x onerror=alert(2)>\r\nSet-Cookie: a=b\x00\x1b[31m\"'&]]>"
	s := newStage(t, 3, 3)
	j := fails(signal.Calls, signal.Major)
	j.Reason, j.Evidence = nasty, nasty
	j.Culprits = []signal.Culprit{{What: nasty, Explains: 0.9}}
	s.pass(time.Minute, j)
	s.must(s.book.Say(s.now, "1", nasty, nasty, false))
	s.must(s.book.Dispute(s.now, "1", nasty, nasty))
	s.must(s.book.PageAccepted(s.now, "1", nasty))
	s.must(s.plans.Plan(s.now, maintenance.Window{
		Kind: maintenance.Emergency, Title: nasty, Reason: nasty, Who: nasty, Zone: nasty, Starts: s.now.Add(time.Hour), Ends: s.now.Add(2 * time.Hour),
		Effects: []maintenance.Effect{{Capability: signal.API, Worst: signal.Major}}, Remedies: nasty,
	}))
	v := s.view()
	v.Page.Name, v.Notes = "Cloud <b>&\"", []string{nasty}
	for i := range v.Strips {
		v.Strips[i].Vantage, v.Strips[i].Ingress = nasty, nasty
		for n := range v.Strips[i].Runs {
			v.Strips[i].Runs[n].Evidence, v.Strips[i].Runs[n].Reason, v.Strips[i].Runs[n].OK = nasty, nasty, false
		}
	}
	for _, path := range paths(v) {
		body, kind, err := v.Render(path, v.At)
		if err != nil {
			t.Fatal(path, err)
		}
		wellFormed(t, path, kind, body)
		for _, bad := range []string{"<script>alert", "<img src=x", "<b>&"} {
			if strings.Contains(string(body), bad) {
				t.Errorf("%s lets %q through", path, bad)
			}
		}
	}
}

// TestExport writes every page as a file, at the place where links look for it.
func TestExport(t *testing.T) {
	dir, v := t.TempDir(), scenes(t, 3, 3)["maintenance"]
	if err := v.Export(dir, v.At); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"index.html", "history/index.html", "api/v2/summary.json", "index.json", "incidents/" + v.Incidents[0].ID + "/index.html", "maintenance/" + v.Windows[0].ID + "/index.html", "m/1/index.html"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if path := "/" + strings.TrimSuffix(strings.TrimSuffix(name, "index.html"), "/"); strings.HasSuffix(name, "html") {
			if want, _, _ := v.Render(path, v.At); string(want) != string(got) {
				t.Errorf("%s is not what the site serves", name)
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.next")); len(left) > 0 {
		t.Error("left behind:", left)
	}
}

// TestHistory counts each second once, under its day, and none that nobody saw.
func TestHistory(t *testing.T) {
	var h status.History
	now := time.Date(2026, 6, 1, 23, 59, 0, 0, time.UTC)
	note := func(s signal.Severity, held, blind bool) {
		h.Note(now, []status.Component{{Capability: signal.Calls, Severity: s, Held: held}}, blind)
	}
	note(signal.Operational, false, false)
	for range 6 {
		now = now.Add(20 * time.Second)
		note(signal.Partial, false, false)
	}
	now = now.Add(30 * time.Second)
	note(signal.Major, true, false)
	now = now.Add(30 * time.Second)
	note(signal.Operational, false, true)
	now = now.Add(10 * time.Minute)
	note(signal.Operational, false, false)
	days := h.Of(signal.Calls)
	want := []status.Day{
		{Date: "2026-06-01", Partial: 60},
		{Date: "2026-06-02", Partial: 60, Maintenance: 30, Unknown: 630},
	}
	if len(days) != 2 || days[0] != want[0] || days[1] != want[1] {
		t.Errorf("it counted %+v", days)
	}
	for range 200 {
		now = now.Add(24 * time.Hour)
		note(signal.Operational, false, false)
	}
	if days := h.Of(signal.Calls); len(days) > 91 {
		t.Errorf("it keeps %d days", len(days))
	}
}

// TestHeadline is the one sentence on top.
func TestHeadline(t *testing.T) {
	want := map[string]string{
		"green":       "Everything works.",
		"partial":     "Most devices that start now cannot connect.",
		"overdue":     "Most devices that start now cannot connect.",
		"monitoring":  "It works again; devices are still coming back.",
		"announced":   "Everything works.",
		"maintenance": "Maintenance is going on, as announced.",
		"blind":       "Monitoring is blind: treat everything as unknown.",
	}
	for name, v := range scenes(t, 3, 3) {
		if got := v.Headline(v.At); got != want[name] {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestSay: a person's words are on the page, and a dispute beside the
// measurement.
func TestSay(t *testing.T) {
	v := scenes(t, 3, 3)["overdue"]
	body, _, err := v.Render("/", v.At)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"We are replacing it.", "one network, not ours", "It stands.", "No update for 40 min", "fails for most"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if v.Incidents[0].Status != incident.Identified {
		t.Errorf("it is %s", v.Incidents[0].Status)
	}
}

// BenchmarkPage is a request for the front page of an outage, from memory.
func BenchmarkPage(b *testing.B) {
	site, v := status.NewSite(), scenes(&testing.T{}, 30, 90)["partial"]
	v.At = time.Now()
	site.Show(v)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for b.Loop() {
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		b.SetBytes(int64(w.Body.Len()))
	}
}

// BenchmarkRender is the same without memory: what a new view costs.
func BenchmarkRender(b *testing.B) {
	v := scenes(&testing.T{}, 30, 90)["partial"]
	for b.Loop() {
		if _, _, err := v.Render("/", v.At); err != nil {
			b.Fatal(err)
		}
	}
}
