package app

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/oncall"
	"github.com/cyan-cloud/cyan/watch/signal"
)

func judgement(at time.Time, s signal.Severity) []signal.Judgement {
	return []signal.Judgement{{
		At: at, Since: at.Add(-20 * time.Second), Capability: signal.ConnectTCP, Severity: s, By: signal.ByCanary, Failed: 5, Tried: 6, Vantages: 1,
		Reason: "timeout", Evidence: "no answer within 8 s",
		Culprits: []signal.Culprit{
			{What: "transport TCP on gateway-2", Explains: 0.97, Inside: 1, Rest: 0.02}, {What: "firmware 5.8.0", Explains: 0.3, Inside: 0.6, Rest: 0.4},
		},
	}}
}

// pagedWatch is a watchtower that runs, of a cloud that is not there, with a
// pager; what is judged is the test's.
func pagedWatch(t *testing.T, data string, phone *httptest.Server) (*Watch, func()) {
	t.Helper()
	settings := filepath.Join(data, "settings.yaml")
	text := "log-level: info\n" + notifytest.Settings(phone.URL)
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
	if err := remote.Acknowledge(t.Context(), "wt:inc:"+i().ID, "ada"); err != nil {
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
	if list := fake.Incidents(); len(list) != 1 || list[0].Key != "wt:inc:"+i().ID || list[0].Severity != "critical" || acknowledged != 1 {
		t.Errorf("the pager has %+v; acknowledged %d times", list, acknowledged)
	}
	if note := w.oncall.Note(); note != "" {
		t.Errorf("all is well, and the page says: %s", note)
	}
	end()
	w, end = pagedWatch(t, data, phone)
	defer end()
	if err := w.oncall.Pipeline().Notify(pager.Notice{ID: "end", Key: "wt:inc:" + i().ID, Kind: pager.Resolve}); err == nil {
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
	if notes := w.notes(); len(notes) == 0 || notes[0] != oncall.NoPager {
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
