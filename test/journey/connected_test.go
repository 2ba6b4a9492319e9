package journey

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestConnectedIsOneTruth has devices come and go, and asks all who can tell
// whether they are connected: the list, each device's own page, a ping, a call,
// and the error of one. They may see a change one after the other; what they
// must never do is disagree for longer than a second.
func TestConnectedIsOneTruth(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{})
	here := map[string]*harness.Device{}
	wired := map[string]sim.Config{}
	var ids []string
	for _, transport := range []sim.Transport{sim.UDP, sim.TCP, sim.TCP} {
		cfg := c.Provision(sim.Config{Transport: transport, Application: sim.Oven(time.Hour)})
		id := cfg.ID.String()
		ids, wired[id] = append(ids, id), cfg
	}
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		if runs++; runs > enough {
			return // devices take their time to come and go
		}
		// Each sequence goes on with the devices as the one before has left them.
		for i, which := range rapid.SliceOfN(rapid.IntRange(0, len(ids)-1), 1, 2).Draw(rt, "devices that come or go") {
			id := ids[which]
			if d := here[id]; d == nil {
				here[id] = c.Run(wired[id], harness.Wiring{})
			} else {
				d.Unplug()
				delete(here, id)
			}
			if i%2 == 1 || rapid.Bool().Draw(rt, "look at once") {
				agree(t, rt, c, ids)
			}
		}
		agree(t, rt, c, ids)
	})
}

// enough is how many sequences are tried.
const enough = 10

// agree asks everybody about every device until all say the same. Who sees a
// change first is ahead by at most a second, as long as asking does not take
// longer: so they are asked again, and a disagreement counts when it is seen at
// the beginning and the end of more than a second.
func agree(t *testing.T, rt *rapid.T, c *harness.Cloud, ids []string) {
	t.Helper()
	var since time.Time // when they began to disagree
	var was string
	for {
		start := time.Now()
		said := testimonies(t, c, ids)
		quarrel := ""
		for id, words := range said {
			for _, word := range words {
				if word != words["list"] {
					quarrel = fmt.Sprintf("%s: %v", id, words)
				}
			}
		}
		switch {
		case quarrel == "":
			return
		case since.IsZero() || quarrel != was:
			since, was = start, quarrel
		case start.Sub(since) > time.Second:
			rt.Fatalf("for %v: %s", start.Sub(since), quarrel)
		}
	}
}

// testimonies asks whoever can tell whether the devices are connected.
func testimonies(t *testing.T, c *harness.Cloud, ids []string) map[string]map[string]bool {
	t.Helper()
	said := map[string]map[string]bool{}
	for _, id := range ids {
		said[id] = map[string]bool{"get": c.Device(id).Connected}
		status, body := c.Do(http.MethodPut, rest.PathPing(id), nil)
		var ping rest.Ping
		if err := json.Unmarshal([]byte(body), &ping); err != nil || status != http.StatusOK {
			t.Fatal(status, body)
		}
		said[id]["ping"] = ping.Connected
		status, body = c.Do(http.MethodPost, rest.PathFunction(id, "setpitf"), url.Values{"arg": {"100"}})
		var e rest.Error
		_ = json.Unmarshal([]byte(body), &e) // of a call that went well it stays empty
		switch {
		case status == http.StatusOK:
			said[id]["call"] = true
		case e.Device == nil:
			t.Fatal("a call's failure without a word on the device:", status, body)
		default:
			said[id]["call"] = e.Device.Connected
		}
	}
	var list []rest.Device
	c.Get(rest.PathDevices, &list)
	for _, d := range list {
		if d.Connected != d.Online {
			t.Errorf("%s is connected: %v, and online: %v", d.ID, d.Connected, d.Online)
		}
		said[d.ID]["list"] = d.Connected
		if d.Connected == d.Stale && d.Functions != nil {
			t.Errorf("%s is connected: %v, and what it offers is stale: %v", d.ID, d.Connected, d.Stale)
		}
		if d.Functions != nil && d.DescribedAt.IsZero() {
			t.Errorf("%s offers %v, and nobody knows since when", d.ID, d.Functions)
		}
	}
	return said
}
