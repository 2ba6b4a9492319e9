package report_test

import (
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/report"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

var update = flag.Bool("update", false, "rewrite golden files")

// may is the month of the tests, in which two outages begin.
var may = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

// facts are two months: an outage that is known before the first report, and
// one that a customer told of.
func facts(t *testing.T) report.Facts {
	t.Helper()
	book := incident.NewBook()
	must := func(_ incident.Change, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	outage := func(at time.Time, c signal.Capability, s signal.Severity, lasts time.Duration) {
		book.Apply(at, []signal.Judgement{{At: at, Since: at.Add(-17 * time.Second), Capability: c, Severity: s, By: signal.ByCanary, Failed: 6, Tried: 6}}, incident.Recovery{})
		id := book.List()[0].ID
		must(book.PageAccepted(at.Add(300*time.Millisecond), id, "phone"))
		must(book.Published(at.Add(time.Second), id, "https://status.example.com"))
		must(book.Acknowledge(at.Add(2*time.Minute), id, "Ada"))
		end := at.Add(lasts)
		book.Apply(end, []signal.Judgement{{At: end, Since: end, Capability: c, By: signal.ByCanary, Tried: 6}}, incident.Recovery{})
		book.Apply(end.Add(10*time.Minute), nil, incident.Recovery{})
	}
	outage(may.AddDate(0, 0, -3), signal.Events, signal.Partial, 10*time.Minute)
	outage(may.AddDate(0, 0, 20), signal.Events, signal.Partial, 30*time.Minute)
	must(book.Report(may.AddDate(0, 0, 20).Add(time.Hour), may.AddDate(0, 0, 20).Add(-3*time.Minute), "2", "bob", "a mail"))
	last := may.AddDate(0, 0, 30).Add(5 * time.Hour)
	outage(last, signal.ConnectTCP, signal.Major, 135*time.Minute)
	must(book.Report(last.Add(time.Hour), last.Add(15*time.Minute), "3", "ada", "the forum: *is it down?* | <b>"))

	day := func(date string, partial, major int) status.Day {
		return status.Day{Date: date, Good: 86400 - partial - major - 60, Partial: partial, Major: major, Unknown: 60}
	}
	return report.Facts{
		Name: "Example <Cloud>", URL: "https://status.example.com", Since: may.AddDate(0, -2, 0), Incidents: book.List(),
		Windows: []maintenance.Window{{
			Number: 4, Title: "New database", Kind: maintenance.Planned, Status: maintenance.Completed,
			Starts: may.AddDate(0, 0, 10), Ends: may.AddDate(0, 0, 10).Add(time.Hour),
		}},
		Days: map[signal.Capability][]status.Day{
			signal.ConnectTCP: {day("2026-04-30", 0, 0), day("2026-05-30", 0, 0), day("2026-05-31", 0, 8117)},
			signal.Events:     {day("2026-05-20", 0, 0), day("2026-05-21", 1817, 0)},
			signal.Calls:      {day("2026-05-21", 0, 0)},
			signal.Variables:  {day("2026-06-01", 0, 0)},
		},
		Drill: &status.Drill{At: may.AddDate(0, 0, 5), Detected: 16.8, Paged: 17.1, Published: 17, Resolved: 80},
	}
}

// TestReport is the whole report of a month, as a manager reads it.
func TestReport(t *testing.T) {
	f := facts(t)
	r, err := report.Of(&f, "2026-05", may.AddDate(0, 1, 2))
	if err != nil {
		t.Fatal(err)
	}
	if r.ToldFirst != 1 || r.Reported != 2 || r.Detect.Count != 2 || *r.Detect.Median != 17 || len(r.Incidents) != 2 || !r.Over {
		t.Errorf("%+v", r)
	}
	// 8117 s of two days less two minutes; a partial outage counts in full.
	for at, want := range map[int]float64{0: 1 - 8117.0/(2*86400-120), 2: 1 - 1817.0/(2*86400-120)} {
		if p := r.Parts[at]; p.Available == nil || *p.Available != want {
			t.Errorf("%s was available for %v, not %v", p.Name, p.Available, want)
		}
	}
	const golden = "testdata/2026-05.md"
	if *update {
		if err := os.WriteFile(golden, []byte(r.Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), r.Markdown()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}

// TestMonths: an incident counts in the month in which it began and is named in
// each that it lasted into; a month that goes on says so, and there is none of
// the future.
func TestMonths(t *testing.T) {
	f := facts(t)
	now := may.AddDate(0, 0, 20).Add(15 * time.Minute)
	r, err := report.Of(&f, "2026-05", now)
	if err != nil || r.Over || !strings.Contains(strings.Join(r.Headline(), " "), "not over") {
		t.Errorf("a month that goes on: %v %+v", err, r)
	}
	if r, err := report.Of(&f, "2026-06", may.AddDate(0, 2, 0)); err != nil || len(r.Incidents) != 0 || r.Headline()[0] != "No incident began in this month." {
		t.Errorf("a quiet month: %v %+v", err, r)
	}
	f.Incidents[0].Monitoring = time.Time{} // the last of May goes on and on
	if r, err := report.Of(&f, "2026-06", may.AddDate(0, 2, 0)); err != nil || len(r.Incidents) != 1 || !r.Incidents[0].Earlier || r.Detect.Count != 0 || r.Reported != 0 {
		t.Errorf("one that began earlier: %v %+v", err, r)
	}
	for month, want := range map[string]error{"2026-07": report.ErrTooSoon, "2026-13": report.ErrMonth, "": report.ErrMonth, "2026-5": report.ErrMonth} {
		if _, err := report.Of(&f, month, may.AddDate(0, 1, 2)); !errors.Is(err, want) {
			t.Errorf("%q: %v", month, err)
		}
	}
}

// TestServed: the report is a page, Markdown and JSON, which say the same; what
// people wrote is text in all of them.
func TestServed(t *testing.T) {
	h := &report.Handler{Facts: func() report.Facts { return facts(t) }}
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, report.Path+path, http.NoBody))
		return w.Code, w.Body.String()
	}
	code, html := get("2026-05")
	for _, want := range []string{"Example &lt;Cloud&gt; in 2026-05", "15.0 min ahead of the first report", "3.0 min behind the first report", "*is it down?* | &lt;b&gt;", "<td>95.2"} {
		if code != http.StatusOK || !strings.Contains(html, want) {
			t.Errorf("%d: the page has no %q", code, want)
		}
	}
	if strings.Contains(html, "<b>") {
		t.Error("what somebody wrote is markup")
	}
	var r report.Report
	code, body := get("2026-05.json")
	if err := json.Unmarshal([]byte(body), &r); err != nil || code != http.StatusOK || r.ToldFirst != 1 || len(r.Incidents) != 2 || r.Incidents[0].Told[0].Whom != "phone" {
		t.Errorf("JSON: %d %v %+v", code, err, r)
	}
	if code, body := get("2026-05.md"); code != http.StatusOK || !strings.Contains(body, `\*is it down?\* \| &lt;b>`) {
		t.Errorf("Markdown: %d %s", code, body)
	}
	if code, body := get(""); code != http.StatusOK || !strings.Contains(body, `<a href="/reports/2026-05">`) {
		t.Errorf("the list: %d %s", code, body)
	}
	for _, path := range []string{"2126-05", "2026-05.exe", "../2026-05", "x"} {
		if code, _ := get(path); code != http.StatusNotFound {
			t.Errorf("%s: %d", path, code)
		}
	}
}
