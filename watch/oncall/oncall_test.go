package oncall_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/desk"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/oncall"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
	"github.com/cyan-cloud/cyan/wire/rest"
)

const settings = `
notify:
  stages: [[phone], [team]]
  outlets:
    phone: {type: pagerduty, routing_key: 0123456789abcdef0123456789abcdef}
    team: {type: webhook, url: "https://team.example.com/hook", secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}
`

// cloud tells what was done to it.
type cloud struct {
	mu   sync.Mutex
	list []rest.Annotation // guarded by mu, newest first
	down bool              // guarded by mu
}

func (c *cloud) Annotations(_ context.Context, since time.Time) (a rest.Annotations, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return a, errors.New("connection refused")
	}
	for _, x := range c.list {
		if !x.At.Before(since) {
			a.Annotations = append(a.Annotations, x)
		}
	}
	return a, nil
}

func (c *cloud) did(a rest.Annotation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append([]rest.Annotation{a}, c.list...)
}

// room is a watchtower's desk and pager, on fake time.
type room struct {
	*oncall.Oncall
	t     *testing.T
	data  string
	desk  *desk.Desk
	phone notifytest.Pager
	team  notifytest.Hook
	cloud cloud
	peers []string
	text  string               // of the settings; empty: settings
	more  func(*oncall.Config) // nil: nothing
	peer  notifytest.Hook      // what answers there
	end   func()
}

// open opens desk and pager, as after a restart. A deaf one hears nothing of
// windows, as one that is killed at the wrong moment.
func (r *room) open(deaf bool) {
	r.t.Helper()
	s, err := pager.ParseSettings([]byte(r.settings()))
	if err != nil {
		r.t.Fatal(err)
	}
	hosts := notifytest.Hosts{"events.pagerduty.com": &r.phone, "team.example.com": &r.team}
	cfg := oncall.Config{Settings: s, Data: r.data, Page: "https://status.example.com", Deploys: &r.cloud, Transport: hosts, Peers: r.peers, PeersTransport: notifytest.Hosts{"other:8090": &r.peer}}
	if r.more != nil {
		r.more(&cfg)
	}
	if r.Oncall, err = oncall.Open(cfg); err != nil {
		r.t.Fatal(err)
	}
	d := desk.Config{Data: r.data, Page: status.Page{URL: "https://status.example.com"}, Told: r.Told, Planned: r.Planned}
	if deaf {
		d.Planned = nil
	}
	if r.desk, err = desk.Open(d); err != nil {
		r.t.Fatal(err)
	}
	r.At(r.desk)
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }() // ends with end
	r.end = func() {
		cancel()
		if err := errors.Join(<-done, r.desk.Close()); err != nil {
			r.t.Error(err)
		}
	}
	synctest.Wait()
}

func (r *room) settings() string {
	if r.text == "" {
		return settings
	}
	return r.text
}

// wait lets time pass, in which the desk is asked every so often.
func (r *room) wait(d, every time.Duration) {
	for until := time.Now().Add(d); time.Now().Before(until); {
		<-time.After(every)
		r.desk.Judged(time.Now(), nil)
		synctest.Wait()
	}
}

// told lists what the team was told, without times.
func (r *room) told() []string {
	r.t.Helper()
	var list []string
	for _, x := range r.team.Taken() {
		var e struct {
			Type string
			Data struct{ Summary string }
		}
		if err := json.Unmarshal(x.Body, &e); err != nil {
			r.t.Fatal(err)
		}
		list = append(list, e.Type+" "+e.Data.Summary)
	}
	return list
}

