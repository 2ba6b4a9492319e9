package desk_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/chart"
	"github.com/cyan-cloud/cyan/watch/desk"
	"github.com/cyan-cloud/cyan/watch/hours"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

// shop is a desk, with what it told.
type shop struct {
	*desk.Desk
	t    *testing.T
	data string
	told []incident.Kind
	now  time.Time
}

func open(t *testing.T, data string) *shop {
	t.Helper()
	s := &shop{t: t, data: data, now: time.Now()}
	d, err := desk.Open(desk.Config{
		Data: data, Page: status.Page{Name: "Example", URL: "https://status.example.com", Started: s.now},
		Told: func(c incident.Change) { s.told = append(s.told, c.Kind) }, Export: filepath.Join(data, "export"),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Desk = d
	return s
}

// run is a canary that calls a held device.
func (s *shop) run(ok bool) {
	s.now = s.now.Add(10 * time.Second)
	s.Noted(&signal.Result{
		ID: s.now.String(), Vantage: "local", Ingress: "public", Transport: "udp", Story: signal.Held, Started: s.now, Ended: s.now, OK: ok,
		Steps: []signal.Step{{Name: signal.StepOnline, OK: true, Took: time.Millisecond}, {Name: signal.StepCall, OK: ok, Took: time.Millisecond}},
	})
}

func (s *shop) judge(severity signal.Severity) {
	s.Judged(s.now, []signal.Judgement{{At: s.now, Since: s.now.Add(-20 * time.Second), Capability: signal.Calls, Severity: severity, By: signal.ByCanary, Failed: 4, Tried: 6}})
}

func (s *shop) get(path string) string {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Body.String()
}

// TestLife: an incident is on the page at once, outlives the watchtower, and
// is closed by what canaries see after that.
func TestLife(t *testing.T) {
	data := t.TempDir()
	s := open(t, data)
	s.run(false)
	s.judge(signal.Major)
	if page := s.get("/"); !strings.Contains(page, "Function calls fail.") {
		t.Error("the page does not say what fails")
	} else if strings.Contains(page, "the API works") {
		t.Error("the page says of what nobody measures that it works")
	}
	list, _ := s.List()
	if len(list) != 1 || list[0].Milestones().Published.IsZero() {
		t.Fatalf("there are %d incidents, or it is not published", len(list))
	}
	if err := s.Accepted("1", "pagerduty"); err != nil {
		t.Error(err)
	}
	if len(s.told) == 0 || s.told[0] != incident.Opened {
		t.Errorf("told: %v", s.told)
	}
	if _, err := os.Stat(filepath.Join(data, "export", "i", "1", "index.html")); err != nil {
		t.Error("nothing is exported:", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	again := open(t, data)
	defer again.Close()
	again.now = s.now
	list, _ = again.List()
	if len(list) != 1 || !list[0].Failing() || list[0].Milestones().PageAccepted.IsZero() {
		t.Fatalf("after a restart: %+v", list)
	}
	again.judge(signal.Major) // the judge, who began anew, finds it again
	if len(again.told) != 0 {
		t.Errorf("after a restart it is told again: %v", again.told)
	}
}

// TestHeirs: what failed before a restart and works since is fixed, though the
// judge has nothing to say of it; one failure more and it is not.
func TestHeirs(t *testing.T) {
	data := t.TempDir()
	s := open(t, data)
	s.judge(signal.Major)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, data)
	defer again.Close()
	again.now = s.now
	for _, ok := range []bool{true, true, true, true, true, false, true, true, true, true, true} {
		again.run(ok)
		again.Judged(again.now, nil)
	}
	if list, _ := again.List(); !list[0].Failing() {
		t.Fatal("it is fixed though a run failed")
	}
	again.run(true)
	again.Judged(again.now, nil)
	if list, _ := again.List(); list[0].Status != incident.Monitoring {
		t.Errorf("after six good runs it is %s", list[0].Status)
	}
}

// TestKey: without the key nobody changes or reads anything at the desk.
func TestKey(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	server := httptest.NewServer(s)
	defer server.Close()
	if info, err := os.Stat(filepath.Join(s.data, desk.KeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v %v", info, err)
	}
	for _, key := range []string{"", "wrong", strings.Repeat("0", 48)} {
		c := desk.Client{URL: server.URL, Key: key}
		_, err := c.Incidents(t.Context())
		if no, ok := errors.AsType[*desk.RefusalError](err); !ok || no.Status != http.StatusUnauthorized {
			t.Errorf("key %q: %v", key, err)
		}
		if _, err := c.Ask(t.Context(), "", "", desk.Ask{Who: "eve", Words: "x", Capability: signal.Calls, Severity: signal.Major}); err == nil {
			t.Errorf("key %q opens an incident", key)
		}
	}
	if list, _ := s.List(); len(list) != 0 {
		t.Error("somebody without the key opened an incident")
	}
}

// TestPeople do at the desk what they may, and are told what they may not.
func TestPeople(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	server := httptest.NewServer(s)
	defer server.Close()
	key, err := desk.Key(s.data)
	if err != nil {
		t.Fatal(err)
	}
	c, ctx := desk.Client{URL: server.URL + "/", Key: key}, t.Context()
	s.judge(signal.Partial)
	refused := func(what string, err error, status int) {
		t.Helper()
		if no, ok := errors.AsType[*desk.RefusalError](err); !ok || no.Status != status {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, words := range []string{"It began yesterday.", "We go on until 15:00."} {
		_, err := c.Ask(ctx, "1", "say", desk.Ask{Who: "ana", Words: words})
		refused(words, err, http.StatusBadRequest)
		_, err = c.Plan(ctx, maintenance.Window{Title: "New database", Reason: words, Who: "ana"})
		refused("planned: "+words, err, http.StatusBadRequest)
	}
	i, err := c.Ask(ctx, "1", "say", desk.Ask{Who: "ana", Words: "We look into it.", Identified: true})
	if err != nil || i.Status != incident.Identified {
		t.Errorf("say: %v %v", i.Status, err)
	}
	_, err = c.Ask(ctx, "1", "worsen", desk.Ask{Who: "ana", Words: "Not so bad.", Capability: signal.Calls, Severity: signal.Degraded})
	refused("greener", err, http.StatusConflict)
	_, err = c.Ask(ctx, "1", "ack", desk.Ask{})
	refused("nobody", err, http.StatusBadRequest)
	_, err = c.Ask(ctx, "99", "say", desk.Ask{Who: "ana", Words: "Hello."})
	refused("no such incident", err, http.StatusNotFound)
	if i, err = c.Ask(ctx, i.ID, "dispute", desk.Ask{Who: "ben", Words: "It is the canary."}); err != nil || i.Dispute == "" || !i.Failing() {
		t.Errorf("dispute: %+v %v", i, err)
	}
	if i, err = c.Ask(ctx, i.ID, "ack", desk.Ask{Who: "ana"}); err != nil || i.Accepted.IsZero() {
		t.Errorf("ack: %v", err)
	}
	if got, err := c.Incident(ctx, "1"); err != nil || got.ID != i.ID {
		t.Errorf("show: %v", err)
	}

	plan := maintenance.Window{
		Kind: maintenance.Planned, Title: "New database", Reason: "It moves.", Who: "ana", Zone: "UTC", Starts: time.Now().Add(time.Hour), Ends: time.Now().Add(2 * time.Hour),
		Effects: []maintenance.Effect{{Capability: signal.Calls, Worst: signal.Partial}},
	}
	_, err = c.Plan(ctx, plan)
	refused("short notice called planned", err, http.StatusBadRequest)
	plan.Kind = maintenance.Short
	w, err := c.Plan(ctx, plan)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.get("/"), "New database") {
		t.Error("the page does not announce the window")
	}
	_, err = c.AskWindow(ctx, w.ID, "finish", desk.Ask{Who: "ana"})
	refused("finish before it begins", err, http.StatusConflict)
	if w, err = c.AskWindow(ctx, w.ID, "cancel", desk.Ask{Who: "ana", Words: "Not needed."}); err != nil || w.Status != maintenance.Cancelled {
		t.Errorf("cancel: %v %v", w.Status, err)
	}
	if list, err := c.Windows(ctx); err != nil || len(list) != 1 {
		t.Errorf("list: %v %v", list, err)
	}
}

// TestPageOfRuns: the numbers and dots of the page are the canaries'.
func TestPageOfRuns(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	if page := s.get("/api/v2/status.json"); strings.Contains(page, "All Systems Operational") {
		t.Error("all is well before anything was measured")
	}
	for n := range 40 {
		s.run(n%10 != 0)
	}
	s.Judged(s.now, nil)
	s.Drilled(status.Drill{At: s.now, Detected: 9})
	s.now = s.now.Add(10 * time.Second)
	s.Judged(s.now, nil)
	var e status.Evidence
	if err := json.Unmarshal([]byte(s.get("/evidence.json")), &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Components) != 2 || e.Components[1].Capability != signal.Calls || e.Components[1].Tried != 40 || e.Components[1].OK != 36 {
		t.Errorf("components: %+v", e.Components)
	}
	if len(e.Canaries) != 1 || len(e.Canaries[0].Runs) != 30 || e.Drill == nil {
		t.Errorf("canaries: %d, drill %v", len(e.Canaries), e.Drill)
	}
}

// TestQuiet: whoever plans is told the hour in which least is done of what they
// touch, as it was counted before a restart, too.
func TestQuiet(t *testing.T) {
	data := t.TempDir()
	s := open(t, data)
	begin := time.Now().UTC().Truncate(time.Hour).AddDate(0, 0, -8)
	quiet := begin.Add(100 * time.Hour)
	for n := range 8 * 24 * 60 {
		at := begin.Add(time.Duration(n) * time.Minute)
		calls := 30
		if at.Truncate(time.Hour).Equal(quiet) {
			calls = 2
		}
		s.Counted(&signal.Traffic{From: at, Until: at.Add(time.Minute), Connected: 5, Calls: signal.Tally{OK: calls}})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, data)
	defer s.Close()
	server := httptest.NewServer(s)
	defer server.Close()
	key, err := desk.Key(data)
	if err != nil {
		t.Fatal(err)
	}
	c := desk.Client{URL: server.URL, Key: key}
	list, err := c.Quiet(t.Context(), hours.Ask{After: begin.AddDate(0, 0, 8), Length: time.Hour, Effects: []signal.Capability{signal.Calls}})
	if err != nil || len(list) != 3 || !list[0].Starts.Equal(quiet.AddDate(0, 0, 7)) || list[0].Calls != 120 || list[1].Calls != 1800 {
		t.Errorf("want %v: %+v, %v", quiet.AddDate(0, 0, 7), list, err)
	}
	if _, err := c.Quiet(t.Context(), hours.Ask{Length: 48 * time.Hour}); err == nil {
		t.Error("two days are a window")
	}
}

// TestCharts: what was tried is drawn as soon as something is wrong, over a
// restart, and is kept when the minutes themselves are forgotten.
func TestCharts(t *testing.T) {
	data := t.TempDir()
	s := open(t, data)
	for range 60 {
		s.run(true)
		s.Judged(s.now, nil)
	}
	s.judge(signal.Major)
	for range 60 {
		s.run(false)
		s.Judged(s.now, nil)
	}
	list, _ := s.List()
	path := "/incidents/" + list[0].ID + "/series.json"
	read := func() (c chart.Chart) {
		t.Helper()
		if err := json.Unmarshal([]byte(s.get(path)), &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := read(); len(c.Lines) != 1 || c.Lines[0].Sum(&c, c.From, c.Until()) != (chart.Count{OK: 60, Tried: 120}) {
		t.Fatalf("%+v", c)
	}
	again := func() {
		t.Helper()
		now := s.now
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, data)
		s.now = now
		s.Judged(s.now, nil)
	}
	for range 60 {
		s.run(true)
		s.Judged(s.now, nil)
	}
	again()
	c := read()
	if sum := c.Lines[0].Sum(&c, c.From, c.Until()); sum.Tried < 120 || sum.Tried-sum.OK != 60 {
		t.Errorf("after a restart: %+v", sum)
	}
	s.Judged(s.now, []signal.Judgement{{At: s.now, Capability: signal.Calls}})
	for range 30 {
		s.now = s.now.Add(time.Minute)
		s.Judged(s.now, nil)
	}
	before := read()
	s.now = s.now.Add(25 * time.Hour)
	s.Judged(s.now, nil)
	s.now = s.now.Add(100 * time.Hour)
	s.run(true)
	again()
	if diff := cmp.Diff(before, read()); diff != "" {
		t.Errorf("days later (-then +now):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
