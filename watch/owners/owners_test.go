package owners_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/owners"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

const acme, bolt = "5d1f0c2e9ab34c7f8e11", "9e3d7b1a2c4f5e6d7a8b"

// cloud answers for two owners.
type cloud struct {
	mu   sync.Mutex
	hit  map[string]rest.Impact // guarded by mu; by token
	dead bool                   // guarded by mu
}

type asked struct {
	*cloud
	token string
}

func (a asked) ImpactBetween(_ context.Context, from, _ time.Time) (rest.Impact, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dead || from.IsZero() {
		return rest.Impact{}, errors.New("connection refused")
	}
	return a.hit[a.token], nil
}

// world is a watchtower's knowledge, a cloud, and owners' pages.
type world struct {
	*owners.Owners
	t     *testing.T
	data  string
	cloud *cloud
	book  *incident.Book
	end   func()

	mu   sync.Mutex
	seen owners.Seen // guarded by mu: the pages ask in their own time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, data: t.TempDir(), book: incident.NewBook(), cloud: &cloud{hit: map[string]rest.Impact{"a": {Devices: 4123}, "b": {Devices: 7}}}}
	w.see(func(s *owners.Seen) { s.Judged = time.Now() })
	w.open()
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	w.Owners, err = owners.Open(owners.Config{
		Pages: []owners.Page{{Name: "Acme <Ovens>", Path: acme, Token: "a"}, {Name: "Bolt", Path: bolt, Token: "b"}},
		Data:  w.data, Ask: func(token string) owners.Impacts { return asked{w.cloud, token} }, Seen: func() (now owners.Seen) { w.see(func(s *owners.Seen) { now = *s }); return now },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }() // ends with end
	w.end = func() { cancel(); <-done }
	synctest.Wait()
}

// see does something with what the watchtower knows.
func (w *world) see(do func(*owners.Seen)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do(&w.seen)
}

// judge lets the watchtower judge, and the owners' pages learn of it.
func (w *world) judge(s signal.Severity) {
	now := time.Now()
	w.book.Apply(now, []signal.Judgement{{At: now, Since: now.Add(-20 * time.Second), Capability: signal.ConnectTCP, Severity: s, By: signal.ByCanary, Failed: 6, Tried: 6, Vantages: 1}}, incident.Recovery{})
	w.pass(0)
}

func (w *world) pass(d time.Duration) {
	<-time.After(d)
	w.see(func(s *owners.Seen) { s.Judged, s.Incidents = time.Now(), w.book.List() })
	<-time.After(61 * time.Second)
	w.see(func(s *owners.Seen) { s.Judged = time.Now() })
	synctest.Wait()
}

func (w *world) get(path string) (int, string) {
	w.t.Helper()
	r := httptest.NewRecorder()
	w.ServeHTTP(r, httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, owners.Path+path, http.NoBody))
	return r.Code, r.Body.String()
}

// look gives what a page says.
func (w *world) look(path string) owners.View {
	w.t.Helper()
	code, body := w.get(path + ".json")
	var v owners.View
	if err := json.Unmarshal([]byte(body), &v); err != nil || code != http.StatusOK {
		w.t.Fatal(code, err, body)
	}
	return v
}

// TestTwoOwners: one is hit and one is not, and each one's customers read of
// their own only; the cloud dies and the pages go on; it is over.
func TestTwoOwners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.end() }()
		if v := w.look(acme); v.State != owners.Works || v.Headline != "Acme <Ovens> works." || v.Devices != 4100 {
			t.Errorf("while all is well: %+v", v)
		}
		w.cloud.mu.Lock()
		w.cloud.hit["a"] = rest.Impact{Devices: 4123, Hit: 412, Back: 12}
		w.cloud.mu.Unlock()
		w.judge(signal.Major)
		a, b := w.look(acme), w.look(bolt)
		if a.State != owners.Wait || *a.Hit != 400 || a.Share != "10 %" || a.NextBy.IsZero() || !strings.Contains(strings.Join(a.Words, " "), "about 400 of 4100 devices (10 %)") ||
			!strings.Contains(strings.Join(a.Words, " "), "do not reset it") {
			t.Errorf("who is hit reads %+v", a)
		}
		if b.State != owners.Works || *b.Hit != 0 || b.Headline != "Bolt works: a disturbance of the service is not known to have hit it." {
			t.Errorf("who is not hit reads %+v", b)
		}
		_, text := w.get(acme + ".txt")
		if !strings.HasPrefix(text, "The service behind Acme <Ovens> is disturbed.\nIt hits about 400 of 4100 devices (10 %).\nPlease wait.") || !strings.Contains(text, " UTC.\n") {
			t.Errorf("to paste: %s", text)
		}

		w.cloud.mu.Lock()
		w.cloud.dead = true
		w.cloud.mu.Unlock()
		w.end()
		w.open()
		if v := w.look(acme); v.State != owners.Wait || *v.Hit != 400 {
			t.Errorf("the cloud is dead, the watchtower has restarted, and the page says %+v", v)
		}
		w.cloud.mu.Lock()
		w.cloud.dead, w.cloud.hit["a"] = false, rest.Impact{Devices: 4123, Hit: 412, Back: 412}
		w.cloud.mu.Unlock()
		w.judge(signal.Operational)
		if v := w.look(acme); v.State != owners.Works || *v.Hit != 0 || !strings.Contains(v.Headline, "is over") || !strings.Contains(v.Words[0], "back, about 410") {
			t.Errorf("all are back: %+v", v)
		}
	})
}

