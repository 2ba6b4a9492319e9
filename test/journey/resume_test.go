package journey

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestAcknowledgedEventsSurvive kills the cloud as soon as a device, and a
// person, know that their events have arrived. Whoever resumes his stream then
// hears every one of them, with the id that it had before.
func TestAcknowledgedEventsSurvive(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, transport sim.Transport) {
		c := harness.StartProcess(t, app.Options{EventHistory: time.Hour})
		d := c.Run(c.Provision(sim.Config{Transport: transport, Application: sim.Oven(time.Hour), Trace: true}), harness.Wiring{})
		c.Settled(d.ID, 1)
		live := c.Stream(rest.PathMyEvents("oven/") + "?resume=" + rest.ResumeNow)
		publish(t, c.Person, "oven/mark", "")
		from := strings.TrimPrefix(idOf(live, "oven/mark"), "id: ")

		want := map[string]string{} // the ids that they had before
		for i := range 3 {
			name := fmt.Sprintf("oven/device%d", i)
			d.Tell(sim.Publish{Event: sim.Event{Name: name, Data: []byte("1"), Ack: sim.WithAck}})
			want[name] = idOf(live, name)
			publish(t, c.Person, fmt.Sprintf("oven/person%d", i), "1")
			want[fmt.Sprintf("oven/person%d", i)] = idOf(live, fmt.Sprintf("oven/person%d", i))
		}
		// Of these the stream may not have heard by then.
		d.Tell(sim.Publish{Event: sim.Event{Name: "oven/last", Data: []byte("1"), Ack: sim.WithAck}})
		c.Until("the device's event is acknowledged", func() bool { return acknowledged(d, "oven/last") })
		status, body := c.Do(http.MethodPost, rest.PathPublish, url.Values{"name": {"oven/end"}, "data": {"1"}})
		if status != http.StatusOK {
			t.Fatal(status, body)
		}
		c.Kill()
		c.Again()

		again := c.Stream(rest.PathMyEvents("oven/") + "?resume=" + from)
		got := map[string]string{}
		last := ""
		for name, id := "", ""; name != "oven/end"; {
			line := again.Next()
			if strings.HasPrefix(line, "id: ") {
				id = line
			}
			if after, ok := strings.CutPrefix(line, "event: "); ok {
				name = after
				if name == rest.EventStreamGap {
					t.Fatal("there is a gap:", again.Next())
				}
				got[name] = id
				last += name + " "
			}
		}
		if got["oven/last"] == "" {
			t.Errorf("what was acknowledged last is lost: %s", last)
		}
		delete(got, "oven/last")
		delete(got, "oven/end")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// idOf waits for the event and gives its id line.
func idOf(s *harness.Stream, name string) string {
	lines := s.Expect("event: " + name)
	for _, line := range slices.Backward(lines) {
		if strings.HasPrefix(line, "id: ") {
			return line
		}
	}
	return ""
}

var published = regexp.MustCompile(`CON 0\.02 #(\d+).* /E/(\S+)`)

// acknowledged tells whether the device has heard that its event arrived.
func acknowledged(d *harness.Device, name string) bool {
	log := d.Notes.String()
	for _, m := range published.FindAllStringSubmatch(log, -1) {
		if m[2] == name && strings.Contains(log, "ACK 2.04 #"+m[1]+"\n") {
			return true
		}
	}
	return false
}
