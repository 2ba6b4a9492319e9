package verdict

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/fault"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/test/watch/door"
	"github.com/cyan-cloud/cyan/watch/desk"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/oncall"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

// rig is a cloud behind what can be broken, and the watchtower that looks at it.
type rig struct {
	t        testing.TB
	cloud    *harness.Cloud
	canaries *harness.Person // whose token they use
	udp, tcp *gate
	own      app.WatchOptions // of the watchtower
	netUDP   *fault.UDP       // behind the gates
	netTCP   *fault.TCP
	api      *door.Front
	every    time.Duration
	pager    *notifytest.Pager
	team     *notifytest.Hook // the second stage
	folder   string           // of the watchtower
	url      string           // of its page
	stop     func()           // ends it

	asleep []*harness.Device // who will be
	notice <-chan app.Notice // what a beacon says
	ends   time.Time         // of the window that was announced
	sick   sim.ID            // of the canary that was made so

	mu   sync.Mutex
	seen []sight // guarded by mu, oldest first
}

// sight is the page at a moment.
type sight struct {
	at time.Time
	status.Evidence
}

const chance = 20261122

// newRig starts everything.
func newRig(t testing.TB, every time.Duration) *rig {
	t.Helper()
	g := &rig{t: t, cloud: harness.StartProcess(t, app.Options{}), every: every, pager: new(notifytest.Pager), folder: t.TempDir()}
	g.canaries = g.cloud.Login(g.cloud.Welcome.Username, g.cloud.Welcome.Password)
	var err error
	if g.netUDP, err = fault.NewUDP(g.cloud.Options.ListenUDP, chance); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.netUDP.Close)
	if g.netTCP, err = fault.NewTCP(g.cloud.Options.ListenTCP, chance); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.netTCP.Close)
	g.udp, g.tcp, g.api = newGateUDP(t, g.netUDP.Addr()), newGateTCP(t, g.netTCP.Addr()), door.NewFront(t)
	g.api.Lead(t, g.cloud.URL())
	g.team = &notifytest.Hook{Secret: []byte("a secret that both sides of a hook have")}
	phone, room := httptest.NewServer(g.pager), httptest.NewServer(g.team)
	t.Cleanup(phone.Close)
	t.Cleanup(room.Close)
	settings := fmt.Sprintf(`notify:
  stages: [[phone], [team]]
  outlets:
    phone: {type: pagerduty, routing_key: %s, url: %q}
    team: {type: webhook, url: %q, allow_private: true, secrets: ["whsec_%s"]}
`, strings.Repeat("k", 32), phone.URL, room.URL, base64.StdEncoding.EncodeToString(g.team.Secret))
	o := g.options(g.folder, g.udp.at, g.tcp.at)
	o.Settings = g.write(g.folder, "settings.yaml", settings)
	g.own = o
	g.url, g.stop = g.watch(o)
	return g
}

// patience is how long a story may take where nothing is measured: a machine that
// has more to do than it can keeps no canary from its end.
const patience = 30 * time.Second

// options are those of a watchtower that looks through doors. Nobody logs in:
// that costs a tenth of a second of a processor each time, by design, and many
// rows run at once.
func (g *rig) options(folder, udp, tcp string) app.WatchOptions {
	o := app.WatchOptions{
		Data: folder, Listen: "127.0.0.1:0", API: g.api.URL, UDP: udp, TCP: tcp, Every: g.every, StatusName: "Example Cloud",
		KeyUDP: g.cloud.KeyFile(app.FilePubEC), KeyTCP: g.cloud.KeyFile(app.FilePubRSA), TokenFile: g.write(folder, "token", g.canaries.Token),
		SpareFile: g.write(folder, "token.spare", g.cloud.Token),
	}
	if g.every > 0 {
		o.Patience = patience
	}
	return o
}

// watch runs a watchtower until stop, or until the test ends.
func (g *rig) watch(o app.WatchOptions) (url string, stop func()) {
	g.t.Helper()
	w := g.cloud.Watch(o, "")
	return w.URL, w.End
}

func (g *rig) write(folder, name, text string) string {
	g.t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	return path
}

// look reads the page; false: it does not answer.
func (g *rig) look() (s sight, ok bool) {
	resp, err := http.Get(g.url + "/evidence.json")
	if err != nil {
		return s, false
	}
	defer resp.Body.Close()
	s.at = time.Now()
	ok = json.NewDecoder(resp.Body).Decode(&s.Evidence) == nil
	return s, ok
}

