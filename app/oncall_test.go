package app

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/incident"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// noon is when the incident of the tests is detected.
var noon = time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)

func judgement(at time.Time, s signal.Severity) []signal.Judgement {
	return []signal.Judgement{{
		At: at, Since: at.Add(-20 * time.Second), Capability: signal.ConnectTCP, Severity: s, By: signal.ByCanary, Failed: 5, Tried: 6, Vantages: 1,
		Reason: "timeout", Evidence: "no answer within 8 s",
		Culprits: []signal.Culprit{
			{What: "transport TCP on gateway-2", Explains: 0.97, Inside: 1, Rest: 0.02}, {What: "firmware 5.8.0", Explains: 0.3, Inside: 0.6, Rest: 0.4},
		},
	}}
}

// TestNotice: what an outage, its news and its end are to people on call.
func TestNotice(t *testing.T) {
	book := incident.NewBook()
	var kinds []string
	var first, last pager.Notice
	hear := func(changes []incident.Change) {
		for i := range changes {
			n, ok := noticeOf(&changes[i], "https://status.example.com")
			if !ok {
				kinds = append(kinds, string(changes[i].Kind)+" nothing")
				continue
			}
			kinds = append(kinds, string(changes[i].Kind)+" "+string(n.Kind))
			if again, _ := noticeOf(&changes[i], "https://status.example.com"); !cmp.Equal(again, n) {
				t.Error("the same change makes another notice")
			}
			if n.Kind == pager.Trigger && first.ID == "" {
				first = n
			}
			last = n
		}
	}
	at := noon.Add
	hear(book.Apply(at(0), judgement(at(0), signal.Degraded), incident.Recovery{}))
	hear(book.Apply(at(10*time.Second), judgement(at(10*time.Second), signal.Partial), incident.Recovery{}))
	hear(book.Apply(at(20*time.Second), judgement(at(20*time.Second), signal.Major), incident.Recovery{}))
	hear(book.Apply(at(time.Minute), judgement(at(time.Minute), signal.Operational), incident.Recovery{}))
	hear(book.Apply(at(4*time.Minute), nil, incident.Recovery{}))
	want := []string{"opened update", "worsened trigger", "worsened trigger", "fixed update", "resolved resolve"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	if first.Key != last.Key || first.ID == last.ID || first.Key != alertOf(book.List()[0].ID) {
		t.Errorf("keys and ids: %s %s, %s %s", first.Key, first.ID, last.Key, last.ID)
	}
	first.ID, first.Key = "", ""
	golden := pager.Notice{
		Kind: pager.Trigger, Severity: pager.Error, At: at(10 * time.Second),
		Summary:   "Most devices that start now cannot connect over TCP, since 11:59 UTC: 5 of 6 tries fail",
		Links:     []pager.Link{{Text: "incident 1", URL: "https://status.example.com/i/1"}},
		Component: string(signal.ConnectTCP), Group: "transport TCP on gateway-2", Class: "timeout",
	}
	golden.Details = []pager.Detail{
		{Name: "evidence", Value: "no answer within 8 s"},
		{Name: "why", Value: "97 % of the failures are transport TCP on gateway-2 (100 % fail there, 2 % elsewhere) and 30 % of the failures are firmware 5.8.0 (60 % fail there, 40 % elsewhere)"},
		{Name: "advice", Value: "Do not reset or re-key: devices retry by themselves within 128 s."},
	}
	if diff := cmp.Diff(golden, first); diff != "" {
		t.Error(diff)
	}
	if last.Summary != "Resolved: Devices that start now cannot connect over TCP, for 1 min" {
		t.Errorf("the end: %s", last.Summary)
	}
}

// pagedWatch is a watchtower that runs, of a cloud that is not there, with a
// pager; what is judged is the test's.
func pagedWatch(t *testing.T, data string, phone *httptest.Server) (*Watch, func()) {
	t.Helper()
	settings := filepath.Join(data, "settings.yaml")
	text := "log-level: info\nnotify:\n  stages: [[phone]]\n  outlets:\n    phone: {type: pagerduty, routing_key: " + strings.Repeat("k", 32) + ", url: \"" + phone.URL + "\"}\n"
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := NewWatch(WatchOptions{Data: data, Listen: "127.0.0.1:0", API: "http://127.0.0.1:1", UDP: "off", TCP: "off", Settings: settings, Every: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }() // ends with end
	return w, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestPager: an outage pages once, is acknowledged by who reads oncall.key, and
// is over for the pager when it is over; each with its proof in the timeline. A
// watchtower that was not there when it ended says so when it is.
func TestPager(t *testing.T) {
	t.Parallel()
	fake, data := new(notifytest.Pager), t.TempDir()
	phone := httptest.NewServer(fake)
	defer phone.Close()
	w, end := pagedWatch(t, data, phone)
	paged := fake.Paged()
	now := time.Now()
	w.desk.Judged(now, judgement(now, signal.Major))
	<-paged
	i := func() *incident.Incident { list, _ := w.desk.List(); return &list[0] }
	until(t, "the page is in the timeline", func() bool { return !i().Milestones().PageAccepted.IsZero() })

	remote, err := OpenOncall("http://"+w.Addr(), data)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Acknowledge(t.Context(), alertOf(i().ID), "ada"); err != nil {
		t.Fatal(err)
	}
	until(t, "it is acknowledged here and there", func() bool { return !i().Accepted.IsZero() && fake.Incidents()[0].Acknowledged })

	now = now.Add(time.Minute)
	w.desk.Judged(now, judgement(now, signal.Operational))
	w.desk.Judged(now.Add(3*time.Minute), nil)
	until(t, "it is over", func() bool { return fake.Incidents()[0].Resolved })
	acknowledged := 0
	for _, e := range i().Timeline {
		if e.Kind == incident.Acknowledged {
			acknowledged++
		}
	}
	if list := fake.Incidents(); len(list) != 1 || list[0].Key != alertOf(i().ID) || list[0].Severity != "critical" || acknowledged != 1 {
		t.Errorf("the pager has %+v; acknowledged %d times", list, acknowledged)
	}
	if note := w.oncall.note(); note != "" {
		t.Errorf("all is well, and the page says: %s", note)
	}
	end()
	w, end = pagedWatch(t, data, phone)
	defer end()
	if err := w.oncall.pipeline.Notify(pager.Notice{ID: "end", Key: alertOf(i().ID), Kind: pager.Resolve}); err == nil {
		t.Error("after a restart the alert is open again")
	}
}

// TestNobodyPaged: the page says that there is no pager, and that one fails.
func TestNobodyPaged(t *testing.T) {
	t.Parallel()
	w, err := NewWatch(WatchOptions{Data: t.TempDir(), Listen: "127.0.0.1:0", UDP: "off", TCP: "off"})
	if err != nil {
		t.Fatal(err)
	}
	if notes := w.notes(); len(notes) == 0 || notes[0] != noPager {
		t.Errorf("without a pager: %q", notes)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Run(ended); err != nil {
		t.Error(err)
	}

	fake := new(notifytest.Pager)
	fake.Set(notifytest.Trouble{Status: http.StatusBadRequest})
	phone := httptest.NewServer(fake)
	defer phone.Close()
	w, end := pagedWatch(t, t.TempDir(), phone)
	defer end()
	now := time.Now()
	w.desk.Judged(now, judgement(now, signal.Partial))
	until(t, "the page says so", func() bool {
		w.desk.Judged(now.Add(time.Second), nil)
		resp, err := http.Get("http://" + w.Addr() + "/evidence.json")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var e struct{ Notes []string }
		return json.NewDecoder(resp.Body).Decode(&e) == nil && len(e.Notes) > 0 && e.Notes[0] == "nobody can be paged: outlet phone fails"
	})
}

// until waits; the test's own limit ends what never comes.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("never: " + what)
		}
	}
}