// TestNobodyCanTell: a cloud that dies before it could say whom it hits, a
// watchtower that is blind or stands still.
func TestNobodyCanTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.end() }()
		w.cloud.mu.Lock()
		w.cloud.dead = true
		w.cloud.mu.Unlock()
		w.judge(signal.Major)
		if v := w.look(bolt); v.State != owners.Wait || v.Hit != nil || v.Words[0] != "How many devices it hits is not known at the moment." {
			t.Errorf("nobody can count: %+v", v)
		}
		w.see(func(s *owners.Seen) { s.Blind = time.Now() })
		if v := w.look(bolt); v.State != owners.Unknown {
			t.Errorf("the watchtower is blind: %+v", v)
		}
		w.see(func(s *owners.Seen) { s.Blind = time.Time{} })
		<-time.After(4 * time.Minute)
		if v := w.look(bolt); v.State != owners.Unknown {
			t.Errorf("the watchtower stands still: %+v", v)
		}
	})
}

// TestForms: what a page is, and that names are text in all of its forms; who
// does not know a path finds nothing.
func TestForms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.end() }()
		for _, form := range []string{"", ".svg"} {
			code, body := w.get(acme + form)
			if code != http.StatusOK || !strings.Contains(body, "Acme &lt;Ovens&gt;") || strings.Contains(body, "<Ovens>") || strings.Contains(body, bolt) {
				t.Errorf("%s: %d %s", form, code, body)
			}
		}
		for _, path := range []string{"", ".json", acme[:19], acme + ".exe", "../" + acme, strings.ToUpper(acme)} {
			if code, body := w.get(path); code != http.StatusNotFound {
				t.Errorf("%q: %d %s", path, code, body)
			}
		}
	})
}

// TestPages is what a page may be called and found by.
func TestPages(t *testing.T) {
	for name, c := range map[string]struct {
		pages []owners.Page
		want  string
	}{
		"no name":     {[]owners.Page{{Path: acme, Token: "a"}}, "owners: a page has no name"},
		"no token":    {[]owners.Page{{Name: "Acme", Path: acme}}, `owners: the page of "Acme" has no token`},
		"short":       {[]owners.Page{{Name: "Acme", Path: "acme", Token: "a"}}, `owners: the path of "Acme": 16 to 64 letters and digits, such as openssl rand -hex 16 gives`},
		"a path":      {[]owners.Page{{Name: "Acme", Path: "../../../etc/passwd", Token: "a"}}, `owners: the path of "Acme": 16 to 64 letters and digits, such as openssl rand -hex 16 gives`},
		"two of them": {[]owners.Page{{Name: "Acme", Path: acme, Token: "a"}, {Name: "Bolt", Path: acme, Token: "b"}}, `owners: two pages have the path of "Bolt"`},
	} {
		_, err := owners.Open(owners.Config{Pages: c.pages, Data: t.TempDir()})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRead: a file of pages, whose tokens stand elsewhere; a word that means
// nothing is said.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	entry := "- name: Acme\n  path: " + acme + "\n  token-file: " + write("token", "a\n") + "\n"
	pages, err := owners.Read(write("pages.yaml", entry))
	if diff := cmp.Diff([]owners.Page{{Name: "Acme", Path: acme, Token: "a"}}, pages); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, bad := range []string{entry + "  colour: red\n", strings.Replace(entry, "/token", "/nothing", 1), "name: Acme"} {
		if _, err := owners.Read(write("bad.yaml", bad)); err == nil {
			t.Errorf("it takes %s", bad)
		}
	}
}

// TestRounded: an owner's page does not tell how many devices there are exactly.
func TestRounded(t *testing.T) {
	var got []int
	for _, n := range []int{0, 7, 99, 100, 104, 105, 4123, 99_600} {
		v := owners.Of("x", owners.Known{Devices: n}, owners.Seen{Judged: time.Now()}, time.Now())
		got = append(got, v.Devices)
	}
	if diff := cmp.Diff([]int{0, 7, 99, 100, 100, 110, 4100, 100_000}, got); diff != "" {
		t.Error(diff)
	}
}