// follow reads the page twice a second until ctx is done.
func (g *rig) follow(ctx context.Context) {
	for pause.For(ctx, 500*time.Millisecond) {
		if s, ok := g.look(); ok {
			g.mu.Lock()
			g.seen = append(g.seen, s)
			g.mu.Unlock()
		}
	}
}

// history is what the page said from one moment to another.
func (g *rig) history(from, until time.Time) (list []sight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.seen {
		if !s.at.Before(from) && s.at.Before(until) {
			list = append(list, s)
		}
	}
	return list
}

// calm tells that every canary has run well a few times, and nothing is wrong.
func (s *sight) calm() bool {
	seen := 0
	for _, c := range s.Canaries {
		if c.Story == signal.Address || len(c.Runs) < 3 {
			continue
		}
		for _, r := range c.Runs[len(c.Runs)-3:] {
			if !r.OK {
				return false
			}
		}
		seen++
	}
	return seen >= stories && s.green()
}

// settle waits until all is well. On a busy machine canaries fail before they
// have all run once; what a watchtower has on record of that is no part of the
// row, so it begins anew with the canaries that it has.
func (g *rig) settle() {
	g.t.Helper()
	for range 3 {
		if !g.until(settles, func(s *sight) bool { return s.calm() }) {
			g.t.Fatal("it never becomes calm")
		}
		if s, _ := g.look(); len(s.Incidents) == 0 {
			return
		}
		g.stop()
		for _, name := range []string{"desk", "oncall", "days.json"} {
			if err := os.RemoveAll(filepath.Join(g.folder, name)); err != nil {
				g.t.Fatal(err)
			}
		}
		g.url, g.stop = g.watch(g.own)
	}
}

// stories are those that are run, but for the address.
const stories = 6

func (s *sight) green() bool {
	return !s.Unknown && s.Overall == signal.Operational && !slices.ContainsFunc(s.Incidents, isOpen)
}

func isOpen(i status.EvidenceOfIncident) bool { return i.Open() }

// until waits, and tells whether it came to it in time.
func (g *rig) until(bound time.Duration, ok func(s *sight) bool) bool {
	ctx, cancel := context.WithTimeout(g.t.Context(), bound)
	defer cancel()
	for pause.For(ctx, 250*time.Millisecond) {
		if s, there := g.look(); there && ok(&s) {
			return true
		}
	}
	return false
}

// ask posts to the desk what a person asks for.
func (g *rig) ask(path string, what any) {
	g.t.Helper()
	key, err := os.ReadFile(filepath.Join(g.folder, desk.KeyFile))
	body, _ := json.Marshal(what)
	req, bad := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.url+path, bytes.NewReader(body))
	if err != nil || bad != nil {
		g.t.Fatal(err, bad)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(key)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var said bytes.Buffer
		_, _ = said.ReadFrom(resp.Body)
		g.t.Fatalf("%s: %s %s", path, resp.Status, said.String())
	}
}

// tickets are the warnings about canaries that the pager took after a moment.
func (g *rig) tickets(from time.Time) (list []notifytest.PagerIncident) {
	for _, i := range g.pager.Incidents() {
		if i.Opened.After(from) && strings.HasPrefix(i.Key, oncall.TroublePrefix) {
			list = append(list, i)
		}
	}
	return list
}

// pages are the incidents that the pager took after a moment.
func (g *rig) pages(from time.Time) (list []notifytest.PagerIncident) {
	for _, i := range g.pager.Incidents() {
		if i.Opened.After(from) && !strings.HasPrefix(i.Key, oncall.TroublePrefix) {
			list = append(list, i)
		}
	}
	return list
}

// paged is when an outlet took a page after a moment, and which did first.
func (g *rig) paged(from time.Time) (at time.Time, by string) {
	for _, i := range g.pages(from) {
		if at.IsZero() || i.Opened.Before(at) {
			at, by = i.Opened, "pager"
		}
	}
	for _, r := range g.team.Taken() {
		if r.At.After(from) && bytes.Contains(r.Body, []byte("alert.opened")) && !bytes.Contains(r.Body, []byte(oncall.TroublePrefix)) && (at.IsZero() || r.At.Before(at)) {
			at, by = r.At, "second stage"
		}
	}
	return at, by
}
