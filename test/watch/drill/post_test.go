package drill

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/internal/port"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/status"
)

// every is how often a canary runs, instead of ten seconds.
const every = 2 * time.Second

// deadline is so long that on any machine that is well a canary comes to its end.
// A device that gets no answer ends its handshake by itself, after 20 s.
const deadline = time.Minute

// post is a cloud in a process of its own and a whole watchtower, with a pager.
type post struct {
	*harness.Cloud

	t     testing.TB
	tower *harness.Watchtower
	pager *notifytest.Pager
}

func newPost(t testing.TB) *post {
	t.Helper()
	o := app.Options{ListenDrillUDP: port.Free(t), ListenDrillTCP: port.Free(t)}
	p := &post{Cloud: harness.StartProcess(t, o), t: t, pager: new(notifytest.Pager)}
	phone := httptest.NewServer(p.pager)
	t.Cleanup(phone.Close)
	p.tower = p.Watch(app.WatchOptions{
		Every: every, Patience: deadline, DrillUDP: o.ListenDrillUDP, DrillTCP: o.ListenDrillTCP,
	}, notifytest.Settings(phone.URL))
	p.Until("new connections are measured, and go well", p.tower.Connects)
	return p
}

// evidence is what the page knows.
func (p *post) evidence() status.Evidence {
	e, _ := p.tower.Evidence()
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
