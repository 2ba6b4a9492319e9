package watch

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
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/test/watch/door"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

// TestSomebodyIsPaged: new connections fail, and the pager has one incident of
// it. The watchtower is the whole one, with its settings file.
func TestSomebodyIsPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, harness.StartProcess(t, app.Options{}))
	fake, data := new(notifytest.Pager), t.TempDir()
	phone := httptest.NewServer(fake)
	t.Cleanup(phone.Close)
	write := func(name, text string) string {
		path := filepath.Join(data, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	watchtower, err := app.NewWatch(app.WatchOptions{
		Data: data, Listen: "127.0.0.1:0", API: w.api.URL, Every: 2 * time.Second, Patience: deadline,
		UDP: w.doors[sim.UDP].Addr(), TCP: w.doors[sim.TCP].Addr(), KeyUDP: w.cloud.KeyFile(app.FilePubEC), KeyTCP: w.cloud.KeyFile(app.FilePubRSA),
		TokenFile: write("token", w.cloud.Token),
		Settings: write("settings.yaml", "notify:\n  stages: [[phone]]\n  outlets:\n    phone: {type: pagerduty, routing_key: "+
			strings.Repeat("k", 32)+", url: \""+phone.URL+"\"}\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- watchtower.Run(ctx) }() // ends with the test
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error("the watchtower:", err)
		}
	})
	w.until("new connections are measured, and go well", func() bool {
		resp, err := http.Get("http://" + watchtower.Addr() + "/evidence.json")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var e status.Evidence
		if json.NewDecoder(resp.Body).Decode(&e) != nil {
			return false
		}
		well := 0
		for _, c := range e.Components {
			if (c.Capability == signal.ConnectUDP || c.Capability == signal.ConnectTCP) && c.OK >= 2 {
				well++
			}
		}
		return well == 2
	})
	if list := fake.Incidents(); len(list) != 0 {
		t.Fatalf("somebody is paged while all is well: %+v", list)
	}
	began := time.Now()
	w.shut(door.Unanswered, sim.UDP, sim.TCP)
	w.until("somebody is paged", func() bool { return len(fake.Incidents()) > 0 })
	t.Logf("paged after %v, with a run every 2 s", time.Since(began).Round(100*time.Millisecond))
	if list := fake.Incidents(); len(list) != 1 || list[0].Triggers != 1 || !strings.Contains(list[0].Summary, "cannot connect") {
		t.Errorf("the pager has %+v", list)
	}
}
