package journey

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestTheCountFollowsDevices reads the stream of how many devices are connected
// while devices come, are claimed by somebody else and go, over a restart of the
// cloud, too: after each of these the stream comes to the number that there is.
// How soon is printed: it is counted once a second.
func TestTheCountFollowsDevices(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{})
	other := c.Admit("bob@example.com")
	counts := watchCount(t, c, c.Person, false)
	theirs := watchCount(t, c, other, false)
	all := watchCount(t, c, c.Person, true)
	reach(t, "nobody is there", counts, connected(0))

	var devices []*harness.Device
	for i, transport := range []sim.Transport{sim.UDP, sim.TCP, sim.UDP, sim.TCP} {
		owner := c.Person
		if i == 3 {
			owner = other
		}
		devices = append(devices, c.Run(owner.Provision(sim.Config{Transport: transport, ProductID: 13, ProductVersion: 7}), harness.Wiring{}))
	}
	v := reach(t, "three have come", counts, connected(3))
	if v.Transports["udp"] != 2 || v.Transports["tcp"] != 1 || v.Products["13"] != 3 || v.Firmwares["13/7"] != 3 {
		t.Errorf("by what: %+v", v)
	}
	reach(t, "and one of somebody else's", theirs, connected(1))
	reach(t, "together", all, connected(4))

	if status, body := c.Do(http.MethodDelete, rest.PathDevice(devices[2].ID), nil); status != http.StatusOK {
		t.Fatal(status, body)
	}
	reach(t, "one is nobody's any more", counts, connected(2))
	if status, body := other.Do(http.MethodPost, rest.PathDevices, map[string][]string{"id": {devices[2].ID}}); status != http.StatusOK {
		t.Fatal(status, body)
	}
	reach(t, "and then another one's", theirs, connected(2))

	devices[1].Unplug()
	reach(t, "one has gone", counts, connected(1))
	c.Restart()
	c.Run(c.Provision(sim.Config{Transport: sim.TCP}), harness.Wiring{})
	reach(t, "the cloud was restarted, and another one has come", counts, func(v rest.Headcount) bool {
		return v.Transports["tcp"] == 1 && v.Connected+v.Unheard == 2
	})
}

// watchCount hears counts until the test ends.
func watchCount(t *testing.T, c *harness.Cloud, p *harness.Person, everyone bool) <-chan rest.Headcount {
	t.Helper()
	counts, err := client.New(client.Config{URL: c.URL(), Token: p.Token}).WatchHeadcount(t.Context(), everyone, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan rest.Headcount)
	go func() { // ends with the test's context
		defer close(out)
		for {
			v, err := counts.Next()
			if err != nil {
				return
			}
			select {
			case out <- v:
			case <-t.Context().Done():
				return
			}
		}
	}()
	return out
}

// connected is so many devices that are connected.
func connected(n int) func(rest.Headcount) bool {
	return func(v rest.Headcount) bool { return v.Connected == n }
}

// reach reads counts until one is as wanted, and gives it.
func reach(t *testing.T, what string, counts <-chan rest.Headcount, wanted func(rest.Headcount) bool) rest.Headcount {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	var last rest.Headcount
	for {
		select {
		case last = <-counts:
			if wanted(last) {
				t.Logf("%s: after %v", what, time.Since(began).Round(time.Millisecond))
				return last
			}
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s: %+v was counted last", what, last)
		}
	}
}
