package missing

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api/outage"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/watch/alert"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/tower"
)

// day is a cloud and a watchtower beside it, on a clock that is put forward.
type day struct {
	t      *testing.T
	now    time.Time
	counts *outage.Counts
	watch  *tower.Counter
	judge  *alert.Judge
	book   *incident.Book
	next   uint32 // device that comes
	chance *rand.Rand
	failed int // attempts that the watchtower heard of
}

// unknown is a database that knows no device, and how many are connected.
type unknown struct{}

func (unknown) DevicesByID(context.Context, []device.ID) ([]device.Device, error) { return nil, nil }

func (unknown) CountSessions(context.Context) (int, error) { return 2000, nil }
func (unknown) Count() (connected, limbo int)              { return 2000, 0 }
func (unknown) Routed() int                                { return 2000 }

func begin(t *testing.T) *day {
	d := &day{
		t: t, now: time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC), judge: alert.New(alert.Config{Vantages: 1}), book: incident.NewBook(),
		chance: rand.New(rand.NewPCG(4, 8)),
	}
	d.counts = outage.NewCounts(d.now)
	signals := &outage.Signals{Counts: d.counts, Gauges: unknown{}, Facts: unknown{}, Node: "n1", Now: func() time.Time { return d.now }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := signals.Serve(w, &web.Request{Request: r}); err != nil { //nolint:contextcheck // r has it
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	d.watch = tower.NewCounter(server.URL, "token")
	return d
}

// minute lets about so many devices arrive over UDP, and the watchtower look.
func (d *day) minute(arrive int) (told []incident.Change) {
	d.t.Helper()
	for range arrive + d.chance.IntN(arrive/3+1) - arrive/6 {
		d.next++
		d.counts.Attempt(&device.Attempt{
			Device: device.ID{8: byte(d.next >> 24), 9: byte(d.next >> 16), 10: byte(d.next >> 8), 11: byte(d.next)}, Transport: "udp", Gateway: "n1",
			Source: "203.0.113.7:4000", Outcome: device.Succeeded,
		}, d.now)
	}
	d.now = d.now.Add(time.Minute)
	traffic, err := d.watch.Traffic(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for i := range traffic.Attempts {
		d.failed += traffic.Attempts[i].Failed
	}
	d.judge.NoteTraffic(&traffic)
	return d.book.Apply(d.now, d.judge.Judge(d.now), incident.Recovery{})
}

// TestTrafficThatNeverArrives has a firewall on the way take four devices of
// five: within a minute that is an incident and pages, though nothing fails and
// everybody who is connected stays so; and it ends when they arrive again.
func TestTrafficThatNeverArrives(t *testing.T) {
	d := begin(t)
	for range 40 {
		if told := d.minute(60); len(told) > 0 {
			t.Fatalf("while as many come as usual: %+v", told)
		}
	}
	told := d.minute(12)
	if len(told) != 1 || told[0].Kind != incident.Opened || !told[0].Kind.Pages() {
		t.Fatalf("when they do not come: %+v", told)
	}
	i := told[0].Incident
	p := i.Part(signal.ConnectUDP)
	if i.By != signal.ByTraffic || len(i.Parts) != 1 || p == nil || p.Measured != signal.Degraded || !strings.Contains(p.Evidence, "usually") {
		t.Errorf("the incident is seen by %s: %+v", i.By, i.Parts)
	}
	for range 5 {
		if told := d.minute(12); len(told) > 0 {
			t.Errorf("while it lasts: %s", told[0].Text)
		}
	}
	if told = d.minute(60); len(told) != 1 || told[0].Kind != incident.Fixed {
		t.Errorf("when they come again: %+v", told)
	}
	if d.failed > 0 {
		t.Errorf("%d attempts failed: this is about those of whom none does", d.failed)
	}
}