// TestNobodyAcknowledges: each call in vain is in the incident's timeline, and
// the one who has it ends them; over a restart, too.
func TestNobodyAcknowledges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &room{t: t, data: t.TempDir()}
		r.open(false)
		begun := time.Now()
		r.desk.Judged(begun, []signal.Judgement{{
			At: begun, Since: begun.Add(-20 * time.Second), Capability: signal.ConnectTCP, Severity: signal.Major, By: signal.ByCanary, Failed: 6, Tried: 6, Vantages: 1,
		}})
		r.wait(6*time.Minute, 10*time.Second)
		r.end()
		r.open(false)
		defer func() { r.end() }()
		r.wait(5*time.Minute, 10*time.Second)
		i := func() *incident.Incident { list, _ := r.desk.List(); return &list[0] }
		if err := r.Pipeline().Acknowledge("wt:inc:"+i().ID, "Ada"); err != nil {
			t.Fatal(err)
		}
		r.wait(time.Hour, time.Minute)
		var steps []string
		for _, e := range i().Timeline {
			switch e.Kind {
			case incident.PageAccepted, incident.Escalated, incident.Acknowledged:
				steps = append(steps, e.At.Sub(begun).Round(time.Second).String()+" "+string(e.Kind)+": "+e.Text+" "+e.Who)
			}
		}
		want := []string{
			"0s page_accepted: page accepted by phone phone",
			"5m0s escalated: nobody has acknowledged: stage 2 is called (team) ", "5m0s page_accepted: page accepted by team team",
			"10m0s escalated: nobody has acknowledged: stage 1 is called (phone) ", "10m0s page_accepted: page accepted by phone phone",
			"11m0s acknowledged: acknowledged Ada",
		}
		if diff := cmp.Diff(want, steps); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if m := i().Milestones(); !m.PageAccepted.Equal(begun) {
			t.Errorf("paged at %s, not %s", m.PageAccepted, begun)
		}
		for _, e := range i().Updates() {
			if e.Kind == incident.Escalated {
				t.Error("strangers read who was called")
			}
		}
	})
}

// TestChanges: windows and what is done to the cloud are changes, at PagerDuty
// and at the webhook, each once however often the watchtower starts and
// whatever its end kept it from saying; they page nobody.
func TestChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &room{t: t, data: t.TempDir()}
		r.open(true)
		defer func() { r.end() }()
		now := time.Now()
		plan := maintenance.Window{
			Kind: maintenance.Short, Title: "New database", Reason: "It moves.", Who: "ana", Zone: "UTC",
			Effects: []maintenance.Effect{{Capability: signal.Calls, Worst: signal.Partial}}, Starts: now.Add(time.Hour), Ends: now.Add(2 * time.Hour),
		}
		_, err := r.desk.Person(func(now time.Time, _ *incident.Book, c *maintenance.Calendar) (desk.Record, error) {
			ch, err := c.Plan(now, plan)
			return desk.Record{Window: &ch}, err
		})
		if err != nil {
			t.Fatal(err)
		}
		r.cloud.did(rest.Annotation{ID: "a1", At: rest.At(now), Kind: "start", Node: "n1", To: "1.0"})
		r.wait(time.Minute, 10*time.Second)
		r.end() // the plan was written down, and nobody has heard of it
		three, none := 3, 0
		r.cloud.did(rest.Annotation{ID: "a2", At: rest.At(time.Now()), Kind: "upgrade", Node: "n1", Author: "bob", From: "1.0", To: "1.1", Sessions: &three, Ended: &none, FreezeMS: 12.5})
		for range 3 {
			r.open(false)
			r.wait(20*time.Minute, time.Minute)
			r.end()
		}
		r.cloud.mu.Lock()
		r.cloud.down = true
		r.cloud.mu.Unlock()
		r.open(false)
		r.wait(time.Hour, time.Minute)
		r.cloud.did(rest.Annotation{ID: "a3", At: rest.At(time.Now()), Kind: "drain", Node: "n1", Detail: "in waves"})
		r.cloud.mu.Lock()
		r.cloud.down = false
		r.cloud.mu.Unlock()
		r.wait(time.Hour, time.Minute)
		got := r.told()
		slices.Sort(got)
		want := []string{
			"change Maintenance 1, New database (completed): Completed. Nobody measures what it touched: Function calls.",
			"change Maintenance 1, New database (in progress): It has begun.",
			"change Maintenance 1, New database (scheduled): " + plan.Announcement(),
			"change Maintenance 1, New database (verifying): Its time is over; what it touched is checked.",
			"change The cloud has been upgraded, from 1.0 to 1.1 (n1)",
			"change The cloud has started, 1.0 (n1)",
			"change The cloud is being drained (n1)",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the team was told (-want +got):\n%s", diff)
		}
		if r.phone.Changes() != len(want) || len(r.phone.Incidents()) != 0 {
			t.Errorf("the pager has %d changes and %d incidents", r.phone.Changes(), len(r.phone.Incidents()))
		}
		for _, x := range r.phone.Requests() {
			if x.Path != "/v2/change/enqueue" || strings.Contains(string(x.Body), "event_action") {
				t.Errorf("%s %s", x.Path, x.Body)
			}
		}
		body := string(r.team.Taken()[2].Body)
		if !strings.Contains(body, `{"name":"nobody served for","value":"12.5 ms"}`) && !strings.Contains(body, "New database") {
			t.Error(body)
		}
	})
}
