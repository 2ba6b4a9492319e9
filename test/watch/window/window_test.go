package window

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/internal/port"
	"github.com/cyan-cloud/cyan/test/watch/door"
	"github.com/cyan-cloud/cyan/test/watch/stage"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
	"github.com/cyan-cloud/cyan/wire/rest"
)

const (
	// patience is how long something may take that has to happen.
	patience = 4 * time.Minute
	// ahead is how long before its begin work is announced. The cloud hears of it
	// within ten seconds; a busy machine takes some until it is announced at all.
	ahead = 25 * time.Second
)

// scene is a cloud that asks its watchtower's page, and a device that is off.
type scene struct {
	t      *testing.T
	cloud  *stage.Cloud
	tower  *stage.Tower
	owner  stage.Person
	device string
}

func open(t *testing.T, program stage.Program) *scene {
	t.Helper()
	at := port.Free(t)
	s := &scene{t: t, cloud: stage.Serve(t, program, "--status-url", "http://"+at)}
	s.tower = s.cloud.Watch("tower", stage.Watching{At: at, Hurry: true})
	s.owner, _ = s.cloud.Hire("ana@example.com")
	sim := s.owner.Start(t, filepath.Join(s.cloud.Dir, "sim.log"), "sim", "--json", "--transport", "tcp", "--server", s.cloud.TCP.Addr(), "--server-key", s.cloud.At.KeyTCP)
	var d struct {
		ID string `json:"id"`
	}
	s.until("a device is there", func() bool {
		return json.Unmarshal([]byte(s.owner.Must(t, "list", "online", "--json")), &d) == nil && d.ID != ""
	})
	sim.End()
	s.device = d.ID
	s.until("the device is off", func() bool { return strings.Contains(s.owner.Must(t, "list", "offline", "--json"), d.ID) })
	return s
}

// until waits for what has to happen.
func (s *scene) until(what string, ok func() bool) {
	s.t.Helper()
	if !stage.Until(s.t.Context(), patience, ok) {
		s.t.Fatal("never: " + what)
	}
}

func (s *scene) evidence() *status.Evidence {
	e, err := s.tower.Evidence(s.t.Context())
	if err != nil {
		return new(status.Evidence)
	}
	return e
}

// window is the one that was planned.
func (s *scene) window() *maintenance.Window {
	if e := s.evidence(); len(e.Windows) > 0 {
		return &e.Windows[0]
	}
	return new(maintenance.Window)
}

// call calls the device that is off, and gives what is said of that.
func (s *scene) call() string {
	s.t.Helper()
	a, err := s.owner.Run(s.t.Context(), "", "call", s.device, "echo", "four")
	if err != nil || a.Code == 0 {
		s.t.Fatalf("a device that is off is called: %v %+v", err, a)
	}
	return a.Err
}

// header is what every answer says of the cloud.
func (s *scene) header() []string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.cloud.At.API+rest.PathHealth, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.Header.Values(rest.HeaderCloudStatus)
}

// plan announces work that begins soon, and gives when that is.
func (s *scene) plan(title string, length time.Duration) (starts time.Time) {
	s.t.Helper()
	starts = time.Now().Add(ahead).UTC()
	s.cloud.Admin.Must(s.t, "maintenance", "plan", title, "--reason", "The old one is worn.", "--kind", "emergency", "--watch-url", s.tower.URL, "--watch-data", s.tower.Data,
		"--start", starts.Format(time.RFC3339Nano), "--for", length.String(), "--effect", string(signal.ConnectTCP)+"=major_outage")
	return starts
}

func TestWork(t *testing.T) {
	t.Parallel()
	program := stage.Build(t)
	t.Run("goes on", func(t *testing.T) { t.Parallel(); goesOn(t, program) })
	t.Run("ends", func(t *testing.T) { t.Parallel(); ends(t, program) })
}

