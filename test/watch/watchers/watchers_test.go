package watchers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/internal/port"
	"github.com/cyan-cloud/cyan/test/watch/stage"
	"github.com/cyan-cloud/cyan/watch/desk"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/status"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// patience is how long something may take that has to happen.
const patience = 3 * time.Minute

// until waits for what has to happen.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !stage.Until(t.Context(), patience, ok) {
		t.Fatal("never: " + what)
	}
}

// outlets is a settings file with a pager, and perhaps a team behind it.
func outlets(t *testing.T, pager, team http.Handler) string {
	t.Helper()
	serve := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	text := "notify:\n  patience: 2s\n  escalate: 3s\n  stages: [[phone]]\n  outlets:\n    phone: {type: pagerduty, routing_key: " + strings.Repeat("k", 32) + ", url: \"" + serve(pager) + "\"}\n"
	if team != nil {
		text = strings.Replace(text, "[[phone]]", "[[phone], [team]]", 1) +
			"    team: {type: webhook, allow_private: true, secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw], url: \"" + serve(team) + "\"}\n"
	}
	path := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// one is the only incident that a pager has; nil: it has none.
func one(t *testing.T, p *notifytest.Pager) *notifytest.PagerIncident {
	t.Helper()
	list := p.Incidents()
	switch len(list) {
	case 0:
		return nil
	case 1:
		return &list[0]
	}
	t.Fatalf("one fault, and the pager has %+v", list)
	return nil
}

// TestWatchtowerIsKilled: the cloud, another watchtower and a beacon look at a
// watchtower, at the pace that they have of themselves. It gets SIGKILL, and
// each of the three pages by outlets of its own; and takes that back when it
// lives again.
func TestWatchtowerIsKilled(t *testing.T) {
	t.Parallel()
	at := port.Free(t)
	url := "http://" + at
	ofCloud, ofBeacon := new(notifytest.Pager), new(notifytest.Pager)
	cloud := stage.Serve(t, stage.Build(t), "--watchtower-url", url, "--config", outlets(t, ofCloud, nil))
	tower := cloud.Watch("tower", stage.Watching{Deaf: true, At: at})
	peer := cloud.Watch("peer", stage.Watching{Deaf: true, More: []string{"--peers", url}})
	beacon := cloud.Admin.Start(t, filepath.Join(cloud.Dir, "beacon.log"),
		"watch", "--json", "--beacon", url, "--watch-data", filepath.Join(cloud.Dir, "beacon"), "--config", outlets(t, ofBeacon, nil))
	metric := func(name string, fits func(value float64) bool) func() bool {
		return func() bool {
			text, err := stage.Get(t.Context(), cloud.At.API+"/metrics")
			_, line, ok := strings.Cut(string(text), "\n"+name+" ")
			line, _, _ = strings.Cut(line, "\n")
			value, bad := strconv.ParseFloat(line, 64)
			return err == nil && ok && bad == nil && fits(value)
		}
	}
	up := func(value float64) func() bool {
		return metric("cyan_watchtower_up", func(v float64) bool { return v == value })
	}
	until(t, "the cloud sees its watchtower", metric(`cyan_watchtower_looks_total{result="alive"}`, func(n float64) bool { return n >= 2 }))

	killed := time.Now()
	tower.Kill()
	for name, pager := range map[string]*notifytest.Pager{"the cloud": ofCloud, "another watchtower": peer.Pager, "a beacon": ofBeacon} {
		until(t, name+" pages", func() bool { return one(t, pager) != nil })
		i := one(t, pager)
		t.Logf("%s paged %.1f s after SIGKILL: %s", name, i.Opened.Sub(killed).Seconds(), i.Summary)
		if !strings.Contains(i.Summary, "is dead") {
			t.Errorf("%s says %q", name, i.Summary)
		}
	}
	if line := string(beacon.Line(t)); !strings.Contains(line, "watchtower_dead") {
		t.Errorf("the beacon says %s", line)
	}
	until(t, "it is in the cloud's metrics", up(0))
	if status := header(t, cloud.At.API+rest.PathHealth); !strings.HasPrefix(status, rest.CloudUnwatched+"; since=") {
		t.Errorf("the cloud's answers say %q", status)
	}
	until(t, "the other watchtower's page says so", func() bool {
		e, err := peer.Evidence(t.Context())
		return err == nil && slices.ContainsFunc(e.Notes, func(s string) bool { return strings.HasPrefix(s, "another watchtower is dead: "+at) })
	})
	log, err := os.ReadFile(cloud.Log)
	if err != nil || !strings.Contains(string(log), "the watchtower is dead") {
		t.Errorf("the cloud's log: %v\n%s", err, log)
	}
	oncall := []string{"--watch-url", cloud.At.API, "--watch-data", filepath.Join(cloud.Dir, "data")}
	answer, err := cloud.Admin.Run(t.Context(), "", append([]string{"oncall", "status"}, oncall...)...)
	if err != nil || !strings.Contains(answer.Out, "The watchtower is dead") {
		t.Errorf("cyan oncall status: %v %+v", err, answer)
	}
	cloud.Admin.Must(t, append([]string{"oncall", "ack", "cloud:watchtower", "--by", "Ada"}, oncall...)...)
	until(t, "it is acknowledged", func() bool { return one(t, ofCloud).Acknowledged })

	tower.Again()
	for name, pager := range map[string]*notifytest.Pager{"the cloud": ofCloud, "another watchtower": peer.Pager, "a beacon": ofBeacon} {
		until(t, name+" takes it back", func() bool { return one(t, pager).Resolved })
	}
	until(t, "it lives, in the cloud's metrics", up(1))
	if status := header(t, cloud.At.API+rest.PathHealth); status != "" {
		t.Errorf("it lives, and the cloud's answers say %q", status)
	}
}

func header(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.Header.Get(rest.HeaderCloudStatus)
}

// TestPageGoesRound: nobody acknowledges that the cloud is dead. The second
// stage is called, and the first again; the watchtower gets SIGKILL in the
// middle of it, and goes on where it was; who acknowledges has silence.
func TestPageGoesRound(t *testing.T) {
	t.Parallel()
	pager, team := new(notifytest.Pager), new(notifytest.Hook)
	cloud := stage.Serve(t, stage.Build(t))
	tower := cloud.Watch("tower", stage.Watching{Deaf: true, Hurry: true})
	settings, err := os.ReadFile(outlets(t, pager, team))
	if err == nil {
		tower.Kill()
		err = os.WriteFile(filepath.Join(tower.Data, "settings.yaml"), settings, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	tower.Again()
	until(t, "the address is measured", func() bool {
		e, err := tower.Evidence(t.Context())
		return err == nil && slices.ContainsFunc(e.Components, func(c status.EvidenceOfComponent) bool { return c.OK > 2 })
	})
	cloud.Kill()
	until(t, "the second stage is called", func() bool { return one(t, pager) != nil && len(team.Taken()) > 0 })
	until(t, "the first is called again", func() bool { return one(t, pager).Triggers > 1 })
	tower.Kill()
	before := len(team.Taken())
	tower.Again()
	until(t, "the second is, by the next process", func() bool { return len(team.Taken()) > before })

	key, err := desk.Key(tower.Data)
	if err != nil {
		t.Fatal(err)
	}
	at := desk.Client{URL: tower.URL, Key: key}
	list, err := at.Incidents(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("incidents: %v %v", err, list)
	}
	cloud.Admin.Must(t, "oncall", "ack", one(t, pager).Key, "--by", "Ada", "--watch-url", tower.URL, "--watch-data", tower.Data)
	until(t, "both have heard of it", func() bool {
		return one(t, pager).Acknowledged && slices.ContainsFunc(team.Taken(), func(r notifytest.Request) bool {
			return strings.Contains(string(r.Body), `"alert.acknowledged"`)
		})
	})
	calls := len(team.Taken()) + one(t, pager).Triggers
	pause.For(t.Context(), 7*time.Second) // in which two more would be called
	if after := len(team.Taken()) + one(t, pager).Triggers; after != calls {
		t.Errorf("Ada has it, and %d more are called", after-calls)
	}
	until(t, "each step is in the timeline", func() bool { return steps(t.Context(), &at) })
	ids := map[string]bool{}
	for _, r := range team.Requests() {
		ids[r.Header.Get("Webhook-Id")] = true
	}
	if len(ids) < len(team.Taken()) {
		t.Errorf("%d notices, %d ids", len(team.Taken()), len(ids))
	}
}

// steps tells whether the timeline has the calls, and who ended them.
func steps(ctx context.Context, d *desk.Client) bool {
	list, err := d.Incidents(ctx)
	if err != nil || len(list) != 1 {
		return false
	}
	of := map[incident.Kind]int{}
	for _, e := range list[0].Timeline {
		of[e.Kind]++
	}
	return of[incident.PageAccepted] >= 3 && of[incident.Escalated] >= 3 && of[incident.Acknowledged] == 1
}
