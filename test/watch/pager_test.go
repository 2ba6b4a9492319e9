package watch

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/test/watch/door"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
)

// TestSomebodyIsPaged: new connections fail, and the pager has one incident of
// it. The watchtower is the whole one, with its settings file.
func TestSomebodyIsPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, harness.StartProcess(t, app.Options{}))
	fake := new(notifytest.Pager)
	phone := httptest.NewServer(fake)
	t.Cleanup(phone.Close)
	watchtower := w.cloud.Watch(app.WatchOptions{
		API: w.api.URL, UDP: w.doors[sim.UDP].Addr(), TCP: w.doors[sim.TCP].Addr(), Every: 2 * time.Second, Patience: deadline,
	}, notifytest.Settings(phone.URL))
	w.until("new connections are measured, and go well", watchtower.Connects)
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