// goesOn: while the cloud is worked on its API says so and until
// when. What goes on failing after the announced end is an incident by itself,
// that pages; and the window is closed when devices have connected again.
func goesOn(t *testing.T, program stage.Program) {
	s := open(t, program)
	measured := func() bool {
		return slices.ContainsFunc(s.evidence().Components, func(c status.EvidenceOfComponent) bool { return c.Capability == signal.ConnectTCP && c.OK > 3 })
	}
	s.until("new connections are measured", measured)
	starts := s.plan("A new front door", time.Minute)
	if h := s.header(); len(h) != 0 && time.Now().Before(starts) {
		t.Errorf("before the window the header is %q", h)
	}
	s.until("it has begun", func() bool { return s.window().Status == maintenance.InProgress })
	w := s.window()
	if err := s.cloud.TCP.Set(door.Unanswered); err != nil {
		t.Fatal(err)
	}
	header := rest.CloudMaintenance + "; window=" + w.ID + "; until=" + rest.At(w.Ends).String()
	s.until("the API says so", func() bool { return slices.Contains(s.header(), header) })
	words := "announced maintenance may be why: A new front door, until " + w.Ends.UTC().Format("2006-01-02 15:04:05 UTC")
	if said := s.call(); time.Now().Before(w.Ends) && (!strings.Contains(said, words) || !strings.Contains(said, "Maintenance until ")) {
		t.Errorf("in the window it says:\n%s", said)
	}
	if got := s.tower.Paged(w.Starts); !got.IsZero() && got.Before(w.Ends) {
		t.Error("somebody is paged for what was announced")
	}

	pause.For(t.Context(), time.Until(w.Ends.Add(time.Second)))
	if h := s.header(); slices.Contains(h, header) {
		t.Errorf("a second after its end the header is %q", h)
	}
	if said := s.call(); strings.Contains(said, "maintenance") {
		t.Errorf("after its end it says:\n%s", said)
	}
	var i status.EvidenceOfIncident
	s.until("it is an incident", func() bool {
		if e := s.evidence(); len(e.Incidents) == 1 {
			i = e.Incidents[0]
		}
		return i.Failing()
	})
	if p := i.Part(signal.ConnectTCP); p == nil || i.Detected.Before(w.Ends) || i.Began.Before(w.Starts) {
		t.Errorf("%+v", i)
	}
	s.until("somebody is paged", func() bool { return !s.tower.Paged(w.Ends.Add(-time.Second)).IsZero() })
	s.until("the window says so", func() bool { return s.window().Overran })
	if got := s.window(); got.Status != maintenance.Verifying || got.Over() {
		t.Errorf("while it fails the window is %s", got.Status)
	}
	if err := s.cloud.TCP.Set(door.None); err != nil {
		t.Fatal(err)
	}
	s.until("the window closes", func() bool { return s.window().Over() })
	if got := s.window(); len(got.Checks) != 1 || got.Checks[0].State != maintenance.Proven || got.Checks[0].Runs < 3 {
		t.Errorf("it closes on %+v", got.Checks)
	}
	s.until("the incident ends by measurement", func() bool {
		e := s.evidence()
		return len(e.Incidents) == 1 && (e.Incidents[0].Status == incident.Monitoring || e.Incidents[0].Status == incident.Resolved)
	})
}

// ends: a window in which nothing fails is closed by what canaries
// do after its end, not by its end.
func ends(t *testing.T, program stage.Program) {
	s := open(t, program)
	s.plan("A new lock", 10*time.Second)
	s.until("the window closes", func() bool { return s.window().Over() })
	w := s.window()
	if w.Status != maintenance.Completed || len(w.Checks) != 1 || w.Checks[0].State != maintenance.Proven || !w.Closed.After(w.Ends) {
		t.Errorf("%s at %v, %v after its end: %+v", w.Status, w.Closed, w.Closed.Sub(w.Ends), w.Checks)
	}
	states := make([]maintenance.Status, 0, len(w.Timeline))
	for _, e := range w.Timeline {
		states = append(states, e.Status)
	}
	if want := []maintenance.Status{maintenance.Scheduled, maintenance.InProgress, maintenance.Verifying, maintenance.Completed}; !slices.Equal(states, want) {
		t.Errorf("it went through %v", states)
	}
	page, err := s.tower.Get(t.Context(), "/m/1")
	if err != nil || !strings.Contains(string(page), "<dt>Check</dt><dd>New connections (TCP): works.</dd>") {
		t.Errorf("its page does not say how it was checked: %v", err)
	}
	if e := s.evidence(); len(e.Incidents) != 0 {
		t.Errorf("incidents: %+v", e.Incidents)
	}
}
