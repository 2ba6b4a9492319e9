package drill

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

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/test/watch/door"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

// every is how often a canary runs, instead of ten seconds.
const every = 2 * time.Second

// deadline is twice what is used: on a busy machine that is well a canary is to
// come to its end.
const deadline = 16 * time.Second

// post is a cloud in a process of its own and a whole watchtower, with a pager.
type post struct {
	*harness.Cloud

	t     testing.TB
	site  string
	pager *notifytest.Pager
}

// free gives an address that nobody has, and that the system gives to nobody who
// asks for any.
func free(t testing.TB) string {
	t.Helper()
	at, err := door.Port()
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func newPost(t testing.TB) *post {
	t.Helper()
	o := app.Options{ListenDrillUDP: free(t), ListenDrillTCP: free(t)}
	p := &post{Cloud: harness.StartProcess(t, o), t: t, pager: new(notifytest.Pager)}
	phone := httptest.NewServer(p.pager)
	t.Cleanup(phone.Close)
	data := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(data, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	watchtower, err := app.NewWatch(app.WatchOptions{
		Data: data, Listen: "127.0.0.1:0", API: p.URL(), Every: every, Patience: deadline, TokenFile: write("token", p.Token),
		UDP: p.Options.ListenUDP, TCP: p.Options.ListenTCP, DrillUDP: o.ListenDrillUDP, DrillTCP: o.ListenDrillTCP,
		KeyUDP: p.KeyFile(app.FilePubEC), KeyTCP: p.KeyFile(app.FilePubRSA),
		Settings: write("settings.yaml", "notify:\n  stages: [[phone]]\n  outlets:\n    phone: {type: pagerduty, routing_key: "+
			strings.Repeat("k", 32)+", url: \""+phone.URL+"\"}\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.site = "http://" + watchtower.Addr()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- watchtower.Run(ctx) }() // ends with the test
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error("the watchtower:", err)
		}
	})
	p.Until("new connections are measured, and go well", func() bool {
		e := p.evidence()
		well := 0
		for _, c := range e.Components {
			if (c.Capability == signal.ConnectUDP || c.Capability == signal.ConnectTCP) && c.OK >= 2 {
				well++
			}
		}
		return well == 2
	})
	return p
}

// get reads a page of the watchtower; ok: there is one.
func (p *post) get(path string, into any) (ok bool) {
	resp, err := http.Get(p.site + path)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into) == nil
}

// evidence is what the page knows.
func (p *post) evidence() (e status.Evidence) {
	p.get("/evidence.json", &e)
	return e
}

// patience is how long it may take until a fault counts as over: everything has
// to be calm for 75 s, and every device to answer.
const patience = 6 * time.Minute

// calm waits until it is so.
func (p *post) calm(what string, so func() bool) {
	p.t.Helper()
	over := time.After(patience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-over:
			p.t.Fatalf("waited in vain until %s: %+v", what, p.evidence().Incidents)
		}
	}
}
