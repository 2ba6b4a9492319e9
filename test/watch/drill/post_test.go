package drill

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/test/port"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
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
	tower *harness.Watchtower
	pager *notifytest.Pager
}

// free gives an address that nobody has, and that the system gives to nobody who
// asks for any.
func free(t testing.TB) string {
	t.Helper()
	at, err := port.Free()
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
