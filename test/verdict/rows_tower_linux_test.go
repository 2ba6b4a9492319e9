package verdict

import (
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/watch/canary"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// towerRows are faults of the watchtower itself and of what it tells.
func towerRows() []row {
	rows := []row{
		{
			number: "45", fault: "canary broken, its key", how: "one of twelve canaries that come over TCP has a key that the cloud does not know, for 6 minutes",
			ticket: true, hold: 6 * time.Minute,
			inject: func(g *rig) { g.forgetCanary() }, heal: func(g *rig) { g.knowCanary() },
		},
		{
			number: "45", fault: "canaries broken, their token", how: "the token that all canaries use is revoked", ticket: true,
			inject: func(g *rig) { g.canaries.Do(http.MethodDelete, "/v1/access_tokens/current", nil) },
			heal: func(g *rig) { // as if their operator had given them another
				another := "Bearer " + g.cloud.Login(g.cloud.Welcome.Username, g.cloud.Welcome.Password).Token
				g.api.Set(func(_ http.ResponseWriter, r *http.Request) bool {
					if r.Header.Get("Authorization") == "Bearer "+g.canaries.Token {
						r.Header.Set("Authorization", another)
					}
					return false
				})
			},
		},
		{
			number: "27", fault: "the auth store lies", how: "every token is refused, and nobody can log in", must: []signal.Capability{signal.API}, hold: 2 * time.Minute,
			inject: func(g *rig) { g.api.Set(refusesTokens) }, heal: func(g *rig) { g.api.Set(nil) },
		},
		{number: "46", fault: "one vantage always sees red, or green", skipped: "vantages of one machine have one address, and what is wrong here is wrong for all of them; `watch/alert.TestOneVantageDoesNotVoteForAll`, `watch/tower.TestVantages` and 20 simulated days with three vantages"},
		{
			number: "47", fault: "the watchtower is dead", how: "its process ends; a beacon looks at it every 15 s", hold: time.Second,
			before: func(g *rig) { g.notice = g.beacon() },
			inject: func(g *rig) { g.stop() },
			after: func(g *rig, v *Verdict) {
				began := time.Now()
				select {
				case n := <-g.notice:
					v.Note = fmt.Sprintf("The beacon said %s after %.0f s.", n.Event, time.Since(began).Seconds())
					v.Other = "seen by the beacon"
				case <-time.After(2 * time.Minute):
					v.Wrong = append(v.Wrong, "nobody noticed within 120 s that nobody looks")
				}
				g.url, g.stop = g.watch(g.own)
			},
		},
	}
	for _, p := range []struct {
		how     string
		trouble notifytest.Trouble
		by      string
	}{
		{"PagerDuty answers 429", notifytest.Trouble{Status: http.StatusTooManyRequests}, "second stage"},
		{"PagerDuty answers 500", notifytest.Trouble{Status: http.StatusInternalServerError}, "second stage"},
		{"PagerDuty hangs for 60 s", notifytest.Trouble{Hang: time.Minute}, "second stage"},
	} {
		rows = append(rows, row{
			number: "48", fault: "new connections fail, and " + p.how, how: "as in row 1; the second stage works", must: doors,
			before: func(g *rig) { g.pager.Set(p.trouble) },
			inject: newcomers(each(fate{drop: true})), heal: nobodyElse,
			after: func(g *rig, v *Verdict) {
				if _, by := g.paged(time.Time{}); by != p.by {
					v.Wrong = append(v.Wrong, "the page was taken by "+by)
				}
			},
		})
	}
	return append(rows,
		row{number: "48", fault: "PagerDuty says 202, and nothing arrives", skipped: "nobody but a person can know: what is not acknowledged goes to the next stage; `watch/notify.TestLost` on simulated time"},
		row{number: "48", fault: "SMTP greylists; every outlet is down", skipped: "takes an hour of greylisting; `watch/notify.TestMail`, `TestAllDown` and `TestRestart` on simulated time"},
	)
}

// calendarRows are incidents beside maintenance, and those that come and go.
func calendarRows() []row {
	calls := []signal.Capability{signal.Calls}
	return []row{
		{
			number: "53", fault: "an incident during maintenance", how: "a window declares events, which fail; new connections over TCP fail, too", must: doors[:1],
			may: []signal.Capability{signal.Events},
			before: func(g *rig) {
				g.announce(signal.Events, 10*time.Minute)
			},
			inject: func(g *rig) {
				g.api.Set(silent())
				g.tcp.set(always(fate{drop: true}))
			},
			heal: func(g *rig) {
				g.api.Set(nil)
				nobodyElse(g)
			},
			after: func(g *rig, v *Verdict) {
				s, _ := g.look()
				for _, i := range s.Incidents {
					if i.Part(signal.Events) != nil {
						v.Wrong = append(v.Wrong, "what was announced is part of the incident")
					}
				}
			},
		},
		{
			number: "54", fault: "maintenance overruns", how: "a window of 70 s declares calls, which hang from its begin to 90 s after its end", must: calls, hold: 160 * time.Second,
			before: func(g *rig) { g.announce(signal.Calls, 70*time.Second) },
			inject: func(g *rig) { g.api.Set(hangs("POST", "/canary")) }, heal: func(g *rig) { g.api.Set(nil) },
			after: func(g *rig, v *Verdict) {
				v.Note = "The window declared it for its first 70 s."
				switch at, _ := g.paged(time.Time{}); {
				case at.IsZero():
				case at.Before(g.ends):
					v.Wrong = append(v.Wrong, "somebody was paged during the window")
				case at.Before(g.ends.Add(time.Minute)):
					v.Other = "seen, when the window was over"
				}
			},
		},
		{
			number: "55", fault: "flapping", how: "new connections over TCP fail for 90 s and work for 90 s, three times", must: doors[:1], hold: 9 * time.Minute, flaps: true,
			inject: func(g *rig) {
				for range 3 {
					g.tcp.set(always(fate{drop: true}))
					pause.For(g.t.Context(), 90*time.Second)
					g.tcp.set(nil)
					pause.For(g.t.Context(), 90*time.Second)
				}
			},
		},
		{number: "56", fault: "recovery of 95 % only", skipped: "canaries do not count devices, and the crowd that is counted is in `make golden`; the rule: `watch/incident.TestOver`"},
	}
}

// announce has a window begin.
func (g *rig) announce(c signal.Capability, lasts time.Duration) {
	g.t.Helper()
	begins := time.Now().Add(2 * time.Second)
	g.ends = begins.Add(lasts)
	g.ask("/admin/maintenance", maintenance.Window{
		Kind: maintenance.Emergency, Title: "Work", Reason: "A verdict needs a window.", Who: "test", Zone: "UTC",
		Effects: []maintenance.Effect{{Capability: c, Worst: signal.Major}}, Starts: begins, Ends: g.ends,
	})
	if !g.until(time.Minute, func(s *sight) bool { return len(s.Windows) > 0 && s.Windows[0].Active() }) {
		g.t.Fatal("the window does not begin")
	}
}

// beacon looks at the watchtower and gives what it says.
func (g *rig) beacon() <-chan app.Notice {
	said := make(chan app.Notice, 16)
	go app.Beacon(g.t.Context(), app.WatchOptions{}, g.url, "", func(n app.Notice) { said <- n }) // ends with the test
	return said
}

// forgetCanary gives the cloud another key for a canary.
func (g *rig) forgetCanary() {
	g.t.Helper()
	var list []rest.Device
	g.cloud.Get("/v1/devices", &list)
	for _, d := range list {
		if strings.HasPrefix(string(d.Name), "canary-cold-start-tcp") {
			id, err := sim.ParseID(d.ID)
			if err != nil {
				g.t.Fatal(err)
			}
			g.cloud.Provision(sim.Config{ID: id, Transport: sim.TCP})
			g.sick = id
			return
		}
	}
	g.t.Fatal("there is no canary")
}

// knowCanary gives it that canary's key again, as its operator would.
func (g *rig) knowCanary() {
	g.t.Helper()
	nursery, err := canary.OpenNursery(filepath.Join(g.folder, "canaries"))
	if err != nil {
		g.t.Fatal(err)
	}
	for i := range 12 {
		who, err := nursery.Device(string(signal.ColdStart), sim.TCP, i)
		if err != nil {
			g.t.Fatal(err)
		}
		if who.ID != g.sick {
			continue
		}
		if _, err := client.New(client.Config{URL: g.cloud.URL(), Token: g.cloud.Token}).Provision(g.t.Context(), who.ID.String(), who.Public); err != nil {
			g.t.Fatal(err)
		}
	}
}

// execute changes the database of a cloud that is not there.
func (g *rig) execute(statement string) {
	g.t.Helper()
	db, err := sql.Open("sqlite", "file:"+g.cloud.Database()+"?_pragma=busy_timeout(10000)")
	if err != nil {
		g.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(g.t.Context(), statement); err != nil {
		g.t.Fatal(err)
	}
}
